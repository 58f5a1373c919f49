"""Keepers of a sweep's rows: the best by one figure, or the Pareto front."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod
from typing import NamedTuple

from cnncalc.ground.errors import ArgumentError, CnncalcError
from cnncalc.ground.limits import MAX_KEPT_ROWS
from cnncalc.ground.values import Value
from cnncalc.layers.shapes import Shape
from cnncalc.studies.sweep.grid import Grid
from cnncalc.studies.sweep.points import FigureValue, Point
from cnncalc.studies.sweep.window import Batch, Window, listed, points_of

SortKey = tuple[float, ...]


class Objective(NamedTuple):
    """A figure, a numeric argument or the elements of the ``input``, to be minimised or maximised. ``argument`` names
    the origin, ``pareto`` or ``sort``.
    """

    name: str
    largest: bool = False
    argument: str = "pareto"

    def of(self, args: Mapping[str, Value], figures: Mapping[str, FigureValue], shapes: Mapping[str, Shape]) -> float:
        """Return the value to minimise. Raises CnncalcError if it is not a number."""
        if self.name == "input":
            return self.directed(sum([prod(shape) for shape in shapes.values()]))
        return self.directed(figures[self.name] if self.name in figures else args.get(self.name))

    def directed(self, value: Value) -> float:
        """Return a value for which less is better; of several numbers the largest counts."""
        if isinstance(value, (int, float)):
            return -value if self.largest else value
        numbers = [one for one in value if isinstance(one, (int, float))] if isinstance(value, tuple) else []
        if not numbers or not isinstance(value, tuple) or len(numbers) < len(value):
            raise ArgumentError(self.argument, f"{self.name} = {value!r} is not a number")
        return self.directed(max(numbers))


Kept = tuple[SortKey, int, "Point | None"]
"""A row: what is minimised, its number in the sweep, and its point, which is made once the row is kept."""


class Keeper:
    """Takes the rows of a sweep part by part, and keeps some points.

    Attributes:
        objectives: the criteria.
    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        """Keep no row yet."""
        self.objectives = objectives
        self._kept: list[Kept] = []
        self._seen = 0

    def add(self, window: Window, grid: Grid, lanes: Sequence[int]) -> None:
        """Take some rows; those that could not be built are left out.  Raises CnncalcError if too many are kept."""
        first = self._seen
        self._seen += len(window.numbers)
        kept = self._chosen([(key, first + lane, None) for key, lane in keys_of(window, grid, lanes, self.objectives)])
        new = sorted(number - first for _, number, point in kept if point is None)
        made = dict(zip(new, points_of(window, grid, new), strict=True))
        self._kept = [(key, number, point or made[number - first]) for key, number, point in kept]

    def points(self) -> list[Point]:
        """Return the kept points."""
        return [point for _, _, point in self._kept if point is not None]

    def _chosen(self, rows: list[Kept]) -> list[Kept]:
        """Return the rows to keep among the kept ones and further ones."""
        raise NotImplementedError


class Front(Keeper):
    """The Pareto front: no other row is at least as good in every objective and better in one. In the sweep's order."""

    def points(self) -> list[Point]:
        """Return the front, in the sweep's order."""
        self._kept.sort(key=lambda row: row[1])
        return super().points()

    def _chosen(self, rows: list[Kept]) -> list[Kept]:
        """Return the undominated rows, including equal ones; in sorted order no row is dominated by a later one."""
        kept: list[Kept] = []
        front: list[SortKey] = []
        for row in sorted([*self._kept, *rows], key=_order):
            key = row[0]
            if front and front[-1] == key:
                kept.append(row)
            elif not any(_beats(other, key) for other in reversed(front)):
                kept.append(row)
                front.append(key)
        if len(kept) > MAX_KEPT_ROWS:
            raise CnncalcError(f"the front has more than {MAX_KEPT_ROWS:,} rows")
        return kept


class Best(Keeper):
    """The first rows by one figure, at most ``top`` of them; equal ones in the sweep's order."""

    def __init__(self, objective: Objective, top: int | None) -> None:
        """Make an empty list."""
        super().__init__((objective,))
        self.top = top

    def _chosen(self, rows: list[Kept]) -> list[Kept]:
        if self.top is not None and len(self._kept) >= self.top:
            worst = self._kept[-1][0]
            rows = [row for row in rows if row[0] < worst]
        kept = sorted([*self._kept, *rows], key=_order)[: self.top]
        if len(kept) > MAX_KEPT_ROWS:
            raise CnncalcError(
                f"more than {MAX_KEPT_ROWS:,} rows would have to be sorted", "limit their number with top"
            )
        return kept


def _order(row: Kept) -> tuple[SortKey, int]:
    return row[:2]


def _beats(a: SortKey, b: SortKey) -> bool:
    return a != b and all(x <= y for x, y in zip(a, b, strict=True))


def keys_of(
    window: Window, grid: Grid, lanes: Sequence[int], objectives: Sequence[Objective]
) -> list[tuple[SortKey, int]]:
    """Return (value to minimise, lane) of the rows that could be built, in order."""
    found = {
        lane: tuple([objective.of(one.args, one.figures, one.input) for objective in objectives])
        for lane, one in window.points.items()
        if one.error is None
    }
    for batch in window.batches:
        columns = [_column(batch, window, grid, objective) for objective in objectives]
        found.update(zip(batch.lanes.tolist(), zip(*columns, strict=True), strict=True))
    return [(found[lane], lane) for lane in lanes if lane in found]


def _column(batch: Batch, window: Window, grid: Grid, objective: Objective) -> Iterator[float]:
    """Yield the value to minimise, row by row."""
    count, name = len(batch.lanes), objective.name
    values: Iterable[Value]
    if name in batch.figures:
        values = listed(batch.figures[name], count)
    elif name == "input":
        elements = [map(prod, listed(shape, count)) for shape in batch.inputs.values()]
        values = map(sum, zip(*elements, strict=True))
    else:
        values = [grid[window.numbers[lane]].args.get(name) for lane in batch.lanes.tolist()]
    return (objective.directed(value) for value in values)
