"""A graph in a readable order, in which each concatenation extends the one before it and branches are in one piece.

A model file of a DenseNet (arXiv:1608.06993) joins all earlier outputs anew in front of each layer; as a spec, a layer
joins its output to its input. A scope whose layers outside of it read at several places can't be a block: what it makes
is read behind its last reshape, and a layer that an exporter shares between scopes belongs to none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from itertools import takewhile

from cnncalc.exporters.scopes import layers_inside, scopes_around
from cnncalc.graph import Graph, Node, Tensor


def nested(graph: Graph) -> tuple[Graph, list[Node]]:
    """Return a graph of the same layers, with the same shapes and figures, in a readable order.

    Returns:
        The graph, and for each of its nodes the original one.
    """
    made = Graph(graph.name, {name: tensor.shape for name, tensor in graph.inputs.items()}, graph.variant, graph.source)
    new: dict[Tensor, Tensor] = dict(zip(graph.inputs.values(), made.inputs.values(), strict=True))
    for one, other in new.items():
        other.times = one.times
    inside = layers_inside(graph.nodes)
    homes: dict[Tensor, Scope] = {  # a layer with the name of a scope is in it
        node: tuple(node.name.split(".")[: None if node.name in inside else -1]) for node in graph.nodes
    }
    inputs = _joined(graph, homes)
    names = _apart(graph, inputs, homes)
    names |= _with_what_is_joined(graph, inputs, inside, names)
    order = _ordered(graph, inputs, names)
    for node in order:
        shares = new.get(node.shares) if node.shares is not None else None
        new[node] = made.add(
            node.layer,
            [new[tensor] for tensor in inputs[node]],
            names.get(node, node.name),
            shares if isinstance(shares, Node) else None,
            node.origin,
            node.stored,
        )
    made.finish({name: new[tensor] for name, tensor in graph.outputs.items()})
    return made, order


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
        for count, tensor in enumerate(node.inputs):
            if count > 1 and beginning in joined:
                inputs[node] = (joined[beginning], *node.inputs[count:])
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
        self.before: dict[int, list[Node]] = {}  # by scope, constants that it reads

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
                constants = [node for scope in self.paths[found] for node in self.before.get(scope, ())]
                found = next((node for node in constants if node in self.left), found)
                self.left.remove(found)
                return found
        raise AssertionError("no layer is ready")

    def put_before(self, constant: Node, readers: Sequence[Node]) -> None:
        """Have a layer without inputs come before the scopes within its own one that read it."""
        depth = len(self.paths[constant])
        for scope in {scope for node in readers for scope in self.paths[node][depth : depth + 1]}:
            self.before.setdefault(scope, []).append(constant)


def _ordered(graph: Graph, inputs: Mapping[Node, tuple[Tensor, ...]], names: Mapping[Node, str]) -> list[Node]:
    """Return the layers in an order in which each follows its inputs, and scopes and branches are in one piece.

    The next layer is one in the innermost scope around the last one; of several, one that reads the last one; of
    these, the first in the file.
    """
    needed = {
        node: {one for one in (*inputs[node], node.shares) if isinstance(one, Node) and one in inputs}
        for node in graph.nodes
    }
    waiting = {node: len(before) for node, before in needed.items()}
    after: dict[Node, list[Node]] = {}
    for node, before in needed.items():
        for one in before:
            after.setdefault(one, []).append(node)
    ready = _Ready({node: names.get(node, node.name) for node in graph.nodes})
    for node in graph.nodes:
        if not waiting[node]:
            ready.add(node)
            if not inputs[node]:
                ready.put_before(node, after.get(node, []))
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
        readers = [node for node in followers if not waiting[node] and last in inputs[node]]
    return found


def _apart(graph: Graph, inputs: Mapping[Node, tuple[Tensor, ...]], homes: Mapping[Tensor, Scope]) -> dict[Node, str]:
    """Return new names of layers whose own scopes would make several tensors for layers outside of them.

    A reshape goes to its readers if they also read what is reshaped; a layer that reads nothing of its scope goes to
    the scope around all its readers.
    """
    readers: dict[Tensor, list[Node]] = {}
    for node, tensors in inputs.items():
        for tensor in tensors:
            readers.setdefault(tensor, []).append(node)
    around = {node: _common(*[homes[one] for one in readers[node]]) for node in graph.nodes if node in readers}
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
    names = {node: ".".join([*home, node.name.replace(".", "_")]) for node, home in found.items()}
    taken = {node.name for node in graph.nodes}
    return {node: name for node, name in names.items() if name not in taken}


def _with_what_is_joined(
    graph: Graph,
    inputs: Mapping[Node, tuple[Tensor, ...]],
    inside: Mapping[str, Sequence[Node]],
    moved: Mapping[Node, str],
) -> dict[Node, str]:
    """Return new names of concatenations that join the output of the scope before them to its input: they are in it.

    Args:
        graph: the layers.
        inputs: what each reads.
        inside: the layers of every scope.
        moved: layers that are in none of these any longer, with their new names.
    """
    taken = {node.name for node in graph.nodes} | {*moved.values()}
    names: dict[Node, str] = {}
    for node in graph.nodes:
        if node.layer.type != "concat" or len(inputs[node]) != 2:
            continue
        source, last = inputs[node]
        if not isinstance(last, Node) or node.index != last.index + 1:
            continue
        for scope in reversed(scopes_around(last.name)):
            group = [one for one in inside[scope] if one not in moved and one not in names and one.index < node.index]
            outer = {tensor for one in group for tensor in inputs[one]}.difference(group)
            name = f"{scope}.{node.layer.type}"
            if group and group[-1] is last and outer == {source} and name not in taken:
                names[node] = name
                taken.add(name)
                break
    return names
