"""Concatenations as a person writes them: what grows layer by layer is joined to what was joined before.

A model file of a DenseNet (arXiv:1608.06993) joins all earlier outputs anew in front of each layer; as a spec, a layer
joins its output to its input.
"""

from __future__ import annotations

from cnncalc.graph import Graph, Node, Tensor


def nested(graph: Graph) -> Graph:
    """Return a graph of the same layers, each of the same shapes and figures, with its concatenations nested."""
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
    for node in graph.nodes:
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
