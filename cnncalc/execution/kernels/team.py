"""Who makes a kernel's calls: threads, each with scratch memory of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from cnncalc.execution.kernels.kernel import Call, Calls, Kernel, Span, Stage, Task, make
from cnncalc.execution.kernels.threads import Workers, cut
from cnncalc.execution.kernels.tuning import ELEMENTS_PER_MICROSECOND, MACS_PER_MICROSECOND, MOST_KEPT


class Performed(NamedTuple):
    """What a kernel did.

    Attributes:
        calls: what does it again; none unless they are kept.
        products: multiply-accumulates that were summed.
        seconds: how long the calls took, without binding them.
    """

    calls: list[Call]
    products: int
    seconds: float


class Team:
    """Threads, the caller's counted in, and their scratch memory."""

    def __init__(self, threads: int = 1, pieces: bool = False) -> None:
        """Prepare `threads` threads.

        With `pieces`, matrix products are made in pieces that BLAS multiplies without packing (see `Filters`).
        """
        self.pieces = pieces
        self.workers = Workers(threads)
        self._scratch: list[Any] = [np.empty(0, np.uint8) for _ in range(self.workers.threads)]

    def reserve(self, scratch: int) -> None:
        """Let each thread have at least `scratch` bytes."""
        self._scratch = [buffer if len(buffer) >= scratch else np.empty(scratch, np.uint8) for buffer in self._scratch]

    def close(self) -> None:
        """End the threads and let go of their memory."""
        self.workers.close()
        self._scratch = [np.empty(0, np.uint8) for _ in self._scratch]

    def spoil(self) -> None:
        """Fill the scratch memory with what would be seen if it were read: NaN.  For tests."""
        for buffer in self._scratch:
            buffer.fill(255)

    def block(self, places: Mapping[str, Span]) -> Calls:
        """Return what a block of this thread's adds its calls to."""
        number = self.workers.number
        needed = max((stop for _, stop in places.values()), default=0)
        if len(self._scratch[number]) < needed:
            self._scratch[number] = np.empty(needed, np.uint8)
        return Calls(self._scratch[number], places)

    def perform(self, kernel: Kernel, task: Task, keep: bool = True) -> Performed:
        """Bind a kernel and make its calls, which are kept if they are wanted again."""
        places = _places(kernel.scratch, task.out.itemsize)
        again: list[Call] = []
        products, seconds = 0, 0.0
        for stage in kernel.stages(task):
            work = _Work(self, stage, places, keep)
            begun = perf_counter()
            work.first()
            seconds += perf_counter() - begun - work.binding[0]
            products += sum(work.products)
            if keep:
                again += work.again()
        return Performed(again, products, seconds)


def _places(scratch: Mapping[str, int], itemsize: int) -> dict[str, Span]:
    """Return where each piece of scratch memory begins and ends, in bytes."""
    places, end = {}, 0
    for name, elements in scratch.items():
        start, end = end, end + -(-elements * itemsize // 64) * 64
        places[name] = start, end
    return places


def scratch_bytes(kernel: Kernel, itemsize: int) -> int:
    """Return the bytes of scratch memory that a kernel needs for each thread."""
    return max((stop for _, stop in _places(kernel.scratch, itemsize).values()), default=0)


class _Work:
    """The blocks of one stage.

    A block's calls are bound when it is first worked on, by each thread for itself, since its scratch memory is its
    own.  They are kept unless there are very many: then binding is a small part of the work.
    """

    def __init__(self, team: Team, stage: Stage, places: Mapping[str, Span], keep: bool) -> None:
        self.team, self.stage, self.places = team, stage, places
        threads = team.workers.threads
        micros = stage.products / MACS_PER_MICROSECOND + stage.elements / ELEMENTS_PER_MICROSECOND
        self.spans: Sequence[Span] = cut(stage.total, stage.step, threads, micros if threads > 1 else 0.0)
        self.shared = threads > 1 and len(self.spans) > 1
        self.keep = keep and len(self.spans) <= MOST_KEPT
        self.kept: list[dict[int, list[Call]]] = [{} for _ in range(threads)]
        self.products: list[int] = []
        self.binding = [0.0] * threads  # seconds of each thread

    def first(self) -> None:
        """Do all of it."""
        if self.shared:
            self._together()
        else:
            for number in range(len(self.spans)):
                self._block(number, number + 1)

    def again(self) -> list[Call]:
        """Return the calls that do it again."""
        if self.shared:
            return [(self._together, (), {})]
        if self.keep:
            return [call for number in range(len(self.spans)) for call in self.kept[0][number]]
        return [(self._block, (number, number + 1), {}) for number in range(len(self.spans))]

    def _together(self) -> None:
        self.team.workers.run(self._block, [(number, number + 1) for number in range(len(self.spans))])

    def _block(self, number: int, _: int) -> None:
        thread = self.team.workers.number
        kept = self.kept[thread]
        calls = kept.get(number)
        if calls is None:
            begun = perf_counter()
            block = self.team.block(self.places)
            self.stage.bind(block, *self.spans[number])
            calls = block.made
            self.products.append(block.products)
            if self.keep:
                kept[number] = calls
            self.binding[thread] += perf_counter() - begun
        make(calls)
