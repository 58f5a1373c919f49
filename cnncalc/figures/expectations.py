"""Published figures against the network's own."""

from __future__ import annotations

from cnncalc.figures.costs import sums
from cnncalc.graph import Graph, Unmet
from cnncalc.ground.errors import clipped
from cnncalc.layers.shapes import shape_text

ON_A_DEVICE = ("arena", "flash")
"""Keys of ``expect`` that depend on a device, which a study of it holds against the network."""


def unmet(network: Graph) -> list[Unmet]:
    """Return the shapes and the figures that the spec states and the network does not have."""
    found = list(network.misshapen)
    for what, (value, origin) in network.published.items():
        if what in ON_A_DEVICE:
            continue
        actual = figure_of(network, what)
        if actual != value:
            found.append(Unmet(what, shown(value), shown(actual), origin))
    return found


def figure_of(network: Graph, what: str) -> object:
    """Return what a network has of a figure that specs publish, ``what`` being a key of ``expect``."""
    if what.startswith("output"):
        name = what.removeprefix("output").strip()
        outputs = {name: tensor.shape for name, tensor in network.outputs.items()}
        if name:
            return outputs.get(name)
        shapes = tuple(outputs.values())
        return shapes[0] if len(shapes) == 1 else shapes
    return sums(network.nodes)._asdict()[what]


def shown(value: object) -> object:
    """Return a figure as it is printed: a shape as specs write it."""
    if isinstance(value, tuple) and all(isinstance(size, int) for size in value):
        return clipped(shape_text(value))
    return value
