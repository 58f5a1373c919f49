"""Convolution of a map with few channels, such as a network's first: windows are gathered once for each input row."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from cnncalc.execution.kernels.kernel import Calls, HeldWeight, Shape, Stage, Task
from cnncalc.execution.kernels.panels import Filters
from cnncalc.execution.kernels.parts import Finisher, WithWeight, blocks, images, once, sheets
from cnncalc.execution.kernels.windows import Slides
from cnncalc.execution.tuning import BLOCK, SHALLOW_FROM_COLUMNS, SHALLOW_UP_TO
from cnncalc.layers.interfaces import Array


class Shallow(WithWeight):
    """Convolves (N, H, W, C) with (out, C, KH, KW).

    A line of the input is laid out as (KW · C, columns), once for all windows that reach it; the KH lines of one
    output line then are a matrix (KH · KW · C, columns) as they stand.
    """

    def __init__(self, batch: int, weight: Shape, axes: Slides, pieces: bool) -> None:
        """Prepare for filters (out, C, KH, KW)."""
        self.axes = down, across = axes
        self.pieces = pieces
        channels, self.deep = weight[:2]
        self.shape = (batch, down.positions, across.positions, channels)
        self.taps = across.kernel * self.deep
        self.step = max(1, 2 * BLOCK // (across.positions * max(self.taps * down.stride, channels)))
        rows = min(self.step, down.positions)
        lines = batch * down.positions
        self.blocks, self.calls = blocks(lines, self.step), 7 + 7 * images(batch, down.positions, self.step)
        self.finished = lines // self.blocks * across.positions
        self.scratch = {"lines": ((rows - 1) * down.stride + down.kernel) * self.taps * across.positions}
        self.room = batch * down.padded * across.padded * self.deep

    @staticmethod
    def fits(weight: Shape, axes: Slides) -> bool:
        """Return whether this is faster: channels-last copies would be of very short runs."""
        if len(axes) != 2 or axes[0].dilation > 1:
            return False
        return weight[1] <= SHALLOW_UP_TO and axes[1].kernel > 1 and axes[1].positions >= SHALLOW_FROM_COLUMNS

    def pack(self, weight: HeldWeight) -> Filters:
        """Return the filters as a matrix (KH · KW · C, out)."""
        return weight.form("lines", lambda w: Filters.of(w.transpose(2, 3, 1, 0).reshape(-1, len(w)), self.pieces))

    def parts(self, task: Task, filters: Filters, finish: Finisher) -> Iterator[Stage]:
        """Pad each plane, then unroll lines and multiply."""
        channels = self.shape[-1]
        down, across = self.axes
        x, out = task.x, task.out
        planes = task.array((len(x), self.deep, *self.axes.padded), x.dtype)  # as in pictures
        framed = planes.transpose(0, 2, 3, 1)
        yield once(lambda calls: calls.frame(framed, x, self.axes.starts, task.before.clip))
        depth = down.kernel * self.taps
        item = x.itemsize
        view: Array = np.ndarray(
            (len(x), down.padded, across.kernel, self.deep, across.positions), x.dtype, planes, 0,
            (*framed.strides[:2], across.dilation * item, framed.strides[3], across.stride * item),
        )  # fmt: skip

        def block(calls: Calls, start: int, stop: int) -> None:
            for image, first, last in sheets(start, stop, down.positions):
                source = view[image, first * down.stride : (last - 1) * down.stride + down.kernel]
                unrolled = calls.scratch("lines", source.shape, x.dtype)
                calls.fill(unrolled, source)
                unrolled = unrolled.reshape(len(source), self.taps, across.positions)
                line = unrolled.strides[0]
                shape = (last - first, across.positions, depth)
                steps = (down.stride * line, item, across.positions * item)
                matrix: Array = np.ndarray(shape, x.dtype, unrolled, 0, steps)
                filters.multiply(matrix, out[image, first:last], calls.do)
                calls.products += prod(shape) * channels
            finish(calls, start * across.positions, stop * across.positions)

        yield Stage(len(x) * down.positions, self.step, block, out.size * depth, out.size)
