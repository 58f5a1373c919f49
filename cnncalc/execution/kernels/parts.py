"""The building blocks of kernels: orders of axes, blocks of lines, the end of a contraction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from cnncalc.execution.kernels.kernel import Calls, Kernel, Shape, Stage, Task
from cnncalc.execution.kernels.rows import RowOperation
from cnncalc.ground.limits import MAX_RANK
from cnncalc.layers.interfaces import Array, DType


def blocks(total: int, step: int) -> int:
    """Return the number of blocks into which one thread cuts a range."""
    return max(1, -(-total // step))


def images(batch: int, lines: int, step: int) -> int:
    """Return the most images of ``lines`` lines each that a block of ``step`` lines can touch."""
    return min(batch, 1 + -(-step // lines))


def once(bind: Callable[[Calls], object]) -> Stage:
    """Return a stage that is a single block."""
    return Stage(1, 1, lambda calls, start, stop: bind(calls))


def sheets(start: int, stop: int, lines: int) -> Iterator[tuple[int, int, int]]:
    """Yield the images that a block of lines touches, each with the block's first line in it and its end."""
    for image in range(start // lines, -(-stop // lines)):
        yield image, max(start - image * lines, 0), min(stop - image * lines, lines)


class Finisher:
    """The end of a contraction: the bias, the residual and the activation, in place on rows of the output.

    Attributes:
        first: stages before the contraction; usually none.
    """

    def __init__(self, task: Task, residual: Array | None) -> None:
        """Prepare for a task, whose residual has the axes of its output.

        Raises:
            ValueError: if the residual has another shape than the output.
        """
        self.rows = task.out.reshape(-1, task.out.shape[-1])
        self.add = None if task.bias is None else task.bias.form("add", RowOperation)
        self.clip, self.activation = task.then.clip, task.then.activation
        self.residual: Array | None = None
        self.first: tuple[Stage, ...] = ()
        if residual is not None:
            if residual.shape != task.out.shape:
                raise ValueError(f"the residual is {residual.shape}, but the sum is {task.out.shape}")
            self.residual, self.first = in_rows(residual)

    def __call__(self, calls: Calls, start: int, stop: int) -> None:
        """Add the calls that finish the rows from `start` to `stop`."""
        block = self.rows if stop - start == len(self.rows) else self.rows[start:stop]
        if self.add is not None:
            self.add(block, block, calls.do)
        if self.residual is not None:
            calls.do(np.add, block, self.residual[start:stop], block)
        if self.clip is not None:
            calls.do(block.clip, *self.clip, block)
        elif self.activation is not None:
            calls.do(apply, self.activation, block, block)


class WithWeight(Kernel):
    """A kernel with a weight: its output is finished block by block."""

    def arranged(self, x: Array) -> Array:
        """Return a logical array (N, C, *out) with the axes of the output."""
        return channels_last(x)

    def stages(self, task: Task) -> Iterator[Stage]:
        """Lay out the residual, then yield the parts."""
        assert task.weight is not None
        residual = task.then.residual
        finish = Finisher(task, None if residual is None else self.arranged(residual))
        yield from finish.first
        yield from self.parts(task, self.pack(task.weight), finish)

    def parts(self, task: Task, filters: Any, finish: Finisher) -> Iterator[Stage]:
        """Yield the other stages, from a task and its packed weight; `finish` is called for each block."""
        raise NotImplementedError


def apply(function: Callable[[Array], Array], source: Array, out: Array) -> None:
    """Write a function's values on an array to another of the same shape.

    Raises:
        ValueError: if the values have another shape.
    """
    values = function(source)
    if values.shape != out.shape:
        raise ValueError(f"an elementwise function returns {values.shape} for {out.shape}")
    out[...] = values


def as_rows(x: Array) -> Array | None:
    """Return (N, *in, C) as (n, C), a view; None if the memory has another order."""
    if not x.flags.c_contiguous:
        axes = [(count, step) for count, step in zip(x.shape[:-1], x.strides, strict=False) if count > 1]
        for (_, step), (count, following) in pairwise(axes):
            if step != count * following:
                return None
    return x.reshape(-1, x.shape[-1])


def in_rows(x: Array, place: Callable[[Shape, DType], Array] = np.empty) -> tuple[Array, tuple[Stage, ...]]:
    """Return (N, *in, C) as (n, C), and the stages that copy it to a new place if its memory has another order."""
    rows = as_rows(x)
    if rows is not None:
        return rows, ()
    copy = place(x.shape, x.dtype)
    return copy.reshape(-1, x.shape[-1]), (once(lambda calls: calls.fill(copy, x)),)


CHANNELS_LAST = {rank: (0, *range(2, rank), 1) for rank in range(2, MAX_RANK + 2)}
CHANNELS_FIRST = {rank: (0, rank - 1, *range(1, rank - 1)) for rank in range(2, MAX_RANK + 2)}


def channels_last(x: Array) -> Array:
    """Return the view (N, *spatial, C) of a logical (N, C, *spatial)."""
    return x.transpose(CHANNELS_LAST[x.ndim])


def channels_first(x: Array) -> Array:
    """Return the logical view (N, C, *spatial) of (N, *spatial, C)."""
    return x.transpose(CHANNELS_FIRST[x.ndim])
