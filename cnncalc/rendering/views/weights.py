"""The tensors that a network expects, in PyTorch's shapes."""

from __future__ import annotations

from math import prod

from cnncalc.graph import Graph
from cnncalc.ground.numbers import counted, exact
from cnncalc.rendering.blocks import Cell, Column, Divider, PageBlock, Table, TableRow
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.writers import View, record_of


class WeightsView(View):
    """A network's tensors, in the order of the layers; shared tensors are listed with their first use."""

    columns = ("name", "layer", "shape", "trainable")

    def __init__(self, network: Graph) -> None:
        self.tensors = [
            (node.key(name), node, weight._replace(shape=node.state_shape(name, weight)))
            for node in network.nodes
            for name, weight in node.weights.items()
        ]

    def page(self, screen: Screen) -> list[PageBlock]:
        """Return the table, one row per tensor, and the sum of the elements."""
        rows: list[TableRow] = [
            [
                name,
                f"({', '.join(map(str, weight.shape))})",
                exact(prod(weight.shape)),
                "" if weight.trainable else Cell("buffer", "dim"),
            ]
            for name, _, weight in self.tensors
        ]
        total = exact(sum([prod(weight.shape) for _, _, weight in self.tensors]))
        rows += [Divider(), [Cell(counted(len(self.tensors), "tensor"), "bold"), "", Cell(total, "bold"), ""]]
        columns = (Column("name", folds=True), Column("shape"), Column("elements", right=True), Column(""))
        return [Table(columns, rows)]

    def document(self) -> dict[str, object]:
        return {"weights": self.records()}

    def records(self) -> list[dict[str, object]]:
        return [
            {"name": name, "layer": node.name, **record_of(weight, "shape", "trainable")}
            for name, node, weight in self.tensors
        ]
