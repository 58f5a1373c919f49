"""The shipped networks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cnncalc.ground.numbers import counted, exact
from cnncalc.layers.shapes import Shape, crossed
from cnncalc.rendering.blocks import Column, Divider, PageBlock, Table, TableRow, Text
from cnncalc.rendering.layout import under_headings
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.writers import View, record_of

NAME = Column("name", folds=True)
FAMILY = Column("family", folds=True, drop=1)
FIGURES = (
    Column("year", right=True),
    Column("input", right=True),
    Column("params", right=True),
    Column("MACs", right=True),
)


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


class SpecsView(View):
    """Shipped networks; ``by_family`` puts families in headings of the table."""

    columns = ("name", "family", "year", "input", "params", "macs")

    def __init__(self, entries: list[ListedNetwork], by_family: bool) -> None:
        self.entries = entries
        self.by_family = by_family

    def page(self, screen: Screen) -> list[PageBlock]:
        """Return the table, one row per network, and how many there are."""
        rows: list[tuple[str, TableRow]] = []
        for one in self.entries:
            inputs = ", ".join(crossed(shape) for shape in one.inputs.values())
            figures = [str(one.year or ""), inputs, exact(one.params), exact(one.macs)]
            if self.by_family:
                rows.append((one.family, [f"  {one.name}", *figures]))
            else:
                rows.append(("", [one.name, one.family, *figures]))
        columns = (NAME, *FIGURES) if self.by_family else (NAME, FAMILY, *FIGURES)
        files = len({one.file for one in self.entries})
        count = f"{counted(len(self.entries), 'network')} in {counted(files, 'file')}"
        return [Table(columns, [*under_headings(rows), Divider()]), Text([(count, "bold")])]

    def document(self) -> dict[str, object]:
        return {"specs": list(self.records())}

    def records(self) -> Iterator[dict[str, object]]:
        """Yield one object per network; ``input`` is a shape, or a mapping if there are several."""
        for one in self.entries:
            shapes = list(one.inputs.values())
            yield {
                **record_of(one, "name", "family", "year"),
                "input": shapes[0] if len(shapes) == 1 else one.inputs,
                **record_of(one, "params", "macs", "source", "file"),
            }
