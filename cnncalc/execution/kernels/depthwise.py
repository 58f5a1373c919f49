"""Depthwise convolution in two dimensions: each tap multiplies a run of elements, and one einsum sums the taps."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial

import numpy as np

from cnncalc.execution.kernels.kernel import Calls, HeldWeight, Shape, Stage, Task
from cnncalc.execution.kernels.parts import Finisher, WithWeight, blocks, images, sheets
from cnncalc.execution.kernels.windows import Slides
from cnncalc.execution.tuning import BLOCK, DEPTHWISE_LANES_BELOW, DEPTHWISE_RUN
from cnncalc.layers.interfaces import Array


class Depthwise(WithWeight):
    """Convolves (N, H, W, C) with one filter (C, 1, KH, KW) for each channel.

    A run is a line or an equal part of one: with a stride of S, lanes of S columns each, the filter filled up with
    zeros to whole lanes, and the S columns of each sum are added in the end.  With a stride and many channels, each
    column is a run.
    """

    def __init__(self, batch: int, weight: Shape, axes: Slides) -> None:
        """Prepare for filters (C, 1, KH, KW)."""
        self.axes = down, across = axes
        lines, columns, channels = down.positions, across.positions, weight[0]
        self.shape = (batch, lines, columns, channels)
        whole = across.stride == 1 or (across.dilation == 1 and channels < DEPTHWISE_LANES_BELOW)
        self.lanes = across.stride if whole else 1
        self.together = run_columns(columns, self.lanes * channels) if whole else 1
        self.taps = down.kernel * across.kernel
        lanes = -(-across.kernel // self.lanes)  # of a filter
        self.run = self.together * self.lanes * channels
        self.form = f"{self.together} of {self.lanes} lanes"
        self.more = max(0, down.kernel * lanes * self.run - channels * self.taps)
        self.width = max(across.before + across.size + across.after, (columns - 1 + lanes) * self.lanes)
        self.step = max(1, 2 * BLOCK // (across.size * channels * down.stride))
        rows = min(self.step, batch * lines)
        self.blocks, self.calls = blocks(batch * lines, self.step), 3 + 8 * images(batch, lines, self.step)
        self.finished = batch * lines // self.blocks * columns
        self.scratch = {"framed": ((rows - 1) * down.stride + down.extent) * self.width * channels}
        if self.lanes > 1:
            self.scratch["lanes"] = rows * columns * self.lanes * channels

    def pack(self, weight: HeldWeight) -> Array:
        """Return the taps (KH, KW / lanes, run)."""
        return weight.form(self.form, lambda w: _runs(w, self.lanes, self.together))

    def parts(self, task: Task, taps: Array, finish: Finisher) -> Iterator[Stage]:
        """Copy the input lines that a block of output rows reads, with zeros around them, and sum the taps."""
        down, across = self.axes
        batch, lines, columns, channels = self.shape
        x, out = task.x, task.out

        def block(calls: Calls, start: int, stop: int) -> None:
            for image, first, last in sheets(start, stop, lines):
                rows = last - first
                framed, windows = calls.shared((self, rows), partial(self._windows, rows=rows, taps=taps))
                starts = down.before - first * down.stride, across.before
                calls.frame(framed, x[image], starts, task.before.clip)
                self._sum_taps(calls, windows, taps, out[image, first:last])
                calls.products += rows * columns * channels * self.taps
            finish(calls, start * columns, stop * columns)

        yield Stage(batch * lines, self.step, block, elements=self.taps * out.size // 3 + x.size)

    def _windows(self, calls: Calls, rows: int, taps: Array) -> tuple[Array, Array]:
        """Return scratch memory for the padded lines that some rows reach, and its windows (rows, runs, *taps, run)."""
        down, across = self.axes
        channels = self.shape[-1]
        framed = calls.scratch("framed", ((rows - 1) * down.stride + down.extent, self.width, channels), taps.dtype)
        line, column, item = framed.strides
        shape = (rows, self.shape[2] // self.together, *taps.shape)
        onward = column * across.stride * self.together
        steps = (line * down.stride, onward, line * down.dilation, column * across.dilation * self.lanes, item)
        return framed, np.ndarray(shape, framed.dtype, framed, 0, steps)

    def _sum_taps(self, calls: Calls, windows: Array, taps: Array, out: Array) -> None:
        """Fill `out` (rows, columns, C) from windows of padded lines."""
        rows, columns, channels = out.shape
        lanes = self.lanes
        sums = out if lanes == 1 else calls.scratch("lanes", (rows, columns, lanes * channels), out.dtype)
        calls.do(partial(np.einsum, "hwijx,ijx->hwx", windows, taps, out=sums.reshape(rows, -1, self.run)))
        if lanes > 1:
            parts = sums.reshape(rows, columns, lanes, channels)
            calls.do(np.add, parts[:, :, 0], parts[:, :, 1], out)
            for lane in range(2, lanes):
                calls.do(np.add, out, parts[:, :, lane], out)


@cache
def run_columns(columns: int, width: int) -> int:
    """Return how many columns of `width` elements make a run: a divisor, and a longer run rather than a short one."""
    counts = [count for count in range(1, columns + 1) if columns % count == 0]
    fitting = [count for count in counts if DEPTHWISE_RUN // 4 <= count * width <= DEPTHWISE_RUN]
    return max(fitting) if fitting else next((count for count in counts if count * width > DEPTHWISE_RUN), columns)


def _runs(weight: Array, lanes: int, columns: int) -> Array:
    """Return (KH, KW / lanes, columns · lanes · C): filter values, repeated for every column of a run."""
    taps = np.moveaxis(weight[:, 0], 0, -1)
    height, width, channels = taps.shape
    missing = -width % lanes
    filled = np.concatenate([taps, np.zeros((height, missing, channels), taps.dtype)], axis=1)
    return np.tile(filled.reshape(height, -1, lanes * channels), (1, 1, columns))
