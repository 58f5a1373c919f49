"""Depthwise convolution in two dimensions: every tap is a run of columns × channels, summed by one einsum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cnncalc.execution.kernels.axes import Slide
from cnncalc.execution.kernels.engine import BLOCK, Engine, effort

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array


def depthwise(engine: Engine, x: Array, weight: Array, bias: Array | None, axes: Sequence[Slide]) -> Array:
    """Convolve (N, H, W, C) with one filter (C, 1, KH, KW) a channel.

    With a stride of S the columns of a row are first dealt into S phases, so that every tap again meets a run of
    neighbouring columns.
    """
    across = axes[1]
    channels = x.shape[-1]
    out = engine.empty((len(x), axes[0].positions, across.positions, channels), x.dtype)
    finish = engine.finisher(out, bias)
    runs = engine.packed(weight, f"runs {across.positions}", lambda w: _runs(w, across.positions))
    step = max(1, BLOCK // (across.positions * channels * axes[0].stride))
    lines = axes[0].positions

    def block(start: int, stop: int) -> None:
        for image in range(start // lines, -(-stop // lines)):
            first, last = max(start - image * lines, 0), min(stop - image * lines, lines)
            _rows(engine, x[image], out[image, first:last], runs, axes, first)
        finish(start * across.positions, stop * across.positions)

    engine.blocks(len(x) * lines, step, block, effort(0, out.size * weight[0].size // 3 + x.size))
    return out


def _runs(weight: Array, columns: int) -> Array:
    """Return (KH, KW, columns · C): each tap's filter values, repeated for every column."""
    taps = np.moveaxis(weight[:, 0], 0, -1)
    return np.tile(taps, (1, 1, columns))


def _rows(engine: Engine, image: Array, out: Array, runs: Array, axes: Sequence[Slide], first: int) -> None:
    """Fill `out` (rows, columns, C), the output rows from `first` on, of one image (H, W, C)."""
    down, across = axes
    columns, channels = out.shape[1:]
    dealt = _deal(engine, image, axes, first, len(out))
    flat = out.reshape(len(out), columns * channels)
    line, _, column, item = dealt.strides
    partial = None
    for phase, taps in _phases(across):
        shifts = [j * across.dilation // across.stride for j in taps]
        apart = shifts[1] - shifts[0] if len(taps) > 1 else 1
        view = as_strided(
            dealt[:, phase, shifts[0] :],
            (len(out), down.kernel, len(taps), columns * channels),
            (line * down.stride, line * down.dilation, column * apart, item),
        )
        target = flat if partial is None else partial
        np.einsum("hijx,ijx->hx", view, runs[:, taps.start : taps.stop : taps.step], out=target)
        if partial is None:
            partial = engine.scratch("partial", flat.shape, out.dtype) if across.stride > 1 else flat
        else:
            np.add(flat, partial, out=flat)
    engine.count(flat.size * down.kernel * across.kernel)


def _deal(engine: Engine, image: Array, axes: Sequence[Slide], first: int, count: int) -> Array:
    """Return (rows, phases, columns, C) of the padded image: column w in phase w mod S at place w // S."""
    down, across = axes
    stride = across.stride
    width = -(-((across.positions - 1) * stride + across.extent) // stride)
    height = (count - 1) * down.stride + down.extent
    dealt = engine.scratch("dealt", (height, stride, width, image.shape[-1]), image.dtype)
    top = first * down.stride - down.before
    low, high = max(0, -top), min(height, down.size - top)
    dealt[:low] = 0
    dealt[max(high, low) :] = 0
    for phase in range(stride):
        here = dealt[low:high, phase]
        begin = max(0, -(-(across.before - phase) // stride))  # the first place inside the image
        end = min(width, -(-(across.before + across.size - phase) // stride))
        here[:, :begin] = 0
        here[:, max(end, begin) :] = 0
        if end > begin and high > low:
            column = begin * stride + phase - across.before
            here[:, begin:end] = image[top + low : top + high, column::stride][:, : end - begin]
    return dealt


def _phases(axis: Slide) -> list[tuple[int, range]]:
    """Return which taps of a row meet each phase of the columns."""
    found: dict[int, list[int]] = {}
    for tap in range(axis.kernel):
        found.setdefault(tap * axis.dilation % axis.stride, []).append(tap)
    return [
        (phase, range(taps[0], taps[-1] + 1, taps[1] - taps[0] if taps[1:] else 1)) for phase, taps in found.items()
    ]
