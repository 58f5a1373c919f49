"""Depthwise convolution in two dimensions: each tap multiplies a run of elements, and one einsum sums the taps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cnncalc.execution.kernels.axes import Fill, Slide
from cnncalc.execution.kernels.engine import BLOCK, Engine, Kernel

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array


def depthwise(engine: Engine, weight: Array, bias: Array | None, axes: Sequence[Slide]) -> Kernel:
    """Convolve (N, H, W, C) with one filter (C, 1, KH, KW) a channel.

    A run is a whole line of columns × channels, or the channels of one place where a stride keeps columns apart.
    """
    down, across = axes
    lines, columns, channels = down.positions, across.positions, len(weight)
    together = columns if across.stride == 1 else 1  # columns of a run
    taps = engine.packed(weight, f"runs of {together}", lambda w: _runs(w, together))
    add = engine.adder(bias)
    products = down.kernel * across.kernel
    step = max(1, 2 * BLOCK // (across.size * channels * down.stride))

    def convolve(x: Array) -> Array:
        out = engine.empty((len(x), lines, columns, channels), x.dtype)
        finish = engine.finisher(out, add)
        fill = engine.filler()

        def block(start: int, stop: int) -> None:
            for image in range(start // lines, -(-stop // lines)):
                first, last = max(start - image * lines, 0), min(stop - image * lines, lines)
                framed = _framed(engine, x[image], fill, axes, first, last - first)
                engine.count(_sum_taps(framed, taps, axes, out[image, first:last]))
            finish(start * columns, stop * columns)

        engine.blocks(len(x) * lines, step, block, elements=products * out.size // 3 + x.size)
        return out

    return convolve


def _runs(weight: Array, columns: int) -> Array:
    """Return (KH, KW, columns · C): each tap's filter values, repeated for every column of a run."""
    return np.tile(np.moveaxis(weight[:, 0], 0, -1), (1, 1, columns))


def _sum_taps(framed: Array, taps: Array, axes: Sequence[Slide], out: Array) -> int:
    """Fill `out` (rows, columns, C) from the padded lines (H, W, C) that its rows reach; return how many products."""
    down, across = axes
    rows, run = len(out), taps.shape[-1]
    runs = out.reshape(rows, -1, run)
    line, column, item = framed.strides
    shape = (rows, runs.shape[1], down.kernel, across.kernel, run)
    steps = (line * down.stride, column * across.stride, line * down.dilation, column * across.dilation, item)
    windows: Array = np.ndarray(shape, framed.dtype, framed, 0, steps)
    np.einsum("hwijx,ijx->hwx", windows, taps, out=runs)
    return windows.size


def _framed(engine: Engine, image: Array, fill: Fill, axes: Sequence[Slide], first: int, count: int) -> Array:
    """Return the lines of the padded image (H, W, C) that `count` output rows from `first` on reach."""
    down, across = axes
    height = (count - 1) * down.stride + down.extent
    framed = engine.scratch(
        "framed", (height, across.before + across.size + across.after, image.shape[-1]), image.dtype
    )
    top = first * down.stride - down.before
    low = max(0, -top)
    high = max(low, min(height, down.size - top))
    inside = slice(across.before, across.before + across.size)
    framed[:low] = 0
    framed[high:] = 0
    framed[low:high, : inside.start] = 0
    framed[low:high, inside.stop :] = 0
    fill(image[top + low : top + high], framed[low:high, inside])
    return framed
