"""The boxes of a picture: cards of one operation with its followers, and the ends of inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cnncalc.graph import Graph, Input, Node, Tensor
from cnncalc.ground.limits import MAX_DRAWN_SCOPES
from cnncalc.language.expand.unfinished import Misfit

ScopePath = tuple[str, ...]


class Wire:
    """A tensor on its way from one atom to another.

    Attributes:
        count: how often the target reads it; an add of a tensor with itself reads it twice.
        is_lane: whether it is drawn as a separate line, beside the tree of series and branches.
    """

    __slots__ = ("count", "is_lane", "source", "target")

    def __init__(self, source: Atom, target: Atom) -> None:
        self.source = source
        self.target = target
        self.count = 1
        self.is_lane = False


class Atom:
    """A box without an inside.

    Attributes:
        order: place in a topological order of all atoms, from 0.
        kind: ``card``, ``input``, ``output`` or ``fault``, where a layer could not be added.
        nodes: the layers of a card, each the only reader of the one before; empty for an end.
        tensor: what comes out of a card, or what an end stands for.
        name: of an end; a card's first layer's.
        message: what is wrong, of a fault.
        path: the names of the scopes that it stands in, outermost first.
        before, after: what it reads and who reads it, one wire for each other atom.
    """

    __slots__ = ("after", "before", "kind", "message", "name", "nodes", "order", "path", "tensor")

    def __init__(self, kind: str, name: str, tensor: Tensor, nodes: Sequence[Node] = (), path: ScopePath = ()) -> None:
        self.kind = kind
        self.name = name
        self.tensor = tensor
        self.nodes = tuple(nodes)
        self.path = path
        self.message = ""
        self.order = -1
        self.before: list[Wire] = []
        self.after: list[Wire] = []

    @property
    def leading(self) -> Node:
        """The layer that a card is about: its convolution or fully connected layer, else its first."""
        found = [node for node in self.nodes if node.layer.kind in ("conv", "fc")]
        return found[0] if found else self.nodes[0]

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}>"


LONGEST_CHAIN = 24
"""How many layers a card holds at most."""


def path_of(name: str) -> ScopePath:
    """Return the scopes of a dotted name; very deep ones are merged into one."""
    return tuple(name.split(".", MAX_DRAWN_SCOPES)[:-1])


def common(a: ScopePath, b: ScopePath) -> ScopePath:
    """Return the scopes that two paths have in common."""
    for place, (left, right) in enumerate(zip(a, b, strict=False)):
        if left != right:
            return a[:place]
    return a if len(a) < len(b) else b


def atoms_of(graph: Graph, nodes: Sequence[Node] | None = None, misfits: Sequence[Misfit] = ()) -> list[Atom]:
    """Return the atoms of a network in a topological order, wired.

    Args:
        graph: the network.
        nodes: the layers to draw, in the network's order; all of them by default.  A tensor that comes from a layer
            left out is an input then, and one that such a layer reads an output.
        misfits: the layers that could not be added, drawn as faults.
    """
    chosen = graph.nodes if nodes is None else nodes
    ends_with: dict[Tensor, list[str]] = {}
    for name, tensor in graph.outputs.items():
        ends_with.setdefault(tensor, []).append(name)
    drawn = set(chosen)
    if nodes is not None:
        ends_with = {tensor: names for tensor, names in ends_with.items() if tensor in drawn}
        _add_readers_left_out(graph, drawn, ends_with)
    cards = Cards(chosen, graph.readers(), ends_with).found
    makers: dict[Tensor, Atom] = {card.tensor: card for card in cards}
    if nodes is None:
        for tensor in graph.inputs.values():
            makers[tensor] = Atom("input", tensor.name, tensor)
    wires: dict[tuple[Atom, Atom], Wire] = {}
    for card in cards:
        for tensor in card.nodes[0].inputs:
            if tensor not in makers:
                makers[tensor] = Atom("input", tensor.name, tensor)
            _connect(makers[tensor], card, wires)
    outputs = []
    for tensor, names in ends_with.items():
        for name in names:
            outputs.append(Atom("output", name, tensor))
            _connect(makers[tensor], outputs[-1], wires)
    for misfit in misfits:
        fault = Atom("fault", misfit.name, Input(misfit.name, ()), path=path_of(misfit.name))
        fault.message = misfit.message
        read = [tensor for tensor in misfit.tensors if tensor in makers]
        for tensor in read:
            _connect(makers[tensor], fault, wires)
        if read:
            outputs.append(fault)
    inputs = [atom for atom in makers.values() if atom.kind == "input"]
    _place_ends(wires.values(), inputs, outputs)
    return _ordered(cards, inputs, outputs)


def _add_readers_left_out(graph: Graph, drawn: set[Node], ends_with: dict[Tensor, list[str]]) -> None:
    """Add what layers that are not drawn read of those that are."""
    for node in graph.nodes:
        if node not in drawn:
            for tensor in node.inputs:
                if tensor in drawn and tensor not in ends_with:
                    ends_with[tensor] = [tensor.name]


def _connect(source: Atom, target: Atom, wires: dict[tuple[Atom, Atom], Wire]) -> None:
    if (source, target) in wires:
        wires[source, target].count += 1
        return
    wire = wires[source, target] = Wire(source, target)
    source.after.append(wire)
    target.before.append(wire)


def _ordered(cards: list[Atom], inputs: list[Atom], outputs: list[Atom]) -> list[Atom]:
    """Return all atoms, an input just before its first reader and an output just after its maker."""
    places: dict[Atom, tuple[int, int, int]] = {card: (card.nodes[0].index, 1, 0) for card in cards}
    for number, end in enumerate(outputs):
        places[end] = (max([places.get(wire.source, (-1,))[0] for wire in end.before]), 2, number)
    for number, end in enumerate(inputs):
        first = min([places[wire.target] for wire in end.after], default=(-1, 0, 0))
        places[end] = (first[0], 0, number)
    found = sorted(places, key=places.__getitem__)
    for order, atom in enumerate(found):
        atom.order = order
    return found


class Cards:
    """The layers of a network as cards: a chain of an operation and the norm, activation and dropout behind it.

    Norm and activation at the beginning of a chain belong to the convolution that ends it (pre-activation: He et al.
    2016, arXiv:1603.05027).
    A card never holds a part of a scope and something outside of it.
    """

    def __init__(
        self, nodes: Sequence[Node], readers: Mapping[Tensor, list[Node]], ends_with: Mapping[Tensor, object]
    ) -> None:
        self.readers = readers
        self.ends_with = ends_with
        self.paths = {node: path_of(node.name) for node in nodes}
        self.sizes: dict[ScopePath, int] = {}
        for path in self.paths.values():
            for depth in range(1, len(path) + 1):
                self.sizes[path[:depth]] = self.sizes.get(path[:depth], 0) + 1
        self.found: list[Atom] = []
        taken = set[Node]()
        for node in nodes:
            if node not in taken:
                chain = self._chain(node, taken)
                taken.update(chain)
                self.found.append(Atom("card", node.name, chain[-1], chain, self._path(chain)))

    def _chain(self, node: Node, taken: set[Node]) -> list[Node]:
        chain = [node]
        if node.layer.kind == "merge":
            return chain
        while len(chain) < LONGEST_CHAIN:
            following = self._only_reader(chain[-1])
            if following is None or following in taken or not self._whole([*chain, following]):
                return chain
            if not _follows(following):
                prepared = node.layer.kind == "norm" and chain[-1].layer.kind == "activation"
                return [*chain, following] if prepared and following.layer.kind in ("conv", "fc") else chain
            chain.append(following)
        return chain

    def _only_reader(self, node: Node) -> Node | None:
        """Return the only reader of a node's output, if it reads nothing else and is drawn."""
        readers = self.readers.get(node, ())
        if len(readers) != 1 or node in self.ends_with or readers[0] not in self.paths:
            return None
        return readers[0] if len(readers[0].inputs) == 1 else None

    def _path(self, chain: list[Node]) -> ScopePath:
        path = self.paths[chain[0]]
        for node in chain[1:]:
            path = common(path, self.paths[node])
        return path

    def _whole(self, chain: list[Node]) -> bool:
        """Whether each scope below the chain's common scope is completely in the chain."""
        depth = len(self._path(chain)) + 1
        inside: dict[ScopePath, int] = {}
        for node in chain:
            path = self.paths[node]
            if len(path) >= depth:
                inside[path[:depth]] = inside.get(path[:depth], 0) + 1
        return all(self.sizes[path] == count for path, count in inside.items())


def _follows(node: Node) -> bool:
    return node.layer.kind in ("norm", "activation") or node.layer.type == "dropout"


def _place_ends(wires: Iterable[Wire], inputs: list[Atom], outputs: list[Atom]) -> None:
    """Move each input and output as far outside as its line crosses no other on the border of a scope."""
    leaving: dict[ScopePath, set[Atom]] = {}
    entering: dict[ScopePath, set[Atom]] = {}
    for wire in wires:
        source, target = wire.source, wire.target
        depth = len(common(source.path, target.path))
        for border in range(depth + 1, len(source.path) + 1):
            leaving.setdefault(source.path[:border], set()).add(source)
        for border in range(depth + 1, len(target.path) + 1):
            entering.setdefault(target.path[:border], set()).add(source)
    for end in outputs:
        if end.kind == "fault":
            continue
        maker = end.before[0].source
        depth = len(maker.path)
        while depth and leaving.get(maker.path[:depth], set()) <= {maker}:
            depth -= 1
        end.path = maker.path[:depth]
    for end in inputs:
        around = end.after[0].target.path if end.after else ()
        for wire in end.after:
            around = common(around, wire.target.path)
        end.path = ()
        for border in range(len(around), 0, -1):
            if not entering[around[:border]] <= {end}:
                end.path = around[:border]
                break
