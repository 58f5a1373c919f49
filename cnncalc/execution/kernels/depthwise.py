"""Depthwise convolution in two dimensions: each tap multiplies a run of elements, and one einsum sums the taps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cnncalc.execution.kernels.axes import Slide
from cnncalc.execution.kernels.engine import BLOCK, Clip, Engine, Kernel

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array


FEW = 128  # channels, below which the run of a single place is too short
RUN = 1 << 12  # elements of a run, or somewhat less: for them the filter is repeated, and should stay in the cache


def depthwise(engine: Engine, weight: Array, bias: Array | None, axes: Sequence[Slide]) -> Kernel:
    """Convolve (N, H, W, C) with one filter (C, 1, KH, KW) a channel.

    A run is a line or an equal part of one: with a stride of S, lanes of S columns each, the filter filled up with
    zeros to whole lanes, and the S columns of each sum are added in the end.  Many channels are a run of their own
    where there is a stride.
    """
    down, across = axes
    lines, columns, channels = down.positions, across.positions, len(weight)
    whole = across.stride == 1 or (across.dilation == 1 and channels < FEW)
    lanes = across.stride if whole else 1
    together = run_columns(columns, lanes * channels) if whole else 1
    taps = engine.packed(weight, f"{together} of {lanes} lanes", lambda w: _runs(w, lanes, together))
    add = engine.adder(bias)
    products = down.kernel * across.kernel
    width = max(across.before + across.size + across.after, (columns - 1 + taps.shape[1]) * lanes)
    step = max(1, 2 * BLOCK // (across.size * channels * down.stride))

    def convolve(x: Array) -> Array:
        out = engine.empty((len(x), lines, columns, channels), x.dtype)
        finish = engine.finisher(out, add)
        clip = engine.clipped_first()

        def block(start: int, stop: int) -> None:
            for image in range(start // lines, -(-stop // lines)):
                first, last = max(start - image * lines, 0), min(stop - image * lines, lines)
                framed = _framed(engine, x[image], clip, axes, width, first, last - first)
                _sum_taps(engine, framed, taps, axes, lanes, out[image, first:last])
                engine.count((last - first) * columns * channels * products)
            finish(start * columns, stop * columns)

        engine.blocks(len(x) * lines, step, block, elements=products * out.size // 3 + x.size)
        return out

    return convolve


def run_columns(columns: int, width: int) -> int:
    """Return how many columns of `width` elements make a run: a divisor, and a longer run rather than a short one."""
    counts = [count for count in range(1, columns + 1) if columns % count == 0]
    fitting = [count for count in counts if RUN // 4 <= count * width <= RUN]
    return max(fitting) if fitting else next((count for count in counts if count * width > RUN), columns)


def _runs(weight: Array, lanes: int, columns: int) -> Array:
    """Return (KH, KW / lanes, columns · lanes · C): filter values, repeated for every column of a run."""
    taps = np.moveaxis(weight[:, 0], 0, -1)
    height, width, channels = taps.shape
    missing = -width % lanes
    filled = np.concatenate([taps, np.zeros((height, missing, channels), taps.dtype)], axis=1)
    return np.tile(filled.reshape(height, -1, lanes * channels), (1, 1, columns))


def _sum_taps(engine: Engine, framed: Array, taps: Array, axes: Sequence[Slide], lanes: int, out: Array) -> None:
    """Fill `out` (rows, columns, C) from the padded lines (H, W, C) that its rows reach."""
    down, across = axes
    rows, columns, channels = out.shape
    run = taps.shape[-1]
    line, column, item = framed.strides
    sums = out if lanes == 1 else engine.scratch("lanes", (rows, columns, lanes * channels), out.dtype)
    sums = sums.reshape(rows, -1, run)
    shape = (rows, sums.shape[1], *taps.shape)
    onward = column * across.stride * (run // (lanes * channels))
    steps = (line * down.stride, onward, line * down.dilation, column * across.dilation * lanes, item)
    windows: Array = np.ndarray(shape, framed.dtype, framed, 0, steps)
    engine.do(np.einsum, "hwijx,ijx->hwx", windows, taps, out=sums)
    if lanes > 1:
        parts = sums.reshape(rows, columns, lanes, channels)
        engine.do(np.add, parts[:, :, 0], parts[:, :, 1], out=out)
        for lane in range(2, lanes):
            engine.do(np.add, out, parts[:, :, lane], out=out)


def _framed(
    engine: Engine, image: Array, clip: Clip | None, axes: Sequence[Slide], width: int, first: int, count: int
) -> Array:
    """Return the lines of the padded image (H, width, C) that `count` output rows from `first` on reach."""
    down, across = axes
    height = (count - 1) * down.stride + down.extent
    framed = engine.scratch("framed", (height, width, image.shape[-1]), image.dtype)
    top = first * down.stride - down.before
    low = max(0, -top)
    high = max(low, min(height, down.size - top))
    inside = slice(across.before, across.before + across.size)
    for edge in (framed[:low], framed[high:], framed[low:high, : inside.start], framed[low:high, inside.stop :]):
        engine.zero(edge)
    engine.fill(framed[low:high, inside], image[top + low : top + high], clip)
    return framed
