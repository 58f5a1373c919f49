"""The catalogue of figures: name, unit, title, meaning and computation of each.

Columns, bounds and their options, totals of a comparison, figures of a sweep and their titles are read from here.  A
new figure is one entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cnncalc.figures.costs import Sums, sums
from cnncalc.figures.memory import forward_elements, peak_elements, training_elements
from cnncalc.graph import Graph, Node, Tensor
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.named import NamedTuple
from cnncalc.layers.shapes import crossed

COUNT, BYTES, SECONDS, POSITIONS, SHAPE = "count", "bytes", "seconds", "positions", "shape"

ROOM = 9
"""Width of the column of most figures."""


class Basis(NamedTuple):
    """The basis of figures: samples per pass, bytes of an element, and the optimiser of a training."""

    batch: int = 1
    width: int = 4
    optimizer: str = "adam"


Share = tuple[str, int]
"""A layer's or tensor's name, and its share of a figure."""


class Figure(NamedTuple):
    """One figure.

    Attributes:
        name: name in JSON, in columns and as a sort key.
        title: title of a column, also used in sentences.
        unit: one of COUNT, BYTES, SECONDS, POSITIONS, SHAPE.
        help: description for the command line.
        of_network: the figure of a whole network.
        parts: the share of each layer, or tensor.
        bound: kind of a bound: "max", "min", or "" if none can be set.
        old: its former name, which is accepted for one more release.
        room: width of its column where that is fixed before any value is known.
    """

    name: str
    title: str
    unit: str
    help: str
    of_network: Callable[[Graph, Basis], int | tuple[int, ...]]
    parts: Callable[[Graph, Basis], list[Share]]
    bound: str = ""
    old: str = ""
    room: int = ROOM

    def number(self, network: Graph, basis: Basis) -> int:
        """Return the figure of a network; shapes are not allowed."""
        figure = self.of_network(network, basis)
        assert isinstance(figure, int), self.name
        return figure

    @property
    def option(self) -> str:
        """Its name in an option of the command line."""
        return self.name.replace("_", "-")


def _no_parts(network: Graph, basis: Basis) -> list[Share]:
    return []


def _sum(
    name: str, title: str, help: str, of_layer: Callable[[Node, Basis], int], bound: str = "", unit: str = COUNT,
    old: str = "", room: int = ROOM,
) -> Figure:  # fmt: skip
    """Return a figure that is a sum over all layers."""

    def of_network(network: Graph, basis: Basis) -> int:
        return sum([of_layer(node, basis) for node in network.nodes])

    def parts(network: Graph, basis: Basis) -> list[Share]:
        return [(node.name, of_layer(node, basis)) for node in network.nodes]

    return Figure(name, title, unit, help, of_network, parts, bound, old, room)


def _most(of: Figure, help: str, title: str) -> Figure:
    """Return the figure for the largest share of another one."""

    def of_network(network: Graph, basis: Basis) -> int:
        return max([part for _, part in of.parts(network, basis)], default=0)

    return Figure(f"layer_{of.name}", title, of.unit, help, of_network, of.parts, "max", f"layer-{of.name}")


# --- how they are computed ---------------------------------------------------------------------------------------


def _alive_at_peak(network: Graph, basis: Basis) -> list[Share]:
    """Return the tensors that are alive while the layer of the peak runs."""
    _, node = peak_elements(network, basis.batch)
    now = node.index if node is not None else -1
    ends: dict[Tensor, int] = {**{one: one.index for one in network.nodes}, **network.last_reads()}
    alive = [one for one, end in ends.items() if now <= end and (not isinstance(one, Node) or one.index <= now)]
    return [(tensor.name, tensor.elements(basis.batch) * basis.width) for tensor in alive]


def _training(network: Graph, basis: Basis) -> int:
    counts, forward = sums(network.nodes, basis.batch), forward_elements(network, basis.batch)
    return basis.width * training_elements(counts.params, counts.buffers, forward, basis.optimizer)


def _receptive_field(network: Graph, basis: Basis) -> int:
    """Return the shortest axis of the outputs' receptive fields on all inputs. Raises CnncalcError if only an upper
    bound is known.
    """
    from cnncalc.figures.receptive_field import receptive_fields

    found = receptive_fields(network)
    found.check_count(network.outputs.values())
    shortest = []
    for name, output in network.outputs.items():
        for source, fields in found.by_input(output).items():
            if not all(field.is_exact for field in fields):
                sizes = crossed([field.size for field in fields])
                raise CnncalcError(f"'{name}' sees at most {sizes} of '{source.name}'; the exact size is not known")
            shortest += [field.size for field in fields]
    return min(shortest, default=0)


# --- the figures -------------------------------------------------------------------------------------------------

_PARAMS = _sum(
    "params", "params", "elements of all weights and biases", lambda node, basis: node.params, "max", room=13
)
_MACS = _sum("macs", "MACs", "multiply-accumulates", lambda node, basis: node.macs(basis.batch), "max", room=18)

CATALOGUE: Mapping[str, Figure] = {
    figure.name: figure
    for figure in (
        _sum("layers", "layers", "layers", lambda node, basis: 1, room=6),
        _PARAMS,
        _sum("buffers", "buffers", "elements that are kept but not trained", lambda node, basis: node.buffers, room=11),
        _MACS,
        _sum(
            "flops", "FLOPs", "floating-point operations",
            lambda node, basis: node.flops(basis.batch) or 0, "max", room=19,
        ),
        _sum(
            "activations", "activations", "elements of all outputs of conv and linear layers",
            lambda node, basis: sums([node], basis.batch).activations, "max", room=13,
        ),
        _sum(
            "weight_bytes", "weights", "bytes of the weights",
            lambda node, basis: node.params * basis.width, "max", BYTES, "weights",
        ),
        _sum(
            "forward_bytes", "forward", "total bytes of all layers' outputs",
            lambda node, basis: node.elements(basis.batch) * basis.width, "", BYTES, "forward",
        ),
        Figure(
            "peak_bytes", "peak", BYTES, "most bytes of the tensors alive at one step",
            lambda network, basis: peak_elements(network, basis.batch)[0] * basis.width, _alive_at_peak, "max", "peak",
        ),
        Figure(
            "training_bytes", "training", BYTES, "bytes of weights, gradients, optimiser and outputs", _training,
            _no_parts, "", "training",
        ),
        _most(_PARAMS, "params of any one layer", "params of a layer"),
        _most(_MACS, "multiply-accumulates of any one layer", "MACs of a layer"),
        Figure(
            "receptive_field", "sees", POSITIONS, "elements of the input that every output sees along each axis",
            _receptive_field, _no_parts, "min", "receptive-field",
        ),
        Figure(
            "output", "output", SHAPE, "the shape of the last output",
            lambda network, basis: next(reversed(network.outputs.values())).shape, _no_parts, room=11,
        ),
    )
}  # fmt: skip


class FigureHeading(NamedTuple):
    """How a figure is shown wherever it is: its title, its unit, and its column's width as of a `Figure`."""

    title: str
    unit: str
    room: int = ROOM


HEADINGS: Mapping[str, FigureHeading] = {
    **{name: FigureHeading(figure.title, figure.unit, figure.room) for name, figure in CATALOGUE.items()},
    "output_bytes": FigureHeading("activation memory", BYTES),  # of a layer
    "seconds": FigureHeading("predicted time", SECONDS),  # on a machine
    **{name: FigureHeading(name, BYTES) for name in ("arena", "ram_max", "flash")},  # on a device
}
"""Every figure that is shown, also those that need more than a network to compute."""

USUAL = (*Sums._fields, "weight_bytes", "forward_bytes", "peak_bytes", "output")
"""The default columns of a sweep, in order."""

DISPENSABLE = (
    "buffers", "layers", "forward_bytes", "weight_bytes", "output", "flops", "activations", "peak_bytes",
)  # fmt: skip
"""Figures that a narrow table leaves out, the first one first."""

BOUNDED = {figure.name: figure for figure in CATALOGUE.values() if figure.bound}
"""The figures that ``check`` can bound."""


HEAVIEST = 3
"""Number of layers that a failure names."""


def heaviest(parts: Iterable[Share]) -> tuple[Share, ...]:
    """Return the largest shares of a figure, the largest first."""
    return tuple(sorted([part for part in parts if part[1]], key=lambda part: -part[1])[:HEAVIEST])
