"""The smallest parts of a picture: cards of one operation with its followers, inputs, outputs and faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

from cnncalc.graph import Graph, Input, Node, Tensor
from cnncalc.ground.limits import MAX_DRAWN_SCOPES
from cnncalc.language.expand.unfinished import Misfit

ScopePath = tuple[str, ...]


class Wire:
    """A tensor that one atom computes and another one reads.

    Attributes:
        source, target: its ends.
        count: how often the target reads it; an add of a tensor with itself reads it twice.
        is_lane: whether it is drawn as a separate line, beside the tree of series and branches.
    """

    count = 1
    is_lane = False

    def __init__(self, source: Atom, target: Atom) -> None:
        self.source = source
        self.target = target


class Atom:
    """A card, an input, an output, or a fault: a layer that could not be added.

    Attributes:
        kind: ``card``, ``input``, ``output`` or ``fault``.
        name: the name of a card's first layer, of an input, an output or a fault.
        tensor: the output of a card, the input or output itself.
        nodes: the layers of a card, each the only reader of the one before; empty for other kinds.
        path: the names of the scopes around it, outermost first.
        order: place in a topological order of all atoms, from 0.
        message: the error of a fault.
        before, after: what it reads and who reads it, one wire for each other atom.
    """

    order = -1
    message = ""

    def __init__(self, kind: str, name: str, tensor: Tensor, nodes: Sequence[Node] = (), path: ScopePath = ()) -> None:
        self.kind = kind
        self.name = name
        self.tensor = tensor
        self.nodes = tuple(nodes)
        self.path = path
        self.before: list[Wire] = []
        self.after: list[Wire] = []

    @property
    def leading(self) -> Node:
        """The layer that a card is about: its convolution or fully connected layer, else its first."""
        return next((node for node in self.nodes if node.layer.kind in ("conv", "fc")), self.nodes[0])

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}>"


LONGEST_CHAIN = 24
"""Most layers of a card."""


def path_of(name: str) -> ScopePath:
    """Return the scopes of a dotted name; very deep ones are merged into one."""
    return tuple(name.split(".", MAX_DRAWN_SCOPES)[:-1])


def common(a: ScopePath, b: ScopePath) -> ScopePath:
    """Return the scopes that two paths have in common."""
    if a == b:
        return a
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
    drawn: set[Tensor] = {*chosen, *(graph.inputs.values() if nodes is None else ())}
    ends_with: dict[Tensor, list[str]] = {}
    for name, tensor in graph.outputs.items():
        if tensor in drawn:
            ends_with.setdefault(tensor, []).append(name)
    for node in graph.nodes:
        if node not in drawn:
            for tensor in node.inputs:
                if tensor in drawn:
                    ends_with.setdefault(tensor, [tensor.name])
    cards = Cards(chosen, graph.readers(), ends_with).found
    makers: dict[Tensor, Atom] = {card.tensor: card for card in cards}
    read = [tensor for card in cards for tensor in card.nodes[0].inputs]
    for tensor in (*(graph.inputs.values() if nodes is None else ()), *read):
        if tensor not in makers:
            makers[tensor] = Atom("input", tensor.name, tensor)
    wires: dict[tuple[Atom, Atom], Wire] = {}
    for card in cards:
        for tensor in card.nodes[0].inputs:
            _connect(makers[tensor], card, wires)
    outputs = []
    for tensor, names in ends_with.items():
        for name in names:
            outputs.append(Atom("output", name, tensor))
            _connect(makers[tensor], outputs[-1], wires)
    for misfit in misfits:
        fault = Atom("fault", misfit.name, Input(misfit.name, ()), path=path_of(misfit.name))
        fault.message = misfit.message
        for tensor in misfit.tensors:
            if tensor in makers:
                _connect(makers[tensor], fault, wires)
        if fault.before:
            outputs.append(fault)
    inputs = [atom for atom in makers.values() if atom.kind == "input"]
    _place_ends(wires.values(), inputs, outputs)
    return _ordered(cards, inputs, outputs)


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
        places[end] = (min([places[wire.target][0] for wire in end.after], default=-1), 0, number)
    found = sorted(places, key=places.__getitem__)
    for order, atom in enumerate(found):
        atom.order = order
    return found


class Cards:
    """The layers of a network as cards: a chain of an operation and the norm, activation and dropout behind it.

    Norm and activation at the beginning of a chain belong to the convolution that ends it (pre-activation: He et al.
    2016, arXiv:1603.05027).  A card never holds a part of a scope and something outside of it.

    Attributes:
        found: the cards, in the order of their first layers.
    """

    def __init__(
        self, nodes: Sequence[Node], readers: Mapping[Tensor, list[Node]], ends_with: Mapping[Tensor, object]
    ) -> None:
        self.readers = readers
        self.ends_with = ends_with
        self.paths = {node: path_of(node.name) for node in nodes}
        self.sizes = Counter(path[:depth] for path in self.paths.values() for depth in range(1, len(path) + 1))
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
        inside = [path[:depth] for node in chain if len(path := self.paths[node]) >= depth]
        return all(self.sizes[path] == inside.count(path) for path in inside)


def _follows(node: Node) -> bool:
    return node.layer.kind in ("norm", "activation") or node.layer.type == "dropout"


def _place_ends(wires: Iterable[Wire], inputs: list[Atom], outputs: list[Atom]) -> None:
    """Move each input and output out of scopes, as long as its line is the only one that crosses their borders."""
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
        if end.kind == "output":
            maker = end.before[0].source
            end.path = _inside(maker.path, leaving, maker)
    for end in inputs:
        around = reduce(common, [wire.target.path for wire in end.after]) if end.after else ()
        end.path = _inside(around, entering, end)


def _inside(path: ScopePath, crossing: Mapping[ScopePath, set[Atom]], alone: Atom) -> ScopePath:
    """Return the innermost of some scopes whose border another atom's line crosses, too."""
    depth = len(path)
    while depth and crossing.get(path[:depth], set()) <= {alone}:
        depth -= 1
    return path[:depth]
