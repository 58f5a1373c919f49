"""The tensors that a network expects, in PyTorch's shapes."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.graph import Graph
from cnncalc.ground.numbers import counted, exact
from cnncalc.rendering.layout import Block, Cell, Column, Rule, Table, TableRow
from cnncalc.rendering.writers import View

SCHEMA_VERSION = 1

FIELDS = ("name", "layer", "shape", "trainable")


def view(network: Graph) -> View:
    """Return a network's tensors in every format."""
    return View(
        page=lambda screen: page(network),
        document=lambda: {"schema_version": SCHEMA_VERSION, "weights": records(network)},
        records=lambda: records(network),
        columns=FIELDS,
    )


def page(network: Graph) -> list[Block]:
    """Return the table, one row per tensor, and the sum of the elements."""
    found = records(network)
    rows: list[TableRow] = [
        [
            record["name"],
            "(" + ", ".join(map(str, record["shape"])) + ")",
            exact(prod(record["shape"])),
            "" if record["trainable"] else Cell("buffer", "dim"),
        ]
        for record in found
    ]
    total = exact(sum(prod(record["shape"]) for record in found))
    rows += [Rule(), [Cell(counted(len(found), "tensor"), "bold"), "", Cell(total, "bold"), ""]]
    columns = (Column("name", folds=True), Column("shape"), Column("elements", right=True), Column(""))
    return [Table(columns, rows)]


def records(network: Graph) -> list[dict[str, Any]]:
    """Return one object per tensor, in the order of the layers; shared tensors stand where they are first used."""
    return [
        {
            "name": f"{node.name}.{name}" if name else node.name,
            "layer": node.name,
            "shape": weight.shape,
            "trainable": weight.trainable,
        }
        for node in network.nodes
        for name, weight in node.weights.items()
    ]
