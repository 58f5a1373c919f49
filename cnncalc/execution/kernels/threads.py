"""Threads that share the blocks of one operation; each calls a BLAS that is limited to one thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from queue import SimpleQueue

import numpy as np

from cnncalc.execution.tuning import BLOCKS_A_THREAD, WAKING, WORTH_SHARING

Span = tuple[int, int]


class Workers:
    """A fixed number of threads, the caller's counted in; threads start when they are first needed."""

    def __init__(self, threads: int) -> None:
        """Prepare `threads` threads, at least 1."""
        self.threads = max(1, threads)
        self._own = threading.local()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._helpers: list[threading.Thread] = []

    @property
    def number(self) -> int:
        """Number of the current thread; 0 for the caller's."""
        return getattr(self._own, "number", 0)

    def run(self, work: Callable[[int, int], object], blocks: Sequence[Span]) -> None:
        """Call work(start, stop) for every block, in any order; raises what a call raised."""
        if self.threads == 1 or len(blocks) == 1:
            for start, stop in blocks:
                work(start, stop)
            return
        self._start()
        job = _Job(work, blocks)
        helpers = min(len(self._helpers), len(blocks) - 1)
        for _ in range(helpers):
            self._jobs.put(job)
        job.drain()
        for _ in range(helpers):
            job.done.get()
        if job.fault is not None:
            raise job.fault

    def close(self) -> None:
        """End the threads."""
        for _ in self._helpers:
            self._jobs.put(None)
        self._helpers.clear()

    def _start(self) -> None:
        while len(self._helpers) < self.threads - 1:
            helper = threading.Thread(target=self._serve, args=[len(self._helpers) + 1], daemon=True)
            try:
                helper.start()
            except RuntimeError:  # no more threads are available: the existing ones share the work
                self.threads = 1 + len(self._helpers)
                return
            self._helpers.append(helper)

    def _serve(self, number: int) -> None:
        self._own.number = number
        with np.errstate(all="ignore"):  # a thread does not inherit it
            while (job := self._jobs.get()) is not None:
                job.drain()
                job.done.put(None)
                del job  # release memory while waiting for the next job


class _Job:
    """Blocks that threads take one by one."""

    def __init__(self, work: Callable[[int, int], object], blocks: Sequence[Span]) -> None:
        self.work = work
        self.left = iter(list(blocks))
        self.done: SimpleQueue[None] = SimpleQueue()
        self.fault: BaseException | None = None

    def drain(self) -> None:
        try:
            for start, stop in self.left:
                self.work(start, stop)
        except BaseException as fault:  # passed on to the calling thread
            self.fault = fault


def cut(total: int, step: int, threads: int = 1, micros: float = 0.0) -> list[Span]:
    """Cut range(total), work of `micros` microseconds, into blocks of at most `step` for a number of threads.

    If each thread has one block, the caller's is the first and the longest, because the others have to wake up.
    """
    count = max(-(-total // max(step, 1)), 1)
    if threads > 1 and micros > WORTH_SHARING and total > 1:
        if count <= threads <= total:
            share = total * (micros - WAKING) / micros / threads
            edges = [0, *(round(total - share * (threads - i)) for i in range(1, threads)), total]
            if edges[1] <= step:
                return [span for span in pairwise(edges) if span[0] < span[1]]
        count = min(max(count, BLOCKS_A_THREAD * threads), total)
    edges = [total * i // count for i in range(count + 1)]
    return list(pairwise(edges))
