"""The figures of one place of a grid."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from cnncalc.figures.catalogue import USUAL
from cnncalc.figures.costs import DTYPES, Sums, sums
from cnncalc.figures.expectations import unmet
from cnncalc.figures.memory import forward_elements, peak_elements
from cnncalc.graph import Graph
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.places import SpecError
from cnncalc.ground.values import Value
from cnncalc.language.recipe import Recipe
from cnncalc.layers.shapes import Shape
from cnncalc.studies.device.budgets import DeviceBytes, RequestedDevice, upper_ends
from cnncalc.studies.sweep.grid import Combination

FigureValue: TypeAlias = "int | Shape"
"""The value of a figure: a count, bytes, or the output's shape."""

ON_A_DEVICE = DeviceBytes._fields
"""Upper ends of bytes on a microcontroller, of the planned arena, of RAM and of flash, as bounded by ``check``."""

MORE_FIGURES = ("receptive_field", *ON_A_DEVICE)
"""Figures that take as long as the rest together; computed only on request."""


class Point(NamedTuple):
    """A combination with its figures, or with its error.

    ``unmet`` has published figures (``params should be 5, but is 6``) that the network does not match, ``uncounted``
    the layer types without defined FLOPs.
    """

    variant: str | None
    args: dict[str, Value]
    input: dict[str, Shape]
    figures: dict[str, FigureValue]
    error: str | None = None
    unmet: tuple[str, ...] = ()
    uncounted: tuple[str, ...] = ()


class Measure(NamedTuple):
    """What to compute for each network: batch and dtype, some of :data:`MORE_FIGURES`, and the device."""

    batch: int = 1
    dtype: str = "float32"
    more: tuple[str, ...] = ()
    device: RequestedDevice | None = None


def point(recipe: Recipe, combination: Combination, measure: Measure) -> Point:
    """Return the figures of one combination, or its error."""
    variant, args, inputs = combination
    try:
        network = recipe.build(variant, args, inputs)
        values = figures(network, measure)
    except CnncalcError as error:
        given = {name or "input": shape for name, shape in inputs.items()}
        return Point(variant, args, given, {}, _one_line(error))
    missed = [f"{figure.what} should be {figure.expected}, but is {figure.actual}" for figure in unmet(network)]
    return Point(
        variant,
        args,
        {name: tensor.shape for name, tensor in network.inputs.items()},
        values,
        unmet=tuple(missed),
        uncounted=tuple(sorted({node.use.layer.type for node in network.nodes if node.use.flops is None})),
    )


def figures(network: Graph, measure: Measure) -> dict[str, FigureValue]:
    """Return a network's figures by name; counts and bytes are for the whole batch, shapes without it.

    Raises:
        CnncalcError: if a figure of a device is requested that doesn't support one of the layers.
    """
    found = usual_figures(network, measure, peak_elements(network, measure.batch)[0])
    if "receptive_field" in measure.more:
        found["receptive_field"] = _receptive_field(network)
    if not set(ON_A_DEVICE).isdisjoint(measure.more):
        found |= _on_a_device(network, measure.device or RequestedDevice())
    return found


def usual_figures(network: Graph, measure: Measure, peak: int) -> dict[str, FigureValue]:
    """Return the :data:`USUAL` figures of a network, given the most elements that are alive at one step."""
    batch = measure.batch
    output = next(reversed(network.outputs.values())).shape
    return named_figures(sums(network.nodes, batch), forward_elements(network, batch), peak, output, measure)


def named_figures(totals: Sums, forward: int, peak: int, output: Shape, measure: Measure) -> dict[str, FigureValue]:
    """Return the :data:`USUAL` figures, given the sums over all layers and the elements of all outputs of a batch."""
    width = DTYPES[measure.dtype]
    values = (*totals, width * totals.params, width * forward, width * peak, output)
    return dict(zip(USUAL, values, strict=True))


def _on_a_device(network: Graph, wanted: RequestedDevice) -> dict[str, int]:
    from cnncalc.deployment.view import deploy

    return upper_ends(deploy(network, wanted.device()))._asdict()


def _receptive_field(network: Graph) -> tuple[int, ...]:
    """Return the last output's receptive field along each axis of the first input that it reads."""
    from cnncalc.figures.fields import leading
    from cnncalc.figures.receptive_field import receptive_fields

    seen = receptive_fields(network).of[next(reversed(network.outputs.values()))]
    return tuple([field.size for field in leading(seen)])


def _one_line(error: CnncalcError) -> str:
    """Return an error in one line: its first fault, and the number of others."""
    if not isinstance(error, SpecError):
        return error.message
    first, *more = error.faults
    place = f"{first.origin}: " if first.origin else ""
    return f"{place}{first.message}" + (f" (and {len(more)} more)" if more else "")
