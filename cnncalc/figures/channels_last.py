"""Where a network has its channels last: from an input to the node that puts them first, and before an output.

Such a part has another layout alone, so receptive fields stand on the same axes throughout it.
"""

from __future__ import annotations

from cnncalc.graph import Graph, Input, Node, Tensor
from cnncalc.ground.named import NamedTuple
from cnncalc.layers.reads import Along, Permuted, Read, Reshaped
from cnncalc.layers.shapes import Shape

LEAST_AXES = 3
"""Sequences, of two axes, are turned for recurrent layers as well."""


class ChannelsLast(NamedTuple):
    """The parts of a graph that have their channels last.

    Attributes:
        shapes: of the inputs that have their channels last, with the channels first.
        nodes: the nodes of such parts, and those that turn maps before and after them: fields pass unchanged.
    """

    shapes: dict[Input, Shape]
    nodes: set[Node]

    def first(self, source: Input) -> Shape:
        """Return the shape of an input with its channels first."""
        return self.shapes.get(source, source.shape)


def channels_last(graph: Graph) -> ChannelsLast:
    """Return the parts of a graph that have their channels last."""
    firsts, lasts = set(), set()
    for node in graph.nodes:
        shape = node.use.inputs[0] if len(node.use.inputs) == 1 else ()
        if len(shape) < LEAST_AXES:
            continue
        if node.shape == (*shape[-1:], *shape[:-1]) and _turns(
            node, shape[-1], (len(shape) - 1, *range(len(shape) - 1))
        ):
            firsts.add(node)
        elif node.shape == (*shape[1:], *shape[:1]) and _turns(node, shape[0], (*range(1, len(shape)), 0)):
            lasts.add(node)
    shapes, after = _after_inputs(graph, firsts) if firsts else ({}, set())
    return ChannelsLast(shapes, after | (_before_outputs(graph, lasts) if lasts else set()))


def _after_inputs(graph: Graph, firsts: set[Node]) -> tuple[dict[Input, Shape], set[Node]]:
    """Return the inputs whose positions are not combined before a node of ``firsts``, and the nodes up to these."""
    source_of: dict[Tensor, Input] = {tensor: tensor for tensor in graph.inputs.values()}
    shapes: dict[Input, Shape] = {}
    others: set[Input] = {source_of[tensor] for tensor in graph.outputs.values() if tensor in source_of}
    found: dict[Node, Input] = {}
    for node in graph.nodes:
        sources = [source_of[tensor] for tensor in node.inputs if tensor in source_of]
        if sources and (node in firsts or _is_of_each_position(node)):
            found[node] = sources[0]
            if node in firsts:
                shapes[sources[0]] = node.shape
            else:
                source_of[node] = sources[0]
        else:
            others.update(sources)
    shapes = {source: shape for source, shape in shapes.items() if source not in others}
    return shapes, {node for node, source in found.items() if source in shapes}


def _before_outputs(graph: Graph, lasts: set[Node]) -> set[Node]:
    """Return the nodes of ``lasts`` after which no positions are combined, and the nodes after these."""
    combined: set[Tensor] = set()
    for node in reversed(graph.nodes):
        if node in combined or not _is_of_each_position(node):
            combined.update(node.inputs)
    found = lasts - combined
    for node in graph.nodes:
        if len(node.inputs) == 1 and node.inputs[0] in found:
            found.add(node)
    return found


def _is_of_each_position(node: Node) -> bool:
    """Whether a node treats each position of a map with its channels last alone."""
    if len(node.inputs) != 1:
        return False
    reads = node.layer.reads(node.use.inputs, node.shape)
    if reads is None:
        return True
    move, count = reads[0][0], len(node.shape) - 1
    return len(reads[0]) == 1 and isinstance(move, Along) and move.reads[:-1] == tuple(map(Read, range(count)))


def _turns(node: Node, moved: int, order: tuple[int, ...]) -> bool:
    """Whether a node of the right shape puts the axes into an order, in which one axis of a size has moved."""
    moves = (node.layer.reads(node.use.inputs, node.shape) or ((),))[0]
    return moves == (Permuted(order),) or (moved == 1 and moves == (Reshaped(node.shape),))
