"""The threads that run a kernel's calls, each with its own scratch memory."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from cnncalc.execution.kernels.kernel import Bytes, Call, Calls, Kernel, Places, Span, Stage, Task, run_all
from cnncalc.execution.kernels.threads import Workers, cut
from cnncalc.execution.tuning import ELEMENTS_PER_MICROSECOND, MACS_PER_MICROSECOND, MOST_AHEAD, MOST_KEPT

PAGE = 4096
"""A page of memory, or a divisor of its size, in bytes."""


class Bound(NamedTuple):
    """A kernel bound to memory.

    Attributes:
        calls: the calls that compute the output each time they are run.
        products: multiply-accumulates of its parts, complete once the calls have run.
    """

    calls: list[Call]
    products: list[int]


class Team:
    """Threads, the caller's counted in, and their scratch memory."""

    def __init__(self, threads: int = 1, pieces: bool = False, exact: bool = False) -> None:
        """Prepare `threads` threads.

        With `pieces`, matrix products are split so that BLAS multiplies without packing (see `Filters`). With `exact`,
        sums of integers are exact: they are not computed by Winograd's algorithm, whose transforms have fractions.
        """
        self.pieces, self.exact = pieces, exact
        self.workers = Workers(threads)
        self._scratch: list[Bytes] = []
        self._common: list[dict[Hashable, object]] = []
        self._allocate([0] * self.workers.threads)

    def _allocate(self, sizes: Sequence[int]) -> None:
        """Give each thread new scratch memory of a size in bytes."""
        self._scratch = [mapped(size) for size in sizes]
        self._common = [{} for _ in sizes]

    def reserve(self, scratch: int) -> None:
        """Let each thread have at least `scratch` bytes."""
        if any(len(buffer) < scratch for buffer in self._scratch):
            self._allocate([max(len(buffer), scratch) for buffer in self._scratch])

    def close(self) -> None:
        """End the threads and free their memory."""
        self.workers.close()
        self._allocate([0] * len(self._scratch))

    def block(self, places: Places) -> Calls:
        """Return the `Calls` of this thread's blocks."""
        number = self.workers.number if self.workers.threads > 1 else 0
        if len(self._scratch[number]) < places.size:
            self._scratch[number], self._common[number] = np.empty(places.size, np.uint8), {}
        return Calls(self._scratch[number], places, self._common[number])

    def bind(self, kernel: Kernel, task: Task, again: bool = True) -> Bound:
        """Return the calls of a kernel; nothing is computed before they are run.

        A stage of many blocks, or one that threads share, is a single call that binds the blocks when it first runs.

        Args:
            kernel: the algorithm.
            task: the arrays.
            again: whether the calls will be run more than once.
        """
        places = kernel.places(task.out.itemsize)
        threads, most = self.workers.threads, MOST_KEPT if again else MOST_AHEAD
        calls = self.block(places)
        products: list[int] = []
        for stage in kernel.stages(task):
            if threads == 1 and stage.total <= stage.step:
                stage.bind(calls, 0, stage.total)
                continue
            spans = self._blocks(stage)
            if len(spans) == 1 or (threads == 1 and len(spans) <= most):
                for start, stop in spans:
                    stage.bind(calls, start, stop)
            else:
                work = _Work(self, stage, places, spans, again and len(spans) <= MOST_KEPT, products)
                calls.made += work.calls()
        products.append(calls.products)
        return Bound(calls.made, products)

    def _blocks(self, stage: Stage) -> list[Span]:
        """Return the blocks of a stage."""
        micros = stage.products / MACS_PER_MICROSECOND + stage.elements / ELEMENTS_PER_MICROSECOND
        return cut(stage.total, stage.step, self.workers.threads, micros)


def mapped(size: int) -> Bytes:
    """Return memory of a size in bytes whose pages the system has already mapped by a first write."""
    memory: Bytes = np.empty(size, np.uint8)
    memory[::PAGE] = 0
    return memory


class _Work:
    """The blocks of a stage that is bound when it first runs.

    Each thread binds the blocks that it takes to its own scratch memory. Their calls are kept for the next pass unless
    there are very many, when binding is a small part of the work.
    """

    def __init__(
        self, team: Team, stage: Stage, places: Places, spans: Sequence[Span], keep: bool,
        products: list[int],
    ) -> None:  # fmt: skip
        self.team, self.stage, self.places, self.spans, self.keep = team, stage, places, spans, keep
        self.kept: list[dict[int, list[Call]]] = [{} for _ in range(team.workers.threads)]
        self.products = products
        self.counted: set[int] = set()

    def calls(self) -> list[Call]:
        """Return the calls of all blocks."""
        if self.team.workers.threads > 1:
            return [(self._together, ())]
        return [(self._block, (number, number + 1)) for number in range(len(self.spans))]

    def _together(self) -> None:
        self.team.workers.run(self._block, [(number, number + 1) for number in range(len(self.spans))])

    def _block(self, number: int, _: int) -> None:
        kept = self.kept[self.team.workers.number]
        made = kept.get(number)
        if made is None:
            calls = self.team.block(self.places)
            self.stage.bind(calls, *self.spans[number])
            made = calls.made
            if number not in self.counted:
                self.counted.add(number)
                self.products.append(calls.products)
            if self.keep:
                kept[number] = made
        run_all(made)
