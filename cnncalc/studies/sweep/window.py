"""The rows of a part of a sweep: columns by structure, and single points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, overload

from cnncalc.layers.shapes import Shape
from cnncalc.studies.sweep.grid import Grid
from cnncalc.studies.sweep.points import Point
from cnncalc.studies.sweep.where import Condition

if TYPE_CHECKING:
    from cnncalc.studies.sweep.program import Numbers

    Integers: TypeAlias = Numbers | int
    """A number for each row, or one that is the same for all."""

    Shapes: TypeAlias = tuple[Integers, ...]
    """A shape for each row, axis by axis."""


class Batch(NamedTuple):
    """Places of a window that one program has computed.

    Attributes:
        lanes: their numbers in the window, ascending.
        figures: the values of each figure.
        inputs: the shape of every input.
        uncounted: layer types without defined FLOPs.
    """

    lanes: Numbers
    figures: dict[str, Integers | Shapes]
    inputs: dict[str, Shapes]
    uncounted: tuple[str, ...]


class Window(NamedTuple):
    """The figures of some places of a grid.

    Attributes:
        numbers: of the places, in the order of the rows.
        batches: results computed by columns.
        points: single points, by number in the window.
        failed: numbers in the window of combinations that can't be built, without their errors.
    """

    numbers: Sequence[int]
    batches: list[Batch]
    points: dict[int, Point]
    failed: list[int]


def points_of(window: Window, grid: Grid, lanes: Sequence[int]) -> Iterator[Point]:
    """Yield the points of some lanes of a window, in their order."""
    found = dict(window.points)
    for batch in window.batches:
        whole = len(lanes) == len(window.numbers)
        found.update(_points(batch if whole else _some(batch, lanes), window, grid))
    yield from (found[lane] for lane in lanes)


def held(window: Window, grid: Grid, condition: Condition) -> list[int]:
    """Return the lanes for which a condition holds.  Raises CnncalcError if that can't be computed."""
    lanes = [
        lane for lane, one in window.points.items()
        if one.error is None and condition.holds(one.args, one.figures, one.input)
    ]  # fmt: skip
    for batch in window.batches:
        read = batch._replace(figures={name: batch.figures[name] for name in condition.figures})
        for lane, point in _points(read, window, grid):
            if condition.holds(point.args, point.figures, point.input):
                lanes.append(lane)
    return sorted(lanes)


def _some(batch: Batch, lanes: Sequence[int]) -> Batch:
    """Return a batch with only some of its lanes."""
    wanted = set(lanes)
    here = [place for place, lane in enumerate(batch.lanes.tolist()) if lane in wanted]
    figures = {
        name: _shapes_at(value, here) if isinstance(value, tuple) else _at(value, here)
        for name, value in batch.figures.items()
    }
    inputs = {name: _shapes_at(shape, here) for name, shape in batch.inputs.items()}
    return Batch(batch.lanes[here], figures, inputs, batch.uncounted)


def _at(value: Integers, places: list[int]) -> Integers:
    return value if isinstance(value, int) else value[places]


def _shapes_at(shapes: Shapes, places: list[int]) -> Shapes:
    return tuple([_at(size, places) for size in shapes])


def _points(batch: Batch, window: Window, grid: Grid) -> Iterator[tuple[int, Point]]:
    """Yield (number in the window, point)."""
    count = len(batch.lanes)
    columns = [listed(value, count) for value in batch.figures.values()]
    figures = zip(*columns, strict=True) if columns else repeat((), count)
    inputs = zip(*[listed(shape, count) for shape in batch.inputs.values()], strict=True)
    for lane, values, shapes in zip(batch.lanes.tolist(), figures, inputs, strict=True):
        variant, args, _ = grid[window.numbers[lane]]
        named = dict(zip(batch.figures, values, strict=True))
        shown = dict(zip(batch.inputs, shapes, strict=True))
        yield lane, Point(variant, args, shown, named, uncounted=batch.uncounted)


@overload
def listed(value: Integers, count: int) -> list[int]: ...


@overload
def listed(value: Shapes, count: int) -> list[Shape]: ...


@overload
def listed(value: Integers | Shapes, count: int) -> list[int] | list[Shape]: ...


def listed(value: Integers | Shapes, count: int) -> list[int] | list[Shape]:
    """Return the values of ``count`` rows as plain numbers, or tuples of them, one per row."""
    if isinstance(value, tuple):
        return list(zip(*[listed(size, count) for size in value], strict=True))
    if isinstance(value, int):
        return [value] * count
    numbers: list[int] = value.tolist()
    return numbers
