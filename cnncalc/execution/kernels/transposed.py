"""Transposed convolution of any rank: one matrix product per tap, added to the elements that the tap reaches."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from math import prod

import numpy as np

from cnncalc.execution.kernels.kernel import Calls, HeldWeight, Shape, Stage, Task
from cnncalc.execution.kernels.parts import Finisher, WithWeight, once
from cnncalc.execution.kernels.windows import on_each_axis
from cnncalc.execution.tuning import BLOCK
from cnncalc.layers.interfaces import Array, Padding, Sizes


class Transposed(WithWeight):
    """Scatters (N, *in, C): all taps of one image write to the same elements, so threads take whole images."""

    def __init__(
        self, shape: Shape, weight: Shape, stride: Sizes, padding: Padding, extra: Sizes, dilation: Sizes, groups: int
    ) -> None:
        """Prepare for an input (N, C, *in) and a weight (C, out / groups, *kernel)."""
        if len(shape) != len(weight) or shape[1] != weight[0] or weight[0] % groups:
            raise ValueError(f"filters {weight} in {groups} groups do not fit an input {shape}")
        rank = len(shape) - 2
        self.steps, self.spread = on_each_axis(stride, rank), on_each_axis(dilation, rank)
        self.groups, self.deep = groups, weight[1]
        self.sizes = shape[2:]
        self.full, self.crop = _extents(self.sizes, weight[2:], self.steps, padding, extra, self.spread)
        self.batch, self.channels = shape[0], groups * weight[1]
        self.shape = (self.batch, *(part.stop - part.start for part in self.crop), self.channels)
        self.taps = list(product(*map(range, weight[2:])))
        self.scratch = {"landed": prod(self.sizes) * self.channels}
        self.blocks, self.calls = max(self.batch, 1), 8 + 2 * len(self.taps)
        self.room = self.batch * (prod(self.full) * self.channels + prod(self.sizes) * shape[1])

    def pack(self, weight: HeldWeight) -> Array:
        """Return the taps as matrices (taps, groups, C / groups, out / groups)."""
        shape = (self.groups, len(weight) // self.groups, self.deep, -1)
        return weight.form(
            f"{self.groups} taps", lambda w: np.ascontiguousarray(w.reshape(shape).transpose(3, 0, 1, 2))
        )

    def parts(self, task: Task, filters: Array, finish: Finisher) -> Iterator[Stage]:
        """Add up all taps on a map with its border; then crop the border and finish."""
        groups, deep = self.groups, self.deep
        x, dtype = task.x, task.x.dtype
        whole = task.array((self.batch, *self.full, self.channels), dtype)
        yield once(lambda calls: calls.do(whole.fill, 0))
        if not x.flags.c_contiguous:
            copy = task.array(x.shape, dtype, whole.nbytes)
            yield once(lambda calls: calls.fill(copy, task.x))
            x = copy
        rows = x.reshape(self.batch, -1, groups, x.shape[-1] // groups).transpose(0, 2, 1, 3)

        def image(calls: Calls, start: int, stop: int) -> None:
            for number in range(start, stop):
                for tap, matrices in zip(self.taps, filters, strict=True):
                    landed = calls.scratch("landed", (rows.shape[2], groups, deep), dtype)
                    calls.do(np.matmul, rows[number], matrices, landed.transpose(1, 0, 2))
                    calls.products += rows[number].size * deep
                    target = whole[number][_target_slices(self.sizes, tap, self.steps, self.spread)]
                    calls.do(np.add, target, landed.reshape(target.shape), target)

        yield Stage(self.batch, 1, image, rows.size * deep * len(self.taps))
        middle = whole[(slice(None), *self.crop)]
        yield once(lambda calls: calls.fill(task.out, middle))
        count = prod(self.shape[:-1])
        yield Stage(count, max(1, BLOCK // self.channels), finish, elements=prod(self.shape))


def _target_slices(sizes: Shape, tap: Shape, steps: Shape, spread: Shape) -> tuple[slice, ...]:
    return tuple(
        slice(t * d, t * d + (size - 1) * s + 1, s) for size, t, s, d in zip(sizes, tap, steps, spread, strict=True)
    )


def _extents(
    sizes: Shape, kernel: Shape, steps: Shape, padding: Padding, extra: Sizes, spread: Shape
) -> tuple[list[int], list[slice]]:
    """Return the extent that all taps reach, and the slices that are kept."""
    full, crop = [], []
    rank = len(sizes)
    for size, k, s, p, more, d in zip(
        sizes, kernel, steps, on_each_axis(padding, rank), on_each_axis(extra, rank), spread, strict=True
    ):
        reach = (size - 1) * s + d * (k - 1) + 1
        if p == "same":
            surplus = reach - size * s
            before = max(surplus, 0) // 2
            after = surplus - before
        elif p == "valid":
            before = after = 0
        else:
            before, after = p if isinstance(p, (tuple, list)) else (p, p)
        end = reach - after + more
        if end <= before:
            raise ValueError(f"padding {before} + {after} leaves nothing of {reach}")
        full.append(max(reach, end))
        crop.append(slice(before, end))
    return full, crop


conv_transpose = lru_cache(4096)(Transposed)
"""conv_transpose(shape, weight, stride, …) is the kernel for some shapes; see `Ops.conv_transpose`."""
