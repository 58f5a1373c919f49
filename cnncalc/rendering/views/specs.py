"""The shipped networks."""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.ground.numbers import counted, exact
from cnncalc.layers.shapes import Shape, crossed
from cnncalc.rendering.blocks import Column, Divider, PageBlock, Table, TableRow, Text
from cnncalc.rendering.layout import under_headings
from cnncalc.rendering.writers import View

NAME = Column("name", folds=True)
FAMILY = Column("family", folds=True, drop=1)
FIGURES = (
    Column("year", right=True),
    Column("input", right=True),
    Column("params", right=True),
    Column("MACs", right=True),
)
FIELDS = ("name", "family", "year", "input", "params", "macs")


class ListedNetwork(NamedTuple):
    """One shipped network; shapes have no batch axis."""

    name: str
    family: str
    year: int | None
    inputs: dict[str, Shape]
    params: int
    macs: int
    source: str | None
    file: str


def view(entries: list[ListedNetwork], by_family: bool) -> View:
    """Return networks in every format; ``by_family`` puts families in headings of the table."""
    return View(
        page=lambda screen: page(entries, by_family),
        document=lambda: {"specs": list(map(record, entries))},
        records=lambda: map(record, entries),
        columns=FIELDS,
    )


def page(entries: list[ListedNetwork], by_family: bool) -> list[PageBlock]:
    """Return the table, one row per network, and how many there are."""
    rows: list[tuple[str, TableRow]] = []
    for one in entries:
        inputs = ", ".join(crossed(shape) for shape in one.inputs.values())
        figures = [str(one.year or ""), inputs, exact(one.params), exact(one.macs)]
        if by_family:
            rows.append((one.family, [f"  {one.name}", *figures]))
        else:
            rows.append(("", [one.name, one.family, *figures]))
    columns = (NAME, *FIGURES) if by_family else (NAME, FAMILY, *FIGURES)
    files = len({one.file for one in entries})
    count = f"{counted(len(entries), 'network')} in {counted(files, 'file')}"
    return [Table(columns, [*under_headings(rows), Divider()]), Text([(count, "bold")])]


def record(one: ListedNetwork) -> dict[str, object]:
    """Return one network as an object; ``input`` is a shape, or a mapping if there are several."""
    shapes = list(one.inputs.values())
    return {
        "name": one.name,
        "family": one.family,
        "year": one.year,
        "input": shapes[0] if len(shapes) == 1 else one.inputs,
        "params": one.params,
        "macs": one.macs,
        "source": one.source,
        "file": one.file,
    }
