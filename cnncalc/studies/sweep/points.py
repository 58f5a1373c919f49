"""The figures of one place of a grid."""

from __future__ import annotations

from typing import Any, NamedTuple

from cnncalc.figures.costs import DTYPES, sums
from cnncalc.figures.expectations import unmet
from cnncalc.figures.memory import forward_elements, peak_elements
from cnncalc.graph import Graph
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.places import SpecError
from cnncalc.language.items import Document
from cnncalc.language.loading import build_variant
from cnncalc.layers.shapes import Shape
from cnncalc.studies.sweep.grid import Combination

FIGURES = (
    "layers", "params", "buffers", "macs", "flops", "activations",
    "weight_bytes", "forward_bytes", "peak_bytes", "output",
)  # fmt: skip
"""What a combination's figures are, in their usual order."""

MORE_FIGURES = ("receptive_field",)
"""Figures that take as long as the rest together, computed where they are asked for."""


class Point(NamedTuple):
    """A combination with its figures, or with the error that it ends in.

    ``unmet`` has published figures (``params should be 5, but is 6``) that the network does not have,
    ``uncounted`` the layer types whose FLOPs nobody has defined.
    """

    variant: str | None
    args: dict[str, Any]
    input: dict[str, Shape]
    figures: dict[str, Any]
    error: str | None = None
    unmet: tuple[str, ...] = ()
    uncounted: tuple[str, ...] = ()


class Measure(NamedTuple):
    """What is computed of each network: for which batch and dtype, and which of :data:`MORE_FIGURES`."""

    batch: int = 1
    dtype: str = "float32"
    more: tuple[str, ...] = ()


def point(document: Document, combination: Combination, measure: Measure) -> Point:
    """Return the figures of one combination, or its error."""
    variant, args, inputs = combination
    try:
        network = build_variant(document, variant, args, inputs)
    except CnncalcError as error:
        given = {name or "input": shape for name, shape in inputs.items()}
        return Point(variant, args, given, {}, _one_line(error))
    missed = [f"{figure.what} should be {figure.expected}, but is {figure.actual}" for figure in unmet(network)]
    return Point(
        variant,
        args,
        {name: tensor.shape for name, tensor in network.inputs.items()},
        figures(network, measure),
        unmet=tuple(missed),
        uncounted=tuple(sorted({node.use.layer.type for node in network.nodes if node.use.flops is None})),
    )


def figures(network: Graph, measure: Measure) -> dict[str, Any]:
    """Return a network's figures by name; counts and bytes are for the whole batch, shapes without it."""
    batch, width = measure.batch, DTYPES[measure.dtype]
    layers, params, buffers, macs, flops, activations = sums(network.nodes, batch)
    values = (
        layers, params, buffers, macs, flops, activations,
        width * params, width * forward_elements(network, batch), width * peak_elements(network, batch)[0],
        next(reversed(network.outputs.values())).shape,
    )  # fmt: skip
    found = dict(zip(FIGURES, values, strict=True))
    if "receptive_field" in measure.more:
        found["receptive_field"] = _receptive_field(network)
    return found


def _receptive_field(network: Graph) -> tuple[int, ...]:
    """Return how much the last output sees along each axis; nothing where that is not known."""
    from cnncalc.figures.receptive_field import receptive_fields

    fields = receptive_fields(network).of[next(reversed(network.outputs.values()))] or ()
    return tuple([int(-(-field.size // 1)) for field in fields])


def _one_line(error: CnncalcError) -> str:
    """Return an error without excerpts: its first fault, and how many there are beside it."""
    if not isinstance(error, SpecError):
        return error.message
    first, *more = error.faults
    place = f"{first.origin}: " if first.origin else ""
    return f"{place}{first.message}" + (f" (and {len(more)} more)" if more else "")
