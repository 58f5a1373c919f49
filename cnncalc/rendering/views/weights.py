"""The tensors that a network expects, in PyTorch's shapes."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from cnncalc.graph import Graph, Node
from cnncalc.ground.numbers import counted, exact
from cnncalc.layers.base import Weight
from cnncalc.rendering.blocks import Cell, Column, Divider, PageBlock, Table, TableRow
from cnncalc.rendering.writers import View

FIELDS = ("name", "layer", "shape", "trainable")


def view(network: Graph) -> View:
    """Return a network's tensors in every format."""
    return View(
        page=lambda screen: page(network),
        document=lambda: {"weights": records(network)},
        records=lambda: records(network),
        columns=FIELDS,
    )


def page(network: Graph) -> list[PageBlock]:
    """Return the table, one row per tensor, and the sum of the elements."""
    found = list(_tensors(network))
    rows: list[TableRow] = [
        [
            name,
            f"({', '.join(map(str, weight.shape))})",
            exact(prod(weight.shape)),
            "" if weight.trainable else Cell("buffer", "dim"),
        ]
        for name, _, weight in found
    ]
    total = exact(sum([prod(weight.shape) for _, _, weight in found]))
    rows += [Divider(), [Cell(counted(len(found), "tensor"), "bold"), "", Cell(total, "bold"), ""]]
    columns = (Column("name", folds=True), Column("shape"), Column("elements", right=True), Column(""))
    return [Table(columns, rows)]


def records(network: Graph) -> list[dict[str, object]]:
    """Return one object per tensor, in the order of the layers; shared tensors are listed with their first use."""
    return [
        {"name": name, "layer": node.name, "shape": weight.shape, "trainable": weight.trainable}
        for name, node, weight in _tensors(network)
    ]


def _tensors(network: Graph) -> Iterator[tuple[str, Node, Weight]]:
    """Yield every tensor with its name and its layer."""
    for node in network.nodes:
        for name, weight in node.weights.items():
            yield node.key(name), node, weight
