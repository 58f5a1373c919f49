"""A graph in the order and with the concatenations in which a person writes it.

What grows layer by layer is joined to what was joined before, and branches are written one after the other.

A model file of a DenseNet (arXiv:1608.06993) joins all earlier outputs anew in front of each layer; as a spec, a layer
joins its output to its input.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile

from cnncalc.graph import Graph, Node, Tensor


def nested(graph: Graph) -> Graph:
    """Return a graph of the same layers, each of the same shapes and figures, in order, its concatenations nested."""
    made = Graph(graph.name, {name: tensor.shape for name, tensor in graph.inputs.items()}, graph.variant, graph.source)
    new: dict[Tensor, Tensor] = dict(zip(graph.inputs.values(), made.inputs.values(), strict=True))
    for one, other in new.items():
        other.times = one.times
    inputs = {node: node.inputs for node in graph.nodes}
    joined: dict[tuple[object, tuple[Tensor, ...]], Node] = {}
    for node in graph.nodes:
        if node.layer.type != "concat":
            continue
        axis, flat = node.layer.__dict__["axis"], node.inputs
        for count in range(len(flat) - 1, 1, -1):
            before = joined.get((axis, flat[:count]))
            if before is not None:
                inputs[node] = (before, *flat[count:])
                break
        joined.setdefault((axis, flat), node)
    names = _moved(graph, inputs)
    for node in _ordered(graph, inputs, names):
        shares = new.get(node.shares) if node.shares is not None else None
        new[node] = made.add(
            node.layer,
            [new[tensor] for tensor in inputs[node]],
            names.get(node, node.name),
            shares if isinstance(shares, Node) else None,
            node.origin,
            node.held,
        )
    made.finish({name: new[tensor] for name, tensor in graph.outputs.items()})
    return made


def _ordered(graph: Graph, inputs: Mapping[Node, tuple[Tensor, ...]], names: Mapping[Node, str]) -> list[Node]:
    """Return the layers in an order in which each follows what it reads, scopes and branches are together.

    Of those that may come next it is one of the innermost scope that the last one is in, then one that reads the last
    one, then the first in the file.
    """
    all_nodes = set(graph.nodes)
    waiting = {node: len({*inputs[node], *filter(None, (node.shares,))} & all_nodes) for node in graph.nodes}
    readers: dict[Tensor, list[Node]] = {}
    for node in graph.nodes:
        for tensor in {*inputs[node], *filter(None, (node.shares,))}:
            readers.setdefault(tensor, []).append(node)
    scopes = {node: names.get(node, node.name).split(".")[:-1] for node in graph.nodes}
    ready = [node for node in graph.nodes if not waiting[node]]
    found: list[Node] = []

    def rank(node: Node) -> tuple[int, bool, int]:
        if not found:
            return 0, False, node.index
        pairs = zip(scopes[node], scopes[found[-1]], strict=False)
        common = len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
        return -common, found[-1] not in inputs[node], node.index

    while ready:
        node = min(ready, key=rank)
        ready.remove(node)
        found.append(node)
        for reader in readers.get(node, ()):
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    return found


def _moved(graph: Graph, inputs: dict[Node, tuple[Tensor, ...]]) -> dict[Node, str]:
    """Return new names of concatenations that belong to the scope before them: they join its output to its input."""
    scopes: dict[str, list[Node]] = {}
    for node in graph.nodes:
        parts = node.name.split(".")
        for depth in range(1, len(parts)):
            scopes.setdefault(".".join(parts[:depth]), []).append(node)
    taken = {node.name for node in graph.nodes}
    names: dict[Node, str] = {}
    for node in graph.nodes:
        if node.layer.type != "concat" or len(inputs[node]) != 2:
            continue
        source, last = inputs[node]
        parts = last.name.split(".") if isinstance(last, Node) else []
        for depth in range(len(parts) - 1, 0, -1):
            scope = ".".join(parts[:depth])
            group = [one for one in scopes[scope] if one not in names and one.index < node.index]
            inside = set(group)
            outer = {tensor for one in group for tensor in inputs[one] if tensor not in inside}
            name = f"{scope}.{node.layer.type}"
            if group and group[-1] is last and outer == {source} and node.index == last.index + 1 and name not in taken:
                names[node] = name
                taken.add(name)
                break
    return names
