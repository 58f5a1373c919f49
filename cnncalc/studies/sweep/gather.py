"""The rows of a part of a sweep as NumPy columns, without a point for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cnncalc.ground.values import Value
from cnncalc.layers.shapes import Shape
from cnncalc.studies.sweep.grid import Grid
from cnncalc.studies.sweep.jobs import SweepPart
from cnncalc.studies.sweep.points import Point
from cnncalc.studies.sweep.program import objects
from cnncalc.studies.sweep.window import Batch, Window, listed

if TYPE_CHECKING:
    from typing import Any

    from cnncalc.studies.sweep.program import Numbers
    from cnncalc.studies.sweep.window import Integers, Shapes

MOST_SHAPES = 100_000
"""Number of cached shapes, so that equal ones are one object."""


class GatheredRows(NamedTuple):
    """Some rows of a sweep, in order.

    Attributes:
        variants: the variant's name, where several are swept.
        args: a column by argument.
        inputs: the input's shape, or shapes by name.
        figures: a column by figure: of 64-bit integers where all fit, else of objects.
        networks: whether each row's network could be built; others have no figures.
        errors: the errors of the others, by row.
    """

    variants: Numbers | None
    args: dict[str, Numbers]
    inputs: Numbers
    figures: dict[str, Numbers]
    networks: Numbers
    errors: dict[int, str]


class Gatherer:
    """Makes columns of the parts of a sweep."""

    def __init__(self, grid: Grid, figures: Sequence[str]) -> None:
        """Prepare for a grid and the requested figures."""
        self.grid = grid
        self.figures = tuple(figures)
        self._axes = [_AxisValues(values) for values in grid.axes]
        self._shapes: dict[Shape, Shape] = {}

    def rows(self, part: SweepPart) -> GatheredRows:
        """Return a part's rows."""
        window, lanes = part.window, np.array(part.lanes, np.int64)
        count = len(lanes)
        place = np.full(len(window.numbers), -1, np.int64)
        place[lanes] = np.arange(count)
        variants, args = self._values(window, part.lanes)
        figures = {name: np.zeros(count, np.int64) for name in self.figures}
        found = GatheredRows(variants, args, np.empty(count, object), figures, np.zeros(count, bool), {})
        for batch in window.batches:
            at = place[batch.lanes]
            here = at >= 0
            if here.any():
                self._add_batch(found, batch, at[here], None if here.all() else here)
        for lane, point in window.points.items():
            if place[lane] >= 0:
                self._add_point(found, point, int(place[lane]))
        for name, column in found.figures.items():
            found.figures[name] = _narrowed(column)
        return found

    def _values(self, window: Window, lanes: Sequence[int]) -> tuple[Numbers | None, dict[str, Numbers]]:
        """Return the combined values: the variants if there are several, and the arguments."""
        several = len(self.grid.variants) > 1
        if not window.batches:  # points have their own values; windows of a keeper have only points
            points = [window.points[lane] for lane in lanes]
            kinds = self.grid.by_argument(axis.kind for axis in self._axes[1:])
            args = {name: objects([one.args[name] for one in points]) for name in kinds}
            args |= {name: args[name].astype(kind) for name, kind in kinds.items() if not isinstance(kind, tuple)}
            return objects([one.variant for one in points]) if several else None, args
        numbers = window.numbers
        if len(lanes) < len(numbers):
            numbers = [numbers[lane] for lane in lanes]
        columns = (axis.at(places) for axis, places in zip(self._axes, self.grid.places(numbers), strict=True))
        variants = next(columns)
        args = {
            name: some if not isinstance(some, tuple) else _rows([one.tolist() for one in some])
            for name, some in self.grid.by_argument(columns).items()
        }
        return variants if several else None, args

    def _add_batch(self, found: GatheredRows, batch: Batch, at: Numbers, here: Numbers | None) -> None:
        found.networks[at] = True
        shapes = [self._shapes_of(shape, len(at), here) for shape in batch.inputs.values()]
        if len(shapes) == 1:
            found.inputs[at] = shapes[0]
        else:
            found.inputs[at] = [dict(zip(batch.inputs, row, strict=True)) for row in zip(*shapes, strict=True)]
        for name in self.figures:
            value = batch.figures[name]
            column = self._shapes_of(value, len(at), here) if isinstance(value, tuple) else _some(value, here)
            _put(found.figures, name, at, column)

    def _add_point(self, found: GatheredRows, point: Point, row: int) -> None:
        shapes = tuple(point.input.values())
        found.inputs[row] = self._one(shapes[0]) if len(shapes) == 1 else dict(point.input)
        if point.error is not None:
            found.errors[row] = point.error
            return
        found.networks[row] = True
        for name in self.figures:
            value = point.figures[name]
            _put(found.figures, name, row, self._one(value) if isinstance(value, tuple) else value)

    def _shapes_of(self, sizes: Shapes, count: int, here: Numbers | None) -> Numbers:
        """Return a column of shapes; equal ones are one object."""
        plain = tuple([size for size in sizes if isinstance(size, int)])
        if len(plain) == len(sizes):
            found = np.empty(count, object)
            found.fill(self._one(plain))
            return found
        if len(self._shapes) > MOST_SHAPES:
            self._shapes.clear()
        known = self._shapes.setdefault
        lists = [listed(_some(size, here), count) for size in sizes]
        return objects([known(shape, shape) for shape in zip(*lists, strict=True)])

    def _one(self, shape: Shape) -> Shape:
        return self._shapes.setdefault(shape, shape)


class _AxisValues:
    """The values along one axis, as a column where they are all of one kind."""

    def __init__(self, values: Sequence[Value]) -> None:
        self._values = values if isinstance(values, range) else _column(list(values))

    @property
    def kind(self) -> np.dtype[Any]:
        """The type of its columns."""
        return np.dtype(np.int64) if isinstance(self._values, range) else self._values.dtype

    def at(self, places: Numbers) -> Numbers:
        """Return the values at some places."""
        if isinstance(self._values, range):
            return self._values.start + self._values.step * places
        found: Numbers = self._values[places]
        return found


def _column(values: list[Value]) -> Numbers:
    """Return a column: of 64-bit integers, floats or booleans where all values are such, else of objects."""
    kinds = {type(value) for value in values}
    if kinds == {int} and all(isinstance(value, int) and abs(value) < 2**63 for value in values):
        return np.array(values, np.int64)
    return np.array(values) if kinds in ({float}, {bool}) else objects(values)


def _rows(columns: list[list[Value]]) -> Numbers:
    return objects(list(zip(*columns, strict=True)))


def _some(value: Integers, here: Numbers | None) -> Integers:
    return value if here is None or isinstance(value, int) else value[here]


def _put(columns: dict[str, Numbers], name: str, at: Numbers | int, values: Integers | Shape) -> None:
    """Set some rows of a column, which becomes one of objects where they are no 64-bit integers."""
    column = columns[name]
    wide = isinstance(values, np.ndarray) and values.dtype == object
    if column.dtype != object and (wide or not isinstance(values, (np.ndarray, int)) or not _fits(values)):
        column = columns[name] = column.astype(object)
    column[at] = values


def _fits(values: Integers) -> bool:
    return isinstance(values, np.ndarray) or -(2**63) <= values < 2**63


def _narrowed(column: Numbers) -> Numbers:
    """Return a column of objects as one of integers where all of them are such."""
    if column.dtype != object or not all(type(value) is int and _fits(value) for value in column):
        return column
    return column.astype(np.int64)
