"""A sweep in several processes of this machine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.language.recipe import Recipe
from cnncalc.studies.sweep.jobs import WINDOW, SweepPart, SweepPlan, Work

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event


class PartTask(NamedTuple):
    """The data for computing parts of a sweep in another process, as picklable functions.

    Attributes:
        read: reads the spec's text again; compiled expressions can't be pickled.
        plan: makes the plan again from its texts.
    """

    read: Callable[[], Recipe]
    plan: Callable[[Recipe], SweepPlan]

    def work(self, go_on: Callable[[], None] = lambda: None) -> Work:
        """Return a worker for the parts."""
        recipe = self.read()
        return Work(recipe, self.plan(recipe), go_on)


class Processes:
    """An engine of some processes."""

    most_rows = WINDOW
    most_plain = 64

    def __init__(self, errand: PartTask, workers: int) -> None:
        """Start a pool; its processes start when they are needed."""
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        self.workers = workers
        self._stopped = multiprocessing.Event()
        self._pool = ProcessPoolExecutor(workers, initializer=_start, initargs=(errand, self._stopped))

    def submit(self, start: int, stop: int) -> Callable[[], SweepPart]:
        """Submit a part; return a function that waits for it."""
        return self._pool.submit(_part, start, stop).result

    def close(self, stop: bool) -> None:
        """End the processes.

        Not by a signal: the pool would wait for ever for the rest of an answer that a process was writing.
        """
        if stop:
            self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)


_work: Work | None = None  # a worker process's state


def _start(errand: PartTask, stopped: Event) -> None:
    import signal

    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # only the first process reports Ctrl-C
    for number in {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}:
        signal.signal(number, signal.SIG_DFL)  # there is nothing to clean up here
    _work = errand.work(partial(_go_on, stopped))


def _go_on(stopped: Event) -> None:
    """Raise InterruptedError once the sweep has been stopped."""
    if stopped.is_set():
        raise InterruptedError


def _part(start: int, stop: int) -> SweepPart:
    assert _work is not None
    return _work.part(start, stop)


def same(plan: SweepPlan, recipe: Recipe) -> SweepPlan:
    """Return a plan unchanged, for an errand that needs no texts."""
    return plan
