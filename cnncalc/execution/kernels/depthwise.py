"""Depthwise convolution in two dimensions: every tap is a run of columns × channels, summed by one einsum."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from cnncalc.execution.kernels.axes import Fill, Slide, copied
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
    fill = engine.filler()
    runs = engine.packed(weight, f"runs {across.positions}", lambda w: _runs(w, across.positions))
    step = max(1, BLOCK // (across.positions * channels * axes[0].stride * axes[1].stride))
    lines = axes[0].positions

    def block(start: int, stop: int) -> None:
        for image in range(start // lines, -(-stop // lines)):
            first, last = max(start - image * lines, 0), min(stop - image * lines, lines)
            _rows(engine, x[image], fill, out[image, first:last], runs, axes, first)
        finish(start * across.positions, stop * across.positions)

    engine.blocks(len(x) * lines, step, block, effort(0, out.size * weight[0].size // 3 + x.size))
    return out


def _runs(weight: Array, columns: int) -> Array:
    """Return (KH, KW, columns · C): each tap's filter values, repeated for every column."""
    taps = np.moveaxis(weight[:, 0], 0, -1)
    return np.tile(taps, (1, 1, columns))


def _rows(
    engine: Engine, image: Array, fill: Fill, out: Array, runs: Array, axes: Sequence[Slide], first: int
) -> None:
    """Fill `out` (rows, columns, C), the output rows from `first` on, of one image (H, W, C)."""
    down, across = axes
    rows, columns, channels = out.shape
    dealt = _deal(engine, image, fill, axes, first, rows)
    flat = out.reshape(rows, columns * channels)
    line, part, column, item = dealt.strides
    partial = None
    for phase, taps, shift, apart in _phases(across):
        view = np.ndarray(
            (rows, down.kernel, len(taps), columns * channels),
            dealt.dtype,
            dealt,
            phase * part + shift * column,
            (line * down.stride, line * down.dilation, column * apart, item),
        )
        target = flat if partial is None else partial
        np.einsum("hijx,ijx->hx", view, runs[:, taps.start : taps.stop : taps.step], out=target)
        if partial is not None:
            np.add(flat, partial, out=flat)
        elif across.stride > 1:
            partial = engine.scratch("partial", flat.shape, out.dtype)
    engine.count(flat.size * down.kernel * across.kernel)


def _deal(engine: Engine, image: Array, fill: Fill, axes: Sequence[Slide], first: int, count: int) -> Array:
    """Return (rows, phases, columns, C) of the padded image: column w in phase w mod S at place w // S."""
    down, across = axes
    stride = across.stride
    width, insides = _insides(across)
    height = (count - 1) * down.stride + down.extent
    dealt = engine.scratch("dealt", (height, stride, width, image.shape[-1]), image.dtype)
    top = first * down.stride - down.before
    low = max(0, -top)
    high = max(low, min(height, down.size - top))
    dealt[:low] = 0
    dealt[high:] = 0
    move = fill if stride == 1 else copied
    source = image[top + low : top + high]
    for phase, begin, end, column in insides:
        here = dealt[low:high, phase]
        here[:, :begin] = 0
        here[:, end:] = 0
        if end > begin:
            move(source[:, column::stride][:, : end - begin], here[:, begin:end])
    if move is not fill:
        fill(dealt, dealt)  # a clip in one go is faster than in short runs, and leaves zeros as they are
    return dealt


@lru_cache(1024)
def _insides(axis: Slide) -> tuple[int, list[tuple[int, int, int, int]]]:
    """Return the places of a phase; and for each phase which of them are inside the image, and the first's column."""
    width = -(-((axis.positions - 1) * axis.stride + axis.extent) // axis.stride)
    insides = []
    for phase in range(axis.stride):
        begin = max(0, -(-(axis.before - phase) // axis.stride))
        end = max(begin, min(width, -(-(axis.before + axis.size - phase) // axis.stride)))
        insides.append((phase, begin, end, begin * axis.stride + phase - axis.before))
    return width, insides


@lru_cache(1024)
def _phases(axis: Slide) -> list[tuple[int, range, int, int]]:
    """Return which taps of a row meet each phase of the columns, the place of the first, and how far apart they are."""
    found: dict[int, list[int]] = {}
    for tap in range(axis.kernel):
        found.setdefault(tap * axis.dilation % axis.stride, []).append(tap)
    phases = []
    for phase, taps in found.items():
        places = [tap * axis.dilation // axis.stride for tap in taps]
        step, apart = (taps[1] - taps[0], places[1] - places[0]) if taps[1:] else (1, 1)
        phases.append((phase, range(taps[0], taps[-1] + 1, step), places[0], apart))
    return phases
