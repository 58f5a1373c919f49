"""A sweep window by window, in this process or in several, with the same results."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cnncalc.ground.errors import InternalError
from cnncalc.language.recipe import Recipe
from cnncalc.studies.sweep.grid import Grid
from cnncalc.studies.sweep.points import Measure, Point, point
from cnncalc.studies.sweep.sampling import Sample
from cnncalc.studies.sweep.where import Condition
from cnncalc.studies.sweep.window import Window, held, points_of

if TYPE_CHECKING:
    from cnncalc.studies.sweep.columns import Columns

FEW = 200
"""Number of combinations below which each is computed separately, without NumPy."""

WINDOW = 16_384
"""Combinations per window computed by columns: enough to make the overhead of NumPy's calls small."""

SMALL_WINDOW = 2_048
"""Combinations per window if columns serve few of them: each takes some kilobytes."""

WARNED = 20
"""Number of combinations whose inputs are checked for probable mistakes, if other processes build them."""


class SweepPlan(NamedTuple):
    """The plan of a sweep, as picklable texts and numbers.

    Attributes:
        grid: all combinations.
        measure: the figures.
        sample: which of them, and in which order; None: all, in the grid's order.
        where: the condition on a row, a text of expressions; None: all rows are kept.
        check: number of rows computed by columns that are also computed as points.
        errors: whether a combination that can't be built is a row with its error, if there is no condition.
    """

    grid: Grid
    measure: Measure
    sample: Sample | None = None
    where: str | None = None
    check: int = 16
    errors: bool = True

    @property
    def rows(self) -> int:
        """Number of combinations to compute."""
        return self.grid.size if self.sample is None else self.sample.count

    @property
    def by_columns(self) -> bool:
        """Whether columns are worth it and can compute all requested figures."""
        return self.rows >= FEW and not self.measure.more

    def numbers(self, start: int, stop: int) -> Sequence[int]:
        """Return the numbers of some rows' combinations in the grid."""
        return range(start, stop) if self.sample is None else self.sample.numbers(start, stop)


class SweepPart(NamedTuple):
    """Some rows of a sweep.

    Attributes:
        start, stop: the range of combinations.
        window: the results.
        lanes: the rows of it that are kept, in order.
        failed: number of combinations that can't be built, shown or not.
        first: the error of the first of those.
    """

    start: int
    stop: int
    window: Window
    lanes: Sequence[int]
    failed: int
    first: str

    @classmethod
    def of_points(cls, points: Sequence[Point]) -> SweepPart:
        """Return points as one part."""
        lanes = range(len(points))
        return cls(0, len(points), Window(lanes, [], dict(enumerate(points)), []), lanes, 0, "")


class Engine(Protocol):
    """Computes parts elsewhere, several at a time.

    Attributes:
        workers: number of workers.
        most_rows: rows of a part that is computed by columns.
        most_plain: rows of other parts.
    """

    @property
    def workers(self) -> int:
        """Number of parts that are computed at a time."""
        ...

    most_rows: int
    most_plain: int

    def submit(self, start: int, stop: int) -> Callable[[], SweepPart]:
        """Submit a part; return a function that waits for it, and raises what computing it raises."""
        ...

    def close(self, stop: bool) -> None:
        """Release the workers; with ``stop``, without waiting for their results."""
        ...


def parts(
    recipe: Recipe, plan: SweepPlan, start_engine: Callable[[], Engine] | None = None, first: int = 0
) -> Iterator[SweepPart]:
    """Yield the rows of a sweep in order; few of them are kept at a time.

    Args:
        recipe: the spec, or the model file.
        plan: the plan.
        start_engine: starts an engine; None for this process alone.
        first: number of finished combinations.

    Raises:
        CnncalcError: if the condition can't be computed, or an engine's workers can't do it.
        InternalError: if a row that was computed by columns differs from its point.
    """
    if start_engine is None:  # alone, each row is shown as soon as it is computed
        return _alone(Work(recipe, plan), first, WINDOW if plan.by_columns else 1)
    _warn(recipe, plan.grid)
    found = _in_order(recipe, plan, start_engine(), first)
    next(found)  # start the generator, so that closing it closes the engine
    return found


def _alone(work: Work, first: int, size: int) -> Iterator[SweepPart]:
    """Yield the parts that this process computes; they are small while most networks are computed one by one."""
    start, count = first, min(size, SMALL_WINDOW)
    while start < work.plan.rows:
        part = work.part(start, min(start + count, work.plan.rows))
        start += count
        count = min(size, WINDOW if 2 * len(part.window.points) < len(part.window.numbers) else SMALL_WINDOW)
        yield part
        del part


def _in_order(recipe: Recipe, plan: SweepPlan, engine: Engine, first: int) -> Iterator[SweepPart]:
    """Yield the parts that an engine computes; two parts per worker are in progress or waiting."""
    stop = True
    try:
        yield SweepPart.of_points([])
        size = _part_size(plan, engine)
        if plan.rows - first <= size:
            yield from _alone(Work(recipe, plan), first, size)
        starts = iter(range(first, plan.rows, size) if plan.rows - first > size else ())
        under_way: deque[Callable[[], SweepPart]] = deque()
        while True:
            while len(under_way) < 2 * engine.workers and (start := next(starts, None)) is not None:
                under_way.append(engine.submit(start, min(start + size, plan.rows)))
            if not under_way:
                break
            yield under_way.popleft()()
        stop = False
    finally:
        engine.close(stop)


def _part_size(plan: SweepPlan, engine: Engine) -> int:
    """Return the number of combinations in an engine's part."""
    if plan.by_columns:
        return max(FEW, min(engine.most_rows, -(-plan.rows // (2 * engine.workers))))
    return max(1, min(engine.most_plain, plan.rows // (4 * engine.workers)))


def _warn(recipe: Recipe, grid: Grid) -> None:
    """Warn of inputs that are probably a mistake; warnings of other processes are not shown."""
    for variant in grid.variants[:WARNED]:
        for index in range(min(grid.size, WARNED)):  # inputs vary fastest
            recipe.warn_of_inputs(variant, grid[index].args, grid[index].input)


class Work:
    """A process's state between parts of a sweep: the recipe, and the programs made from it."""

    def __init__(self, recipe: Recipe, plan: SweepPlan, go_on: Callable[[], None] = lambda: None) -> None:
        """Prepare; nothing is computed yet.  ``go_on`` is called repeatedly, and may raise to end the work."""
        self._go_on = go_on
        self.recipe = recipe
        self.plan = plan
        self.condition = Condition(plan.where, recipe.settings) if plan.where is not None else None
        self._columns: Columns | None = None
        rng = random.Random(plan.rows)
        self._checked = {rng.randrange(plan.rows) for _ in range(plan.check)} if plan.by_columns else set()

    def part(self, start: int, stop: int) -> SweepPart:
        """Return the rows of some combinations."""
        numbers = self.plan.numbers(start, stop)
        if self.condition is not None and self.condition.reads_arguments:
            numbers = [number for number in numbers if self.condition.may_hold(self.plan.grid[number].args)]
        if self.plan.by_columns:
            window = self._window(numbers)
        else:
            window = Window(numbers, [], {lane: self._point(number) for lane, number in enumerate(numbers)}, [])
        for row in self._checked.intersection(range(start, stop)) if len(numbers) == stop - start else ():
            self._check(window, row - start)
        failed = {*window.failed, *[lane for lane, one in window.points.items() if one.error is not None]}
        first = self._error(window, min(failed)) if failed else ""
        lanes: Sequence[int] = range(len(numbers))
        if self.condition is not None:
            lanes = held(window, self.plan.grid, self.condition)
        elif not self.plan.errors:
            lanes = [lane for lane in lanes if lane not in failed]
        else:
            window.points.update({lane: self._point(window.numbers[lane]) for lane in window.failed})
        return SweepPart(start, stop, window, lanes, len(failed), first)

    def _point(self, number: int) -> Point:
        self._go_on()
        return point(self.recipe, self.plan.grid[number], self.plan.measure)

    def _window(self, numbers: Sequence[int]) -> Window:
        if self._columns is None:
            from cnncalc.studies.sweep.columns import Columns  # NumPy

            self._columns = Columns(self.recipe, self.plan.grid, self.plan.measure, self._go_on)
        return self._columns.window(numbers)

    def _check(self, window: Window, lane: int) -> None:
        """Compare a row with its point. Raises InternalError if they differ."""
        if lane in window.failed:
            return
        (found,), expected = points_of(window, self.plan.grid, [lane]), self._point(window.numbers[lane])
        if found != expected:
            raise InternalError(_difference(found, expected))

    def _error(self, window: Window, lane: int) -> str:
        found = window.points.get(lane) or self._point(window.numbers[lane])
        return found.error or ""


def _difference(found: Point, expected: Point) -> str:
    """Return the difference between two results for one row."""
    where = ", ".join(f"{name} = {value}" for name, value in {**expected.args, **expected.input}.items())
    if expected.error is not None:
        return f"a mistake of cnncalc: for {where} columns give figures, but it can't be built: {expected.error}"
    pairs = [(name, found.figures.get(name), value) for name, value in expected.figures.items()]
    name, wrong, right = next((pair for pair in pairs if pair[1] != pair[2]), ("the row", found, expected))
    return f"a mistake of cnncalc: for {where} computed by columns {name} = {wrong}, but computed alone {right}"
