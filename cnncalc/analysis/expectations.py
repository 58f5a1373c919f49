"""Published figures against the network's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnncalc.analysis.costs import COUNTED_IN_ACTIVATIONS
from cnncalc.layers.base import shape_text
from cnncalc.network import Network, Unmet


def unmet(network: Network, published: Mapping[str, tuple[Any, Any]]) -> list[Unmet]:
    """Return the published figures (value, origin) that the network does not have."""
    found = []
    for what, (value, origin) in published.items():
        actual = figure_of(network, what)
        if actual != value:
            found.append(Unmet(what, shown(value), shown(actual), origin))
    return found


def figure_of(network: Network, what: str) -> object:
    """Return what a network has of a figure that specs publish, ``what`` being a key of ``expect``."""
    nodes = network.nodes
    if what.startswith("output"):
        name = what.removeprefix("output").strip()
        outputs = {name: tensor.shape for name, tensor in network.outputs.items()}
        if name:
            return outputs.get(name)
        shapes = tuple(outputs.values())
        return shapes[0] if len(shapes) == 1 else shapes
    if what == "params":
        return sum(node.params for node in nodes)
    if what == "buffers":
        return sum(node.buffers for node in nodes)
    if what == "activations":
        return sum(_size(node.shape) for node in nodes if node.layer.kind in COUNTED_IN_ACTIVATIONS)
    if what == "macs":
        return sum(node.use.macs for node in nodes)
    return sum(node.use.flops or 0 for node in nodes)


def _size(shape: tuple[int, ...]) -> int:
    from math import prod

    return prod(shape)


def shown(value: object) -> object:
    """Return a figure as it is told: a shape as specs write it."""
    return shape_text(value) if isinstance(value, tuple) and all(isinstance(n, int) for n in value) else value
