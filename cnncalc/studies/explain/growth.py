"""How the receptive field grows at one layer, through the window that it slides over its input."""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.figures.fields import Field
from cnncalc.figures.receptive_field import ReceptiveFields
from cnncalc.graph import Graph, Node
from cnncalc.layers.reads import Along
from cnncalc.layers.shapes import axis_names


class FieldGrowth(NamedTuple):
    """How the receptive field grows along one axis of an input of the network.

    Attributes:
        axis: its letter, after the input's name if there are several inputs.
        incoming: the field of the layer's (first) input.
        window, stride: number of input positions that the layer reads, and their step; None unless the same window
            makes the field everywhere.
        field: the field of the layer's output.
    """

    axis: str
    incoming: Field
    window: int | None
    stride: int | None
    field: Field


def growth(graph: Graph, node: Node, fields: ReceptiveFields) -> list[FieldGrowth]:
    """Return the growth of the field at a node; empty if nothing new is seen."""
    of_input, found = fields.by_input(node.inputs[0]) if node.inputs else {}, []
    for source, after in fields.by_input(node).items():
        incoming = of_input.get(source, after)  # the first input may not depend on it
        name = f"{source.name} " if len(graph.inputs) > 1 else ""
        for letter, before, field in zip(axis_names(len(after) + 1)[1:], incoming, after, strict=True):
            size, stride = _window(node, before, field) or (None, None)
            found.append(FieldGrowth(f"{name}{letter}", before, size, stride, field))
    return found if any(axis.window or not axis.field.is_whole for axis in found) else []


def _window(node: Node, before: Field, field: Field) -> tuple[int, int] | None:
    """Return the size and the stride of the one window that makes a field, if there is one."""
    moves = node.layer.reads(node.use.inputs, node.shape)
    term = before.terms[0]
    if moves is None or len(moves) > 1 or not isinstance(moves[0][0], Along) or len(term.places) != 1:
        return None
    read = moves[0][0].reads[term.places[0].axis]
    if read.is_whole:
        window = term.positions, term.positions
    elif read.axis is None or read.ranges is None or read.ranges.period > 1 or read.ranges.growth is None:
        return None
    else:
        ends = read.ranges.of(0)
        assert ends is not None  # every window reads something
        window = ends[1] - ends[0] + 1, read.ranges.growth
    adds_up = before.size + (window[0] - 1) * before.jump == field.size and not field.differs
    return window if adds_up and len(before.terms) == 1 else None
