"""The rows of a part of a sweep: columns by structure, and points that were computed the plain way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from cnncalc.studies.sweep.grid import Grid
from cnncalc.studies.sweep.points import Point
from cnncalc.studies.sweep.where import Condition


class Batch(NamedTuple):
    """Places of a window that one program was played for.

    Attributes:
        lanes: their numbers in the window, ascending.
        figures: a column by figure, or a plain number; ``output`` is a tuple of them.
        inputs: the shape of every input, likewise.
        uncounted: layer types whose FLOPs nobody has defined.
    """

    lanes: Any
    figures: dict[str, Any]
    inputs: dict[str, tuple[Any, ...]]
    uncounted: tuple[str, ...]


class Window(NamedTuple):
    """The figures of some places of a grid.

    Attributes:
        numbers: of the places, in the order of the rows.
        batches: what was computed by columns.
        points: what was computed the plain way, by its number in the window.
        failed: numbers in the window of what is no network, where its error was not computed.
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
    """Return the lanes of which a condition holds.  Raises CnncalcError where that can't be computed."""
    lanes = [
        lane for lane, one in window.points.items()
        if one.error is None and condition.holds(one.args, one.figures, one.input)
    ]  # fmt: skip
    for batch in window.batches:
        count = len(batch.lanes)
        names = [name for name in condition.figures if name != "output"]
        figures = list(zip(*[listed(batch.figures[name], count) for name in names], strict=True)) or [()] * count
        inputs = [list(zip(*[listed(size, count) for size in shape], strict=True)) for shape in batch.inputs.values()]
        for place, lane in enumerate(batch.lanes.tolist()):
            values = dict(zip(names, figures[place], strict=True))
            if "output" in condition.figures:
                values["output"] = tuple([listed(size, count)[place] for size in batch.figures["output"]])
            shapes = {name: shape[place] for name, shape in zip(batch.inputs, inputs, strict=True)}
            if condition.holds(grid[window.numbers[lane]].args, values, shapes):
                lanes.append(lane)
    return sorted(lanes)


def _some(batch: Batch, lanes: Sequence[int]) -> Batch:
    """Return a batch with some of its lanes alone."""
    wanted = set(lanes)
    here = [place for place, lane in enumerate(batch.lanes.tolist()) if lane in wanted]
    figures = {
        name: tuple([_masked(size, here) for size in value]) if name == "output" else _masked(value, here)
        for name, value in batch.figures.items()
    }
    inputs = {name: tuple([_masked(size, here) for size in shape]) for name, shape in batch.inputs.items()}
    return Batch(batch.lanes[here], figures, inputs, batch.uncounted)


def _masked(value: Any, here: list[int]) -> Any:
    return value[here] if _is_column(value) else value


def _is_column(value: Any) -> bool:
    return hasattr(value, "tolist")


def _points(batch: Batch, window: Window, grid: Grid) -> Iterator[tuple[int, Point]]:
    """Yield (number in the window, point)."""
    count = len(batch.lanes)
    names = [name for name in batch.figures if name != "output"]
    columns = [listed(batch.figures[name], count) for name in names]
    outputs = zip(*[listed(size, count) for size in batch.figures["output"]], strict=True)
    inputs = [zip(*[listed(size, count) for size in shape], strict=True) for shape in batch.inputs.values()]
    for lane, figures, output, *shapes in zip(
        batch.lanes.tolist(), zip(*columns, strict=True), outputs, *inputs, strict=True
    ):
        variant, args, _ = grid[window.numbers[lane]]
        shown = dict(zip(batch.inputs, shapes, strict=True))
        values = {**dict(zip(names, figures, strict=True)), "output": output}
        yield lane, Point(variant, args, shown, values, uncounted=batch.uncounted)


def listed(value: Any, count: int) -> list[Any]:
    """Return a column as plain numbers; a number that is the same for all, so often."""
    return value.tolist() if _is_column(value) else [value] * count
