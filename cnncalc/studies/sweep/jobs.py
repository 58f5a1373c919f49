"""A sweep in this process, or in several."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from cnncalc.language.expand import warn_of_inputs
from cnncalc.language.items import Document
from cnncalc.recipe import Recipe
from cnncalc.studies.sweep.grid import Grid
from cnncalc.studies.sweep.points import Measure, Point, point

_CHUNK = 64

WARNED = 20
"""How many combinations are looked at for inputs that are probably not meant, where other processes build them."""


def sweep(recipe: Recipe, grid: Grid, measure: Measure | None = None, jobs: int = 1) -> Iterator[Point]:
    """Yield the figures of every combination, in the grid's order, as they are computed.

    Args:
        recipe: the spec, or the model file.
        grid: what to combine.
        measure: what to compute.
        jobs: processes to compute in.

    A combination that is no network yields a point with its error.  No more than a few hundred points are
    kept at a time, however large the grid is.
    """
    measure = measure or Measure()
    if jobs == 1 or grid.size == 1:
        return (point(recipe, grid[index], measure) for index in range(grid.size))
    return _in_processes(recipe, grid, measure, jobs)


# --- in several processes -----------------------------------------------------------------------------------

_shared: tuple[Recipe, Grid, Measure] | None = None  # what every task of a worker process works on


def _in_processes(recipe: Recipe, grid: Grid, measure: Measure, jobs: int) -> Iterator[Point]:
    """Yield the points of chunks in order; a few chunks a process are under way at a time."""
    from concurrent.futures import Future, ProcessPoolExecutor
    from multiprocessing import active_children

    if isinstance(recipe, Document):
        for variant in grid.variants[:WARNED]:
            for index in range(min(grid.size, WARNED)):  # inputs vary fastest
                warn_of_inputs(recipe, variant, grid[index].args, grid[index].input)
    others = active_children()
    size = max(1, min(_CHUNK, grid.size // (4 * jobs)))
    starts = iter(range(0, grid.size, size))
    pool = ProcessPoolExecutor(jobs, initializer=_start, initargs=(recipe.reader(), grid, measure))
    under_way: deque[Future[list[Point]]] = deque()
    try:
        while True:
            while len(under_way) < 2 * jobs and (start := next(starts, None)) is not None:
                under_way.append(pool.submit(_chunk, start, min(start + size, grid.size)))
            if not under_way:
                return
            yield from under_way.popleft().result()
    except BaseException:  # nobody wants the chunks that are under way
        for process in active_children():
            if process not in others:
                process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start(read: Callable[[], Recipe], grid: Grid, measure: Measure) -> None:
    """Read the spec in a worker process: compiled expressions can't be sent to it."""
    import signal

    global _shared
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the first process's to report
    for number in {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}:
        signal.signal(number, signal.SIG_DFL)  # there is nothing to clean up here
    _shared = read(), grid, measure


def _chunk(start: int, stop: int) -> list[Point]:
    assert _shared is not None
    recipe, grid, measure = _shared
    return [point(recipe, grid[index], measure) for index in range(start, stop)]
