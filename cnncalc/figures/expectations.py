"""Compare published figures with the network's."""

from __future__ import annotations

from cnncalc.figures.costs import ON_A_DEVICE, sums
from cnncalc.graph import Graph, Unmet
from cnncalc.ground.errors import clipped
from cnncalc.layers.shapes import shape_text


def unmet(network: Graph) -> list[Unmet]:
    """Return the stated shapes and figures that the network does not match."""
    found = list(network.misshapen)
    for what, actual in own_figures(network).items():
        value, origin = network.published[what]
        if actual != value:
            found.append(Unmet(what, shown(value), shown(actual), origin))
    return found


def own_figures(network: Graph) -> dict[str, object]:
    """Return the network's value of each published figure, except those of a device."""
    stated = [what for what in network.published if what not in ON_A_DEVICE]
    counted = sums(network.nodes)._asdict() if stated else {}
    return {what: counted[what] if what in counted else _output(network, what) for what in stated}


def _output(network: Graph, what: str) -> object:
    """Return the shape of the output in ``output NAME``; for ``output``, of the only one or of all."""
    outputs = {name: tensor.shape for name, tensor in network.outputs.items()}
    name = what.removeprefix("output").strip()
    if name:
        return outputs.get(name)
    shapes = tuple(outputs.values())
    return shapes[0] if len(shapes) == 1 else shapes


def shown(value: object) -> object:
    """Return a figure as text; a shape as in specs."""
    if isinstance(value, tuple) and all(isinstance(size, int) for size in value):
        return clipped(shape_text(value))
    return value
