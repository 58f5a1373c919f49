"""Every figure, said once: what it is called, its unit, its title, what it means, and how it is taken.

Columns, bounds and their options, totals of a comparison, figures of a sweep and the words over them are read from
here.  A new figure is one entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cnncalc.figures.costs import Sums, sums
from cnncalc.figures.memory import forward_elements, peak_elements, training_elements
from cnncalc.graph import Graph, Node, Tensor
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.named import NamedTuple
from cnncalc.layers.shapes import crossed

COUNT, BYTES, SECONDS, POSITIONS, SHAPE = "count", "bytes", "seconds", "positions", "shape"


class Basis(NamedTuple):
    """What figures are counted for: samples at once, bytes of an element, and the optimiser of a training."""

    batch: int = 1
    width: int = 4
    optimizer: str = "adam"


Share = tuple[str, int]
"""A layer's name, or a tensor's, and what it adds to a figure."""


class Figure(NamedTuple):
    """One figure.

    Attributes:
        name: in JSON, in columns, in keys of a sort.
        title: over a column, and in sentences.
        unit: one of COUNT, BYTES, SECONDS, POSITIONS, SHAPE.
        help: what it is, for the command line.
        of_network: the figure of a whole network.
        parts: what each layer, or tensor, adds to it.
        bound: what a bound on it is: "max", "min", or "" where none can be set.
        old: what it has been called, which is still read for one release.
    """

    name: str
    title: str
    unit: str
    help: str
    of_network: Callable[[Graph, Basis], int | tuple[int, ...]]
    parts: Callable[[Graph, Basis], list[Share]]
    bound: str = ""
    old: str = ""

    def number(self, network: Graph, basis: Basis) -> int:
        """Return the figure of a network, which must not be a shape."""
        figure = self.of_network(network, basis)
        assert isinstance(figure, int), self.name
        return figure

    @property
    def option(self) -> str:
        """What it is called in an option of the command line."""
        return self.name.replace("_", "-")


def _no_parts(network: Graph, basis: Basis) -> list[Share]:
    return []


def _sum(
    name: str, title: str, help: str, of_layer: Callable[[Node, Basis], int], bound: str = "", unit: str = COUNT,
    old: str = "",
) -> Figure:  # fmt: skip
    """Return a figure that is a sum over all layers."""

    def of_network(network: Graph, basis: Basis) -> int:
        return sum([of_layer(node, basis) for node in network.nodes])

    def parts(network: Graph, basis: Basis) -> list[Share]:
        return [(node.name, of_layer(node, basis)) for node in network.nodes]

    return Figure(name, title, unit, help, of_network, parts, bound, old)


def _most(of: Figure, help: str, title: str) -> Figure:
    """Return the figure that is the largest part of another."""

    def of_network(network: Graph, basis: Basis) -> int:
        return max([part for _, part in of.parts(network, basis)], default=0)

    return Figure(f"layer_{of.name}", title, of.unit, help, of_network, of.parts, "max", f"layer-{of.name}")


# --- how they are taken ------------------------------------------------------------------------------------------


def _peak(network: Graph, basis: Basis) -> int:
    return peak_elements(network, basis.batch)[0] * basis.width


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


def _last_shape(network: Graph, basis: Basis) -> tuple[int, ...]:
    return next(reversed(network.outputs.values())).shape


def _receptive_field(network: Graph, basis: Basis) -> int:
    """Return the shortest axis of the fields that the outputs see of every input that they read.

    Raises CnncalcError if no more is known than what an output sees at most.
    """
    from cnncalc.figures.receptive_field import receptive_fields

    seen = receptive_fields(network).of
    shortest = []
    for name, output in network.outputs.items():
        for source, fields in seen[output].items():
            if not all(field.is_exact for field in fields):
                sizes = crossed([field.size for field in fields])
                raise CnncalcError(f"'{name}' sees {sizes} of '{source.name}' at most; how much exactly is not known")
            shortest += [field.size for field in fields]
    return min(shortest, default=0)


# --- the figures -------------------------------------------------------------------------------------------------

_PARAMS = _sum("params", "params", "elements of all weights and biases", lambda node, basis: node.params, "max")
_MACS = _sum("macs", "MACs", "multiply-accumulates", lambda node, basis: node.macs(basis.batch), "max")

CATALOGUE: Mapping[str, Figure] = {
    figure.name: figure
    for figure in (
        _sum("layers", "layers", "layers", lambda node, basis: 1),
        _PARAMS,
        _sum("buffers", "buffers", "elements that are kept but not trained", lambda node, basis: node.buffers),
        _MACS,
        _sum(
            "flops", "FLOPs", "floating-point operations", lambda node, basis: node.flops(basis.batch) or 0, "max"
        ),
        _sum(
            "activations", "activations", "elements of all outputs of conv and linear layers",
            lambda node, basis: sums([node], basis.batch).activations, "max",
        ),
        _sum(
            "weight_bytes", "weights", "bytes of the weights",
            lambda node, basis: node.params * basis.width, "max", BYTES, "weights",
        ),
        _sum(
            "forward_bytes", "forward", "bytes of all layers' outputs together",
            lambda node, basis: node.elements(basis.batch) * basis.width, "", BYTES, "forward",
        ),
        Figure(
            "peak_bytes", "peak", BYTES, "bytes of the tensors alive at one step, at most",
            _peak, _alive_at_peak, "max", "peak",
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
        Figure("output", "output", SHAPE, "the shape of the last output", _last_shape, _no_parts),
    )
}  # fmt: skip

USUAL = (*Sums._fields, "weight_bytes", "forward_bytes", "peak_bytes", "output")
"""What is reported of every network of a sweep, in the usual order."""

BOUNDED = {figure.name: figure for figure in CATALOGUE.values() if figure.bound}
"""What ``check`` has a bound for."""


HEAVIEST = 3
"""How many layers a failure names."""


def heaviest(figure: Figure, network: Graph, basis: Basis) -> list[Share]:
    """Return the layers that cost most of a figure, the heaviest first."""
    parts = [part for part in figure.parts(network, basis) if part[1]]
    return sorted(parts, key=lambda part: -part[1])[:HEAVIEST]
