"""Convolution of any rank: the choice of the algorithm, and the two algorithms that are plain matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import prod

import numpy as np

from cnncalc.execution.kernels.depthwise import Depthwise
from cnncalc.execution.kernels.kernel import NOTHING_BEFORE, Before, Calls, HeldWeight, Kernel, Shape, Stage, Task
from cnncalc.execution.kernels.panels import Filters
from cnncalc.execution.kernels.parts import Finisher, WithWeight, as_rows, blocks, images, in_rows, once, sheets
from cnncalc.execution.kernels.shallow import Shallow
from cnncalc.execution.kernels.windows import Slide, Slides, slides, windows
from cnncalc.execution.kernels.winograd import Winograd
from cnncalc.execution.tuning import BLOCK
from cnncalc.layers.interfaces import Array, DType, Padding, Sizes


@lru_cache(4096)
def conv(
    shape: Shape, dtype: DType, weight: Shape, stride: Sizes, padding: Padding, dilation: Sizes, groups: int,
    pieces: bool = False, exact: bool = False,
) -> Kernel:  # fmt: skip
    """Return the kernel that correlates (N, C, *in) with (out, C / groups, *kernel); see `Ops.conv`.

    `pieces` and `exact` are those of the `Team`.
    """
    if len(shape) != len(weight) or shape[1] != weight[1] * groups or weight[0] % groups:
        raise ValueError(f"filters {weight} in {groups} groups do not fit an input {shape}")
    axes = slides(shape[2:], weight[2:], stride, padding, dilation)
    batch = shape[0]
    if groups == 1 and axes.is_point:
        return PointConvolution(batch, weight, axes, pieces)
    if groups > 1 and weight[1] == 1 and weight[0] == groups and len(axes) == 2:
        return Depthwise(batch, weight, axes)
    if groups == 1 and not exact and Winograd.fits(dtype, weight, axes):
        return Winograd(batch, weight, axes, pieces)
    if groups == 1 and Shallow.fits(weight, axes):
        return Shallow(batch, weight, axes, pieces)
    return Unrolled(batch, weight, axes, groups, pieces)


class PointConvolution(WithWeight):
    """A kernel of one tap: one matrix product over the rows."""

    def __init__(self, batch: int, weight: Shape, axes: Slides, pieces: bool) -> None:
        """Prepare for filters (out, C, 1, …)."""
        out, depth = weight[:2]
        counts = [axis.positions for axis in axes]
        self.shape = (batch, *counts, out)
        self.pieces = pieces
        self.depth = depth
        self.every = (slice(None), *(slice(None, None, axis.stride) for axis in axes))
        self.rows = batch * prod(counts)
        self.size = self.rows * out
        self.skips = axes.skips
        self.room = self.rows * depth if axes.skips else 0
        step = max(256, 2 * BLOCK // max(depth, out))
        self.unit = counts[-1] if counts[-1] <= step else 1  # whole lines are cut into equal pieces
        self.step = step // self.unit
        self.scratch = {"rows": min(self.step * self.unit, self.rows) * depth}
        self.blocks = blocks(self.rows // self.unit, self.step)
        self.finished = self.rows // self.unit // self.blocks * self.unit

    def pack(self, weight: HeldWeight) -> Filters:
        """Return the filters as a matrix (C, out)."""
        return weight.form("matrix", lambda w: Filters.of(matrix(w), self.pieces))

    def parts(self, task: Task, filters: Filters, finish: Finisher) -> Iterator[Stage]:
        """Multiply blocks of rows, after the operations on the input, if any."""
        source, copied = in_rows(task.x[self.every] if self.skips else task.x, task.array)
        yield from copied
        products = task.out.reshape(-1, self.shape[-1])
        before = task.before if task.before.operations or task.before.clip else None

        def block(calls: Calls, first: int, last: int) -> None:
            start, stop = first * self.unit, last * self.unit
            part = source[start:stop]
            if before is not None:
                fresh = calls.scratch("rows", part.shape, part.dtype)
                before(calls, part, fresh)
                part = fresh
            filters.multiply(part, products[start:stop], calls.do)
            calls.products += part.size * products.shape[1]
            finish(calls, start, stop)

        yield Stage(self.rows // self.unit, self.step, block, self.size * self.depth, self.size)


def matrix(weight: Array) -> Array:
    """Return (*kernel · C, out), the form that is multiplied fastest; no copy if the memory has that order."""
    return np.ascontiguousarray(np.moveaxis(weight, (1, 0), (-2, -1))).reshape(-1, len(weight))


def _matrices(weight: Array, groups: int) -> Array:
    """Return (groups, *kernel · C, out / groups)."""
    if groups == 1:
        return matrix(weight)[None]
    return np.stack([matrix(part) for part in np.split(weight, groups)])


class Unrolled(WithWeight):
    """Any convolution: each window is copied into a row of a matrix, in blocks that stay in the cache."""

    def __init__(self, batch: int, weight: Shape, axes: Slides, groups: int, pieces: bool) -> None:
        """Prepare for filters (out, C / groups, *kernel)."""
        self.batch, self.groups, self.pieces, self.axes = batch, groups, pieces, axes
        self.shape = (batch, *(axis.positions for axis in axes), weight[0])
        self.channels, self.deep = weight[:2]
        if len(axes) == 1:  # one row of positions
            self.axes = Slides((Slide(1, 1, 1, 0, 0, 1, 1), *axes))
        self.counts = [axis.positions for axis in self.axes]
        self.sizes = [axis.kernel for axis in self.axes]
        self.depth = self.deep * prod(self.sizes)
        columns = self.counts[-1]
        lines = batch * prod(self.counts[:-1])
        self.step = max(1, 4 * BLOCK // (columns * self.depth * groups))
        self.blocks, self.calls = blocks(lines, self.step), 8 + images(lines, self.counts[-2], self.step)
        self.finished = lines // self.blocks * columns
        self.scratch = {"patches": groups * min(self.step, lines) * columns * self.depth}
        self.room = batch * prod(self.axes.padded) * self.deep * groups if axes.pads else 0

    def pack(self, weight: HeldWeight) -> Filters:
        """Return the filters as matrices (groups, *kernel · C / groups, out / groups)."""
        return weight.form(f"{self.groups} matrices", lambda w: Filters.of(_matrices(w, self.groups), self.pieces))

    def parts(self, task: Task, filters: Filters, finish: Finisher) -> Iterator[Stage]:
        """Pad, then gather windows and multiply, a few lines of positions at a time."""
        x, out = (task.x[:, None], task.out[:, None]) if len(self.shape) == 3 else (task.x, task.out)
        source = x
        if self.axes.pads or task.before.clip is not None:
            source = task.array((len(x), *self.axes.padded, x.shape[-1]), x.dtype)
            yield once(lambda calls: calls.frame(source, x, self.axes.starts, task.before.clip))
        view = windows(source, self.axes)
        columns, groups = self.counts[-1], self.groups
        lines = out.reshape(-1, columns, self.channels)

        def block(calls: Calls, start: int, stop: int) -> None:
            patches = calls.scratch("patches", (groups, stop - start, columns, *self.sizes, self.deep), x.dtype)
            for sheet, first, last in sheets(start, stop, self.counts[-2]):
                part = view[np.unravel_index(sheet, (self.batch, *self.counts[:-2]))][first:last]
                if groups > 1:
                    part = np.moveaxis(part.reshape(*part.shape[:-1], groups, self.deep), -2, 0)
                line = sheet * self.counts[-2] + first - start
                calls.fill(patches[:, line : line + last - first], part)
            target = lines[start:stop].reshape(-1, groups, self.channels // groups)
            matrices = patches.reshape(groups, -1, self.depth)
            filters.multiply(matrices, target.transpose(1, 0, 2), calls.do)
            calls.products += matrices.size * target.shape[-1]
            finish(calls, start * columns, stop * columns)

        products = out.size * self.depth
        yield Stage(len(lines), self.step, block, products, products // (self.channels // groups))


class Prepared(Kernel):
    """A kernel preceded by operations with a vector, and perhaps a clip, on its whole input."""

    def __init__(self, kernel: Kernel, shape: Shape) -> None:
        """Take the kernel, and the shape (N, *in, C) of its input."""
        self.kernel = kernel
        self.shape, self.scratch = kernel.shape, kernel.scratch
        self.more, self.direct, self.method, self.finished = kernel.more, kernel.direct, kernel.method, kernel.finished
        self.blocks, self.calls = kernel.blocks, kernel.calls + 3
        self.own = prod(shape)
        self.room = self.own + kernel.room

    def pack(self, weight: HeldWeight) -> object:
        """Return the weight as the kernel packs it."""
        return self.kernel.pack(weight)

    def stages(self, task: Task) -> Iterator[Stage]:
        """Prepare the input, then run the kernel's stages."""
        fresh = task.array(task.x.shape, task.x.dtype)
        yield affine(task.x, fresh, task.before)
        rest = None if task.room is None else task.room[fresh.nbytes :]
        yield from self.kernel.stages(task._replace(inputs=(fresh,), room=rest, before=NOTHING_BEFORE))


def affine(x: Array, out: Array, before: Before) -> Stage:
    """Return the stage that applies row operations to (N, *in, C), whole blocks of rows at a time."""
    done = out.reshape(-1, out.shape[-1])
    rows = as_rows(x)
    if rows is None:

        def copied(calls: Calls) -> None:
            calls.fill(out, x)
            before(calls, done, done)

        return once(copied)
    source = rows

    def block(calls: Calls, start: int, stop: int) -> None:
        before(calls, source[start:stop], done[start:stop])

    return Stage(len(done), max(1, BLOCK // done.shape[1]), block, elements=done.size)
