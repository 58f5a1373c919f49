"""Figures that can have a bound, and the layers that contribute most to each."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cnncalc.figures.costs import sums
from cnncalc.figures.memory import peak_elements
from cnncalc.figures.receptive_field import receptive_fields
from cnncalc.graph import Graph, Node, Tensor
from cnncalc.ground.errors import CnncalcError

HEAVIEST = 3
"""How many layers a failure names."""


class Scale(NamedTuple):
    """The basis of a figure: samples per pass, and bytes per element."""

    batch: int = 1
    width: int = 4


Part = tuple[str, int]


class Figure(NamedTuple):
    """A figure of a network that a bound can be set for.

    Attributes:
        help: what the bound means, for the command line.
        measure: the figure of a network.
        parts: what each layer (or tensor) adds to it, by name.
        of_bytes: whether it is a number of bytes.
        least: whether the bound is a lower one.
    """

    help: str
    measure: Callable[[Graph, Scale], int]
    parts: Callable[[Graph, Scale], list[Part]]
    of_bytes: bool = False
    least: bool = False


def heaviest(figure: Figure, network: Graph, scale: Scale) -> list[Part]:
    """Return the layers that cost most of a figure, the heaviest first."""
    parts = [part for part in figure.parts(network, scale) if part[1]]
    return sorted(parts, key=lambda part: -part[1])[:HEAVIEST]


def _sum(
    help: str, name: str, factor: Callable[[Scale], int] = lambda scale: scale.batch, of_bytes: bool = False
) -> Figure:
    """Return the figure that is a count over all layers, times a factor."""

    def measure(network: Graph, scale: Scale) -> int:
        return factor(scale) * int(getattr(sums(network.nodes), name))

    def parts(network: Graph, scale: Scale) -> list[Part]:
        return [(node.name, factor(scale) * int(getattr(sums([node]), name))) for node in network.nodes]

    return Figure(help, measure, parts, of_bytes)


def _most(help: str, of: Figure) -> Figure:
    """Return the figure that is the largest part of another."""
    return Figure(help, lambda network, scale: max([part for _, part in of.parts(network, scale)]), of.parts)


def _peak(network: Graph, scale: Scale) -> int:
    return peak_elements(network, scale.batch)[0] * scale.width


def _alive_at_peak(network: Graph, scale: Scale) -> list[Part]:
    """Return the tensors that are alive while the layer of the peak runs."""
    _, node = peak_elements(network)
    now = node.index if node is not None else -1
    ends: dict[Tensor, int] = {**{one: one.index for one in network.nodes}, **network.last_reads()}
    alive = [one for one, end in ends.items() if now <= end and (not isinstance(one, Node) or one.index <= now)]
    return [(tensor.name, tensor.elements(scale.batch) * scale.width) for tensor in alive]


def _receptive_field(network: Graph, scale: Scale) -> int:
    """Return the shortest axis of the fields that the outputs see of every input that they read.

    Raises CnncalcError where no more is known than what an output sees at most.
    """
    seen = receptive_fields(network).of
    shortest = []
    for name, output in network.outputs.items():
        for source, fields in seen[output].items():
            if not all(field.is_exact for field in fields):
                sizes = "×".join([str(field.size) for field in fields])
                raise CnncalcError(f"'{name}' sees {sizes} of '{source.name}' at most; how much exactly is not known")
            shortest += [field.size for field in fields]
    return min(shortest, default=0)


_PARAMS = _sum("elements of all weights and biases", "params", lambda scale: 1)
_MACS = _sum("multiply-accumulates", "macs")

FIGURES: dict[str, Figure] = {
    "params": _PARAMS,
    "macs": _MACS,
    "flops": _sum("floating-point operations", "flops"),
    "activations": _sum("elements of all outputs of conv and linear layers", "activations"),
    "weights": _sum("bytes of the weights", "params", lambda scale: scale.width, of_bytes=True),
    "peak": Figure("bytes of the tensors alive at one step, at most", _peak, _alive_at_peak, of_bytes=True),
    "layer-params": _most("params of any one layer", _PARAMS),
    "layer-macs": _most("multiply-accumulates of any one layer", _MACS),
    "receptive-field": Figure(
        "elements of the input that every output sees along each axis",
        _receptive_field,
        lambda network, scale: [],
        least=True,
    ),
}
"""The figures that can be bounded, by the names of their bounds."""
