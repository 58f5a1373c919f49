"""A graph in a readable order, in which each concatenation extends the one before it and branches are in one piece.

A model file of a DenseNet (arXiv:1608.06993) joins all earlier outputs anew in front of each layer; as a spec, a layer
joins its output to its input. A scope whose layers outside of it read at several places can't be a block: what it makes
is read behind its last reshape, and a layer that an exporter shares between scopes belongs to none of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from heapq import heappop, heappush
from itertools import count, takewhile

from cnncalc.exporters.naming import first_free
from cnncalc.exporters.rolling import MOST_INPUTS
from cnncalc.exporters.scopes import layers_inside, scopes_around
from cnncalc.graph import Graph, Node, Tensor


def nested(graph: Graph) -> tuple[Graph, list[Node]]:
    """Return a graph of the same layers, with the same shapes and figures, in a readable order.

    Returns:
        The graph, and for each of its nodes the original one.
    """
    names = _in_their_scopes(graph)
    homes = _homes(names)
    inputs = _joined(graph, homes)
    borders = _Borders(graph, inputs)
    names |= _apart(borders, homes)
    names |= _with_what_is_joined(inputs, names)
    names |= _by_output(borders, names)
    order = _ordered(borders, names)
    return _rebuilt(graph, order, inputs, names), order


def growing(graph: Graph) -> Graph:
    """Return a graph of the same layers in their order, in which each concatenation extends the one before it."""
    names = {node: node.name for node in graph.nodes}
    inputs = {
        node: tensors if node.layer.type == "concat" else node.inputs
        for node, tensors in _joined(graph, _homes(names)).items()
    }
    if all(tensors is node.inputs for node, tensors in inputs.items()):
        return graph
    made = _rebuilt(graph, graph.nodes, inputs, names | _with_what_is_joined(inputs, names))
    for node, other in zip(graph.nodes, made.nodes, strict=True):
        other.keys, other.forms = node.keys, node.forms
    return made


def _homes(names: Mapping[Node, str]) -> dict[Tensor, Scope]:
    """Return the scope around each name."""
    return {node: tuple(name.split(".")[:-1]) for node, name in names.items()}


def _rebuilt(
    graph: Graph, order: Sequence[Node], inputs: Mapping[Node, Sequence[Tensor]], names: Mapping[Node, str]
) -> Graph:
    """Return a graph of the same layers in an order, with other inputs and names.

    A new name that is taken gets a number.
    """
    made = Graph(graph.name, {name: tensor.shape for name, tensor in graph.inputs.items()}, graph.variant, graph.source)
    new: dict[Tensor, Tensor] = dict(zip(graph.inputs.values(), made.inputs.values(), strict=True))
    for one, other in new.items():
        other.times = one.times
    taken, numbers = {node.name for node in order if names[node] == node.name}, dict[str, int]()
    for node in order:
        shares = new.get(node.shares) if node.shares is not None else None
        name = names[node] if names[node] == node.name else first_free(names[node], taken.__contains__, numbers)
        taken.add(name)
        new[node] = made.add(
            node.layer,
            [new[tensor] for tensor in inputs[node]],
            name,
            shares if isinstance(shares, Node) else None,
            node.origin,
            node.stored,
        )
    made.finish({name: new[tensor] for name, tensor in graph.outputs.items()})
    return made


def _in_their_scopes(graph: Graph) -> dict[Node, str]:
    """Return names of the layers that no scope has: a layer with one's name is in it if it lies between its layers."""
    names = {node: node.name for node in graph.nodes}
    inside = layers_inside(names)
    for node in graph.nodes:
        group = inside.get(node.name)
        if group:
            is_between = group[0].index < node.index < group[-1].index
            names[node] = f"{node.name}{'.' if is_between else '_'}{node.layer.type}"
    return names


MOST_READERS = 16
"""Most layers that read a tensor whose reshape is taken to one of them."""

MOST_LEVELS = 8
"""Most scopes, one in the other, of which a layer is said to be an output."""

Scope = tuple[str, ...]


def _common(*scopes: Scope) -> Scope:
    """Return the innermost scope around all these."""
    return tuple([parts[0] for parts in takewhile(lambda parts: len(set(parts)) == 1, zip(*scopes, strict=False))])


def _joined(graph: Graph, homes: Mapping[Tensor, Scope]) -> dict[Node, tuple[Tensor, ...]]:
    """Return the inputs of layers, where a concatenation reads the longest earlier one that begins with its inputs.

    A reshape reads an earlier one of the same tensor that is nearer to it: the output of a scope.
    """
    inputs = {node: node.inputs for node in graph.nodes}
    reshaped: dict[Node, Node] = {}
    beginnings: dict[tuple[object, Tensor], int] = {}  # numbered; each is another one, or an axis, and a tensor
    joined: dict[object, Node] = {}
    for node in graph.nodes:
        if node.layer.type == "reshape" and isinstance(source := node.inputs[0], Node):
            last, home = reshaped.get(source), homes[source]
            if last is not None and len(_common(home, homes[last])) > len(_common(home, homes[node])):
                inputs[node] = (last,)
            elif node.times == source.times:
                reshaped[source] = node
        if node.layer.type != "concat":
            continue
        beginning: object = (node.layer.__dict__["axis"],)
        for place, tensor in enumerate(node.inputs):
            if place > 1 and beginning in joined:
                inputs[node] = (joined[beginning], *node.inputs[place:])
            beginning = beginnings.setdefault((beginning, tensor), len(beginnings))
        joined.setdefault(beginning, node)
    return inputs


class _Ready:
    """The layers that may come next, by each of the scopes that they are in."""

    def __init__(self, names: Mapping[Node, str]) -> None:
        self.scopes: dict[tuple[int, str], int] = {}  # numbered; each is another one, and a part of a name
        self.paths = {node: self._path(name) for node, name in names.items()}
        self.waiting: dict[int, list[tuple[int, Node]]] = {}
        self.left: set[Node] = set()

    def _path(self, name: str) -> list[int]:
        path = [-1]
        for part in name.split(".")[:-1]:
            path.append(self.scopes.setdefault((path[-1], part), len(self.scopes)))
        return path

    def add(self, node: Node) -> None:
        """Add a layer whose inputs are all there."""
        self.left.add(node)
        for scope in self.paths[node]:
            heappush(self.waiting.setdefault(scope, []), (node.index, node))

    def next(self, last: Node | None, readers: Sequence[Node]) -> Node:
        """Remove and return the layer that follows the last one; ``readers`` are those that read the last one."""
        following = [node for node in readers if node in self.left]
        path = self.paths[last] if last is not None else [-1]
        for depth in reversed(range(len(path))):
            waiting = self.waiting.get(path[depth], [])
            while waiting and waiting[0][1] not in self.left:
                heappop(waiting)
            if waiting:
                inside = [node for node in following if self.paths[node][depth : depth + 1] == [path[depth]]]
                found = min(inside, key=lambda node: node.index) if inside else waiting[0][1]
                self.left.remove(found)
                return found
        raise AssertionError("no layer is ready")


class _Borders:
    """What crosses the borders of scopes.

    Attributes:
        inputs: of each layer.
        needs: the same, and the layer whose weights it shares.
        readers: the layers that need a tensor.
        ends: the outputs of the network.
    """

    def __init__(self, graph: Graph, inputs: Mapping[Node, tuple[Tensor, ...]]) -> None:
        self.inputs = inputs
        self.needs: dict[Node, set[Tensor]] = {node: {*tensors} for node, tensors in inputs.items()}
        for node in inputs:
            if node.shares is not None and node.shares in inputs:
                self.needs[node].add(node.shares)
        self.ends = set(graph.outputs.values())
        self.readers: dict[Tensor, list[Node]] = {}
        for node, tensors in self.needs.items():
            for tensor in tensors:
                self.readers.setdefault(tensor, []).append(node)

    def reads(self, group: Sequence[Node]) -> set[Tensor]:
        """Return what some layers need of others."""
        return {tensor for node in group for tensor in self.needs[node]}.difference(group)

    def makes(self, group: Sequence[Node]) -> list[Node]:
        """Return the layers of a group that others need, or that are outputs of the network."""
        inside = set(group)
        return [node for node in group if node in self.ends or not inside.issuperset(self.readers.get(node, ()))]

    def is_block(self, group: Sequence[Node]) -> bool:
        """Whether some layers can be a block: they have few inputs, and others need only the last one."""
        return self.makes(group) == [group[-1]] and 0 < len(self.reads(group)) <= MOST_INPUTS


MOST_OUTPUTS = 8
"""Most outputs of a scope that is taken apart by them."""


def _by_output(borders: _Borders, names: Mapping[Node, str]) -> dict[Node, str]:
    """Return names by which the layers of a scope that lead to the same of its several outputs are a scope in it.

    A block has one output.
    """
    named, inside, single = dict(names), layers_inside(names), set[str]()
    for scope in sorted(inside, key=lambda scope: -scope.count(".")):  # the innermost first
        group = inside[scope]
        makes = borders.makes(group)
        if len(makes) == 1:
            single.add(scope)
        if not 1 < len(makes) <= MOST_OUTPUTS:
            continue
        units = {node: _unit(named[node], scope, single) for node in group}
        leads = dict.fromkeys(units.values(), 0)
        for node in reversed(group):
            leads[units[node]] |= 1 << makes.index(node) if node in makes else 0
            for tensor in borders.needs[node]:
                if isinstance(tensor, Node) and tensor in units:
                    leads[units[tensor]] |= leads[units[node]]
        parts: dict[int, list[Node]] = {}
        for node in group:
            parts.setdefault(leads[units[node]], []).append(node)
        numbers = (f"{scope}.{number}" for number in count())
        free = (path for path in numbers if path not in inside)
        for part in parts.values():
            if len({units[node] for node in part}) > 1 and borders.is_block(part):
                path = next(free)
                single.add(path)
                named.update({node: path + named[node][len(scope) :] for node in part})
    return named


def _unit(name: str, scope: str, single: Collection[str]) -> str:
    """Return the outermost scope around a name, inside of another scope, that has one output; else the name."""
    inner = scopes_around(name)[scope.count(".") + 1 :]
    return next((path for path in inner[:MOST_LEVELS] if path in single), name)


def _ordered(borders: _Borders, names: Mapping[Node, str]) -> list[Node]:
    """Return the layers in an order in which each follows its inputs, and scopes and branches are in one piece.

    The next layer is one in the innermost scope around the last one; of several, one that reads the last one; of
    these, the first in the file.  A scope that can be a block begins when all that it reads is there.
    """
    needed = {node: {one for one in needs if isinstance(one, Node)} for node, needs in borders.needs.items()}
    for group in layers_inside(names).values():
        if borders.is_block(group):
            before = {tensor for tensor in borders.reads(group) if isinstance(tensor, Node)}
            for node in group:
                needed[node] |= before
    waiting = {node: len(before) for node, before in needed.items()}
    after: dict[Node, list[Node]] = {}
    for node, before in needed.items():
        for one in before:
            after.setdefault(one, []).append(node)
    ready = _Ready(names)
    for node in needed:
        if not waiting[node]:
            ready.add(node)
    found: list[Node] = []
    last: Node | None = None
    readers: list[Node] = []
    while ready.left:
        last = ready.next(last, readers)
        found.append(last)
        followers = after.get(last, [])
        for node in followers:
            waiting[node] -= 1
            if not waiting[node]:
                ready.add(node)
        readers = [node for node in followers if not waiting[node] and last in borders.inputs[node]]
    return found


def _apart(borders: _Borders, homes: Mapping[Tensor, Scope]) -> dict[Node, str]:
    """Return new names of layers whose own scopes would make several tensors for layers outside of them.

    A reshape goes to its readers if they also read what is reshaped; a layer that reads nothing of its scope goes to
    the scope around all its readers.
    """
    inputs, readers = borders.inputs, borders.readers
    around = {node: _common(*[homes[one] for one in readers[node]]) for node in inputs if node in readers}
    makes: dict[Scope, int] = {}
    for node, scope in around.items():
        outer = len(_common(homes[node], scope))
        for depth in range(outer + 1, min(len(homes[node]), outer + MOST_LEVELS) + 1):
            makes[homes[node][:depth]] = makes.get(homes[node][:depth], 0) + 1
    found: dict[Node, Scope] = {}
    for node, scope in around.items():
        sources = [homes[one] for one in inputs[node] if isinstance(one, Node)]
        home = _common(homes[node], scope)
        own = homes[node][: len(home) + 1]
        if node.layer.type == "reshape" and sources and len(readers[inputs[node][0]]) <= MOST_READERS:
            others = [homes[one] for one in readers[inputs[node][0]] if one is not node]
            inside = _common(homes[node], *sources)
            if scope[: len(inside)] != inside and any(other[: len(scope)] == scope for other in others):
                found[node] = scope
        if own != home and inputs[node] and makes[own] > 1 and not any(one[: len(own)] == own for one in sources):
            found.setdefault(node, home)
    return {node: ".".join([*home, node.name.replace(".", "_")]) for node, home in found.items()}


def _with_what_is_joined(inputs: Mapping[Node, tuple[Tensor, ...]], names: Mapping[Node, str]) -> dict[Node, str]:
    """Return new names of concatenations that join the output of the scope before them to its input: they are in it."""
    inside = layers_inside(names)
    found: dict[Node, str] = {}
    for node in inputs:
        if node.layer.type != "concat" or len(inputs[node]) != 2:
            continue
        source, last = inputs[node]
        if not isinstance(last, Node) or node.index != last.index + 1:
            continue
        for scope in reversed(scopes_around(names[last])):
            group = [one for one in inside[scope] if one not in found and one.index < node.index]
            outer = {tensor for one in group for tensor in inputs[one]}.difference(group)
            if group and group[-1] is last and outer == {source}:
                found[node] = f"{scope}.{node.layer.type}"
                break
    return found
