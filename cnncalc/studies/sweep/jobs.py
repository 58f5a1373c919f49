"""A sweep window by window, in this process or in several: what is computed is the same, whoever computes it."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.ground.errors import InternalError
from cnncalc.language.document import Document
from cnncalc.language.expand.build import warn_of_inputs
from cnncalc.recipe import Recipe
from cnncalc.studies.sweep.grid import Grid
from cnncalc.studies.sweep.points import Measure, Point, point
from cnncalc.studies.sweep.sampling import Sample
from cnncalc.studies.sweep.where import Condition
from cnncalc.studies.sweep.window import Window, held, points_of

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

    from cnncalc.studies.sweep.columns import Columns

FEW = 200
"""Combinations below which each is computed by itself, and NumPy is not imported."""

WINDOW = 16_384
"""Combinations that are computed at a time by columns: enough for NumPy's calls to cost little."""

_PLAIN_WINDOW = 64

WARNED = 20
"""How many combinations are looked at for inputs that are probably not meant, where other processes build them."""


class SweepPlan(NamedTuple):
    """What a sweep computes, as texts and numbers that can be sent to another process.

    Attributes:
        grid: all combinations.
        measure: the figures.
        sample: which of them, and in which order; None: all, in the grid's order.
        where: the condition on a row, a text of expressions; None: all rows are kept.
        check: how many rows that were computed by columns are computed the plain way as well.
        errors: whether a combination that is no network is a row, with its error, where there is no condition.
    """

    grid: Grid
    measure: Measure
    sample: Sample | None = None
    where: str | None = None
    check: int = 16
    errors: bool = True

    @property
    def rows(self) -> int:
        """How many combinations are computed."""
        return self.grid.size if self.sample is None else self.sample.count

    @property
    def by_columns(self) -> bool:
        """Whether columns are worth it and can compute all that is asked for."""
        return self.rows >= FEW and not self.measure.more

    def numbers(self, start: int, stop: int) -> Sequence[int]:
        """Return the numbers of some rows' combinations in the grid."""
        return range(start, stop) if self.sample is None else self.sample.numbers(start, stop)


class SweepPart(NamedTuple):
    """Some rows of a sweep.

    Attributes:
        start, stop: which combinations they are made of.
        window: what was computed.
        lanes: the rows of it that are kept, in order.
        failed: how many combinations are no network, whether they are shown or not.
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
        return cls(
            0, len(points), Window(range(len(points)), [], dict(enumerate(points)), []), range(len(points)), 0, ""
        )


def sweep(recipe: Recipe, grid: Grid, measure: Measure | None = None, jobs: int = 1) -> Iterator[Point]:
    """Yield the figures of every combination, in the grid's order, as they are computed.

    Args:
        recipe: the spec, or the model file.
        grid: what to combine.
        measure: what to compute.
        jobs: processes to compute in.

    A combination that is no network yields a point with its error.
    """
    for part in parts(recipe, SweepPlan(grid, measure or Measure()), jobs):
        yield from points_of(part.window, grid, part.lanes)


def parts(recipe: Recipe, plan: SweepPlan, jobs: int = 1, start: int = 0) -> Iterator[SweepPart]:
    """Yield the rows of a sweep from a combination on, in order; few of them are kept at a time.

    Raises:
        CnncalcError: where the condition can't be computed.
        InternalError: where a row that was computed by columns is not what the plain way gives.
    """
    size = _window_size(plan, jobs)
    starts = iter(range(start, plan.rows, size))
    if jobs == 1 or plan.rows - start <= size:
        work = Work(recipe, plan)
        return (work.part(first, min(first + size, plan.rows)) for first in starts)
    return _in_processes(recipe, plan, jobs, starts, size)


class Work:
    """What a process keeps from one part of a sweep to the next: the recipe, and the programs made of it."""

    def __init__(self, recipe: Recipe, plan: SweepPlan, go_on: Callable[[], None] = lambda: None) -> None:
        """Prepare; nothing is computed yet.  ``go_on`` is called again and again, and may raise to end the work."""
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
        window = self._window(numbers) if self.plan.by_columns else self._plain(numbers)
        for row in self._checked.intersection(range(start, stop)) if len(numbers) == stop - start else ():
            self._check(window, row - start)
        first = self._first_error(window)
        failed = len(window.failed) + sum(one.error is not None for one in window.points.values())
        if self.condition is not None:
            return SweepPart(start, stop, window, held(window, self.plan.grid, self.condition), failed, first)
        if not self.plan.errors:
            networks = {lane for lane, one in window.points.items() if one.error is None}
            lanes = sorted(networks.union(*[batch.lanes.tolist() for batch in window.batches]))
            return SweepPart(start, stop, window, lanes, failed, first)
        window.points.update({lane: self._point(window.numbers[lane]) for lane in window.failed})
        return SweepPart(start, stop, window, range(len(numbers)), failed, first)

    def _point(self, number: int) -> Point:
        self._go_on()
        return point(self.recipe, self.plan.grid[number], self.plan.measure)

    def _plain(self, numbers: Sequence[int]) -> Window:
        return Window(numbers, [], {lane: self._point(number) for lane, number in enumerate(numbers)}, [])

    def _window(self, numbers: Sequence[int]) -> Window:
        if self._columns is None:
            from cnncalc.studies.sweep.columns import Columns  # NumPy

            self._columns = Columns(self.recipe, self.plan.grid, self.plan.measure, self._go_on)
        return self._columns.window(numbers)

    def _check(self, window: Window, lane: int) -> None:
        """Compare a row with what the plain way gives.  Raises InternalError where they differ."""
        if lane in window.failed:
            return
        (found,), expected = points_of(window, self.plan.grid, [lane]), self._point(window.numbers[lane])
        if found != expected:
            raise InternalError(_difference(found, expected))

    def _first_error(self, window: Window) -> str:
        lanes = [*window.failed, *[lane for lane, one in window.points.items() if one.error is not None]]
        if not lanes:
            return ""
        first = min(lanes)
        found = window.points.get(first) or self._point(window.numbers[first])
        return found.error or ""


def _difference(found: Point, expected: Point) -> str:
    """Return what two ways of computing one row differ in."""
    where = ", ".join(f"{name} = {value}" for name, value in {**expected.args, **expected.input}.items())
    if expected.error is not None:
        return f"a mistake of cnncalc: for {where} columns give figures, but it is no network: {expected.error}"
    pairs = [(name, found.figures.get(name), value) for name, value in expected.figures.items()]
    name, wrong, right = next((pair for pair in pairs if pair[1] != pair[2]), ("the row", found, expected))
    return f"a mistake of cnncalc: for {where} by columns {name} = {wrong}, but by itself {right}"


def _window_size(plan: SweepPlan, jobs: int) -> int:
    """Return how many combinations are computed at a time."""
    if not plan.by_columns:  # alone, each row is shown as soon as it is there
        return 1 if jobs == 1 else max(1, min(_PLAIN_WINDOW, plan.rows // (4 * jobs)))
    return WINDOW if jobs == 1 else max(FEW, min(WINDOW, -(-plan.rows // (2 * jobs))))


# --- in several processes -----------------------------------------------------------------------------------

_work: Work | None = None  # what every task of a worker process works on


def _in_processes(recipe: Recipe, plan: SweepPlan, jobs: int, starts: Iterator[int], size: int) -> Iterator[SweepPart]:
    """Yield the parts in order; a few per process are under way at a time."""
    import multiprocessing
    from concurrent.futures import Future, ProcessPoolExecutor

    if isinstance(recipe, Document):
        _warn(recipe, plan.grid)
    stopped = multiprocessing.Event()
    pool = ProcessPoolExecutor(jobs, initializer=_start, initargs=(recipe.reader(), plan, stopped))
    under_way: deque[Future[SweepPart]] = deque()
    try:
        while True:
            while len(under_way) < 2 * jobs and (start := next(starts, None)) is not None:
                under_way.append(pool.submit(_part, start, min(start + size, plan.rows)))
            if not under_way:
                return
            yield under_way.popleft().result()
    except (
        BaseException
    ):  # not by a signal: who is ended in the middle of an answer leaves the pool waiting for the rest
        stopped.set()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _warn(document: Document, grid: Grid) -> None:
    """Warn of inputs that are probably not meant; what other processes warn of is not seen."""
    for variant in grid.variants[:WARNED]:
        for index in range(min(grid.size, WARNED)):  # inputs vary fastest
            warn_of_inputs(document, variant, grid[index].args, grid[index].input)


def _start(read: Callable[[], Recipe], plan: SweepPlan, stopped: Event) -> None:
    """Read the spec in a worker process: compiled expressions can't be sent to it."""
    import signal

    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the first process's to report
    for number in {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}:
        signal.signal(number, signal.SIG_DFL)  # there is nothing to clean up here
    _work = Work(read(), plan, partial(_go_on, stopped))


def _go_on(stopped: Event) -> None:
    """Raise InterruptedError where nobody waits for an answer any more."""
    if stopped.is_set():
        raise InterruptedError


def _part(start: int, stop: int) -> SweepPart:
    assert _work is not None
    return _work.part(start, stop)
