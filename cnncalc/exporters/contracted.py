"""The input of accelerators' simulators: a network's contractions, and their share of its MACs."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import NamedTuple

from cnncalc.graph import Graph, Node
from cnncalc.ground.numbers import counted
from cnncalc.layers.contractions import Contraction


class Product(NamedTuple):
    """A contraction of a layer.

    Attributes:
        name: the layer's name, with a number after it if the layer has several.
        node: the layer.
        contraction: for one sample; samples that a layer has made of it, such as windows, are more rows or turns.
    """

    name: str
    node: Node
    contraction: Contraction


def products(graph: Graph) -> Iterator[Product]:
    """Yield the products of a network in the order in which they run."""
    for node in graph.nodes:
        found = node.layer.contractions(node.use.inputs, node.shape)
        for number, contraction in enumerate(found, 1):
            name = node.name if len(found) == 1 else f"{node.name}.{number}"
            yield Product(name, node, _repeated(contraction, node.copies()))


def _repeated(contraction: Contraction, copies: int) -> Contraction:
    """Return a contraction for several samples: with more rows of a matrix, or more turns of a map."""
    if contraction.axes or contraction.groups > 1 or contraction.turns > 1:
        return contraction._replace(turns=contraction.turns * copies)
    return contraction._replace(rows=contraction.rows * copies)


def windows(contraction: Contraction) -> int:
    """Return the number of rows of the first factor: of a map one per window."""
    return contraction.rows * prod([axis.windows for axis in contraction.axes])


def taps(contraction: Contraction) -> int:
    """Return the length of a row of the first factor in one group."""
    return contraction.channels * prod([axis.kernel for axis in contraction.axes])


def coverage(graph: Graph, covered: list[Product]) -> str:
    """Return a line on the number of a network's layers and MACs in a table."""
    macs, total = sum([product.contraction.macs for product in covered]), sum([node.macs() for node in graph.nodes])
    layers = len({product.node for product in covered})
    others = len(graph.nodes) - layers
    none = "layer has" if others == 1 else f"{others:,} layers have"
    left = f"; the other {none} none" if others and macs == total else ""
    return f"{counted(layers, 'layer')} with {macs:,} of {counted(total, 'MAC')}{left}"
