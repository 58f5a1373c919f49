"""A sweep in several processes of this machine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.recipe import Recipe
from cnncalc.studies.sweep.jobs import WINDOW, SweepPart, SweepPlan, Work

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event


class Errand(NamedTuple):
    """What another process needs to compute parts of a sweep, as functions that can be sent to it.

    Attributes:
        read: reads the spec's text once more; compiled expressions can't be sent.
        plan: makes the plan once more, of the texts that it was made of.
    """

    read: Callable[[], Recipe]
    plan: Callable[[Recipe], SweepPlan]

    def work(self, go_on: Callable[[], None] = lambda: None) -> Work:
        """Return what computes the parts."""
        recipe = self.read()
        return Work(recipe, self.plan(recipe), go_on)


class Processes:
    """An engine of some processes."""

    most_rows = WINDOW
    most_plain = 64

    def __init__(self, errand: Errand, workers: int) -> None:
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


_work: Work | None = None  # what a worker process computes its parts with


def _start(errand: Errand, stopped: Event) -> None:
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
    """Return a plan as it is, for an errand that needs no texts to make it from."""
    return plan
