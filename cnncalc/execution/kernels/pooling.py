"""Pooling: one axis after the other, as shifted maxima or sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from cnncalc.execution.kernels.kernel import Calls, Kernel, Shape, Stage, Task
from cnncalc.execution.kernels.parts import blocks, images, in_rows, once, sheets
from cnncalc.execution.kernels.rows import with_third_output
from cnncalc.execution.kernels.windows import Slide, Slides, on_each_axis, slides
from cnncalc.execution.tuning import BLOCK, LONG_SUM
from cnncalc.layers.interfaces import Array, Padding, Pooling, Rounding, Sizes

if TYPE_CHECKING:
    import numpy.typing as npt


@lru_cache(4096)
def pool(
    shape: Shape, kind: Pooling, kernel: Sizes, stride: Sizes | None, padding: Padding, dilation: Sizes,
    rounding: Rounding, of: float | bool,
) -> Kernel:  # fmt: skip
    """Return the kernel that pools (N, C, *in); see `Ops.pool`."""
    axes = slides(shape[2:], kernel, kernel if stride is None else stride, padding, dilation, rounding)
    if kind == "max":
        return Pool(shape, axes, of=rounding == "caffe")
    return {"avg": Average, "lp": Norm}[kind](shape, axes, of)


class Pool(Kernel):
    """Takes the largest of each window of (N, *in, C), a block of positions of the first axis at a time.

    An empty window gives −∞, or, with `of` (Caffe's pooling), the smallest float.
    """

    merge: np.ufunc = np.maximum

    def __init__(self, shape: Shape, axes: Slides, of: float | bool) -> None:
        """Prepare for an input (N, C, *in)."""
        self.axes, self.of = axes, of
        self.batch, channels = shape[:2]
        self.shape = (self.batch, *(axis.positions for axis in axes), channels)
        line = prod(self.shape[2:]) * prod(axis.stride for axis in axes)
        self.step = max(1, BLOCK // line)
        self.elements = prod(shape)
        self.blocks = blocks(self.batch * axes[0].positions, self.step)
        taps = sum(axis.kernel + 1 for axis in axes)
        self.calls = 3 + taps * images(self.batch, axes[0].positions, self.step)
        rows = min(self.step, axes[0].positions)
        kept = [rows, *(axis.size for axis in axes[1:])]  # the shape once some axes are merged
        for number, axis in enumerate(axes[:-1]):
            kept[number] = rows if number == 0 else axis.positions
            self.scratch = {**self.scratch, f"axis {number + 1}": prod(kept) * channels}

    def stages(self, task: Task) -> Iterator[Stage]:
        """Merge the taps of one axis after the other."""
        least = float(np.finfo(task.x.dtype).min) if self.of else -np.inf
        yield self.windows(task.x, task.out, least)

    def windows(self, x: Array, out: Array, neutral: float = 0.0) -> Stage:
        """Return the stage that merges each window of `x` into `out`; an empty window gives `neutral`."""
        first = self.axes[0]

        def block(calls: Calls, start: int, stop: int) -> None:
            for image, low, high in sheets(start, stop, first.positions):
                part = x[image : image + 1]
                for number, axis in enumerate(self.axes, 1):
                    begin, count = (low, high - low) if number == 1 else (0, axis.positions)
                    shape = (1, *part.shape[1:number], count, *part.shape[number + 1 :])
                    final = number == len(self.axes)
                    target = (
                        out[image : image + 1, low:high] if final else calls.scratch(f"axis {number}", shape, x.dtype)
                    )
                    self._merge(calls, part, target, axis, number, begin, neutral)
                    part = target

        return Stage(self.batch * first.positions, self.step, block, elements=self.elements)

    def _merge(self, calls: Calls, x: Array, out: Array, axis: Slide, number: int, first: int, neutral: float) -> None:
        """Merge the taps of one axis, counted `number`, into `out`, whose positions begin at `first`."""
        merge, before = with_third_output(self.merge), (slice(None),) * number
        count = out.shape[number]
        meetings = [axis.meet(tap, first, count) for tap in range(axis.kernel)]
        whole = [met for met in meetings if met[0] == slice(0, count)]
        pairs = [(out[(*before, to)], x[(*before, of)]) for to, of in meetings if to.stop > to.start]
        if len(whole) >= 2 and len(pairs) > 1:  # begin with two taps that are inside the input at every position
            (_, a), (_, b) = whole[:2]
            calls.do(merge, x[(*before, a)], x[(*before, b)], out)
            rest = [met for met in meetings if met is not whole[0] and met is not whole[1]]
            pairs = [(out[(*before, to)], x[(*before, of)]) for to, of in rest if to.stop > to.start]
        else:
            calls.do(out.fill, neutral)
        for target, source in pairs:
            calls.do(merge, target, source, target)


class Average(Pool):
    """Averages each window; with `of`, the padding counts in the divisor."""

    merge = np.add

    def stages(self, task: Task) -> Iterator[Stage]:
        """Sum, then divide by the number of elements of each window; the mean of none is nan."""
        yield self.windows(task.x, task.out)
        out = task.out
        divisors = [_members(axis, bool(self.of)) for axis in self.axes]
        if all(members[0] and (members == members[0]).all() for members in divisors):
            share = out.dtype.type(1 / prod(int(members[0]) for members in divisors))
            yield once(lambda calls: calls.do(np.multiply, out, share, out))
            return

        def divide(calls: Calls) -> None:
            for axis, members in enumerate(divisors, 1):
                counts = members.astype(out.dtype).reshape(-1, *(1,) * (out.ndim - axis - 1))
                calls.do(np.divide, out, counts, out)

        yield once(divide)


def _members(axis: Slide, count_include_pad: bool) -> npt.NDArray[np.intp]:
    """Return the number of elements that each window of an axis averages."""
    starts = np.arange(axis.positions) * axis.stride - axis.before
    low, high = (-axis.before, axis.size + axis.after) if count_include_pad else (0, axis.size)
    first = np.maximum(-((starts - low) // axis.dilation), 0)
    return np.minimum((high - 1 - starts) // axis.dilation + 1, axis.kernel) - first


class Norm(Pool):
    """Takes (Σ xᵖ)^(1/p) of each window, p being `of`."""

    merge = np.add

    def __init__(self, shape: Shape, axes: Slides, of: float | bool) -> None:
        """Prepare for an input (N, C, *in); all its powers are computed first."""
        super().__init__(shape, axes, of)
        self.room = prod(shape)

    def stages(self, task: Task) -> Iterator[Stage]:
        """Raise to the power, sum, and take the root."""
        out = task.out
        powers = task.array(task.x.shape, task.x.dtype)
        if self.of == 2:
            yield once(lambda calls: calls.do(np.square, task.x, powers))
        else:
            yield once(lambda calls: calls.do(np.power, task.x, powers.dtype.type(self.of), powers))
        yield self.windows(powers, out)
        if self.of == 2:
            yield once(lambda calls: calls.do(np.sqrt, out, out))
        else:
            yield once(lambda calls: calls.do(np.power, out, out.dtype.type(1 / self.of), out))


class GlobalPooling(Kernel):
    """Takes the mean or the largest of all places of each channel."""

    def __init__(self, shape: Shape, largest: bool) -> None:
        """Prepare for an input (N, C, *in)."""
        self.shape = (shape[0], *(1,) * (len(shape) - 2), shape[1])
        self.largest = largest
        self.positions = prod(shape[2:])
        self.columns = shape[-1]

    def stages(self, task: Task) -> Iterator[Stage]:
        """Reduce the places of each image; BLAS sums faster than NumPy, but in a row, so that long sums lose digits."""
        batch, channels = self.shape[0], self.shape[-1]
        source, copied = in_rows(task.x, task.array)
        yield from copied
        places = source.reshape(batch, self.positions, channels)
        out = task.out.reshape(batch, channels)
        if self.largest:
            yield once(lambda calls: calls.do(np.max, places, 1, out))
            return
        lines = self.positions // self.columns
        if self.positions > LONG_SUM and lines > 1:  # the means of lines, and their mean
            share = np.full(self.columns, 1 / self.columns, out.dtype)
            means = task.array((batch, lines, channels), out.dtype)
            grid = places.reshape(batch, lines, self.columns, channels)
            yield once(lambda calls: calls.do(np.matmul, share, grid, means))
            places = means
        count = places.shape[1]
        whole = np.full(count, 1 / count, out.dtype)
        yield once(lambda calls: calls.do(np.matmul, whole, places, out))


def adaptive(shape: Shape, output_size: int | Sequence[int | None] | None, largest: bool) -> Kernel:
    """Return the kernel that takes the mean or the largest of bins of (N, C, *in); see `Ops.adaptive_pool`."""
    if output_size == 1:
        return GlobalPooling(shape, largest)
    counts = on_each_axis(output_size, len(shape) - 2)
    return AdaptivePooling(
        shape, [size if n is None else n for n, size in zip(counts, shape[2:], strict=True)], largest
    )


class AdaptivePooling(Kernel):
    """Takes the mean or the largest of the bins ⌊i·in/out⌋ … ⌈(i+1)·in/out⌉ of each spatial axis, axis by axis."""

    def __init__(self, shape: Shape, counts: Sequence[int], largest: bool) -> None:
        """Prepare for an input (N, C, *in) and a number of bins along each axis."""
        self.shape = (shape[0], *counts, shape[1])
        self.reduce: Callable[..., object] = np.max if largest else np.mean
        self.changed = [axis for axis, (n, size) in enumerate(zip(counts, shape[2:], strict=True), 1) if n != size]
        sizes, between = [shape[0], *shape[2:], shape[1]], 0
        for axis in self.changed[:-1]:
            sizes[axis] = self.shape[axis]
            between = max(between, prod(sizes))
        self.room = 2 * between
        self.calls = 1 + sum(self.shape[axis] for axis in self.changed)

    def stages(self, task: Task) -> Iterator[Stage]:
        """Reduce the bins of one axis after the other; intermediate results alternate between halves of the room."""
        yield once(lambda calls: self._bind(calls, task))

    def _bind(self, calls: Calls, task: Task) -> None:
        x, half = task.x, 0
        if not self.changed:
            calls.fill(task.out, x)
        for axis in self.changed:
            size, count = x.shape[axis], self.shape[axis]
            shape = (*self.shape[: axis + 1], *x.shape[axis + 1 :])
            start = half * (self.room // 2) * x.itemsize
            target = task.out if axis == self.changed[-1] else task.array(shape, x.dtype, start)
            before = (slice(None),) * axis
            for i in range(count):
                part = x[(*before, slice(i * size // count, -((i + 1) * size // -count)))]
                calls.do(partial(self.reduce, part, axis=axis, keepdims=True, out=target[(*before, slice(i, i + 1))]))
            x, half = target, 1 - half
