"""The networks that ship, as a table and as records."""

from __future__ import annotations

from typing import Any, NamedTuple

from cnncalc.layers.shapes import Shape
from cnncalc.rendering.page import Column, Heading, Line, Rule, TableRow, table
from cnncalc.rendering.text import dims, exact

NAME = Column("name", folds=True)
FAMILY = Column("family", folds=True, drop=1)
FIGURES = (
    Column("year", right=True),
    Column("input", right=True),
    Column("params", right=True),
    Column("MACs", right=True),
)
FIELDS = ("name", "family", "year", "input", "params", "macs")


class Entry(NamedTuple):
    """One network that ships; shapes have no batch axis."""

    name: str
    family: str
    year: int | None
    inputs: dict[str, Shape]
    params: int
    macs: int
    source: str | None
    file: str


def page(entries: list[Entry], by_family: bool, width: int | None, terminal: bool) -> list[Line]:
    """Return the table, a row a network, and how many there are; ``by_family`` puts families in headings."""
    rows: list[TableRow] = []
    above = ""
    for one in entries:
        figures = [str(one.year or ""), _inputs(one), exact(one.params), exact(one.macs)]
        if by_family and one.family != above:
            rows.append(Heading(one.family))
            above = one.family
        rows.append([f"  {one.name}", *figures] if by_family else [one.name, one.family, *figures])
    columns = (NAME, *FIGURES) if by_family else (NAME, FAMILY, *FIGURES)
    files = len({one.file for one in entries})
    count = f"{len(entries)} network{'' if len(entries) == 1 else 's'} in {files} file{'' if files == 1 else 's'}"
    return [*table(columns, [*rows, Rule()], width, terminal), [(count, "bold")]]


def _inputs(one: Entry) -> str:
    return ", ".join(dims(shape) for shape in one.inputs.values())


def record(one: Entry) -> dict[str, Any]:
    """Return one network as an object; ``input`` is a shape, or a mapping where there are several."""
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
