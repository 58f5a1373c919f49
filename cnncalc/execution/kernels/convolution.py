"""Convolution of any rank: which algorithm, and the two that are plain matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from cnncalc.execution.kernels import depthwise, shallow, winograd
from cnncalc.execution.kernels.axes import Slide, Slides, padded, slides, windows
from cnncalc.execution.kernels.engine import BLOCK, Engine, channels_first, channels_last, effort

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, Padding, Sizes


def conv(
    engine: Engine,
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Sizes,
    padding: Padding,
    dilation: Sizes,
    groups: int,
) -> Array:
    """Cross-correlate (N, C, *in) with (out, C / groups, *kernel); see `Ops.conv`."""
    if x.ndim != weight.ndim or x.shape[1] != weight.shape[1] * groups or len(weight) % groups:
        raise ValueError(f"filters {weight.shape} in {groups} groups do not fit an input {x.shape}")
    axes = slides(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    last = channels_last(x)
    if groups == 1 and axes.is_point:
        return channels_first(pointwise(engine, last, weight, bias, axes))
    last = prepared(engine, last)
    if groups > 1 and weight.shape[1] == 1 and len(weight) == groups and len(axes) == 2:
        return channels_first(depthwise.depthwise(engine, last, weight, bias, axes))
    if groups == 1 and winograd.fits(last, weight, axes):
        return channels_first(winograd.winograd(engine, last, weight, bias, axes))
    if groups == 1 and shallow.fits(weight, axes):
        return channels_first(shallow.shallow(engine, last, weight, bias, axes))
    return channels_first(unrolled(engine, last, weight, bias, axes, groups))


def prepared(engine: Engine, x: Array) -> Array:
    """Apply what the runner asked for before this convolution, but leave a mere clip to the kernel."""
    before = engine.before
    if before is None or not before.operations:
        return x
    engine.before = None
    out = engine.empty(x.shape, x.dtype)
    rows, done = x.reshape(-1, x.shape[-1]), out.reshape(-1, x.shape[-1])
    prepare = engine.preparer(before)

    def block(start: int, stop: int) -> None:
        prepare(rows[start:stop], done[start:stop])

    engine.blocks(len(rows), max(1, BLOCK // x.shape[-1]), block, effort(0, x.size))
    return out


def pointwise(engine: Engine, x: Array, weight: Array, bias: Array | None, axes: Slides) -> Array:
    """Convolve (N, *in, C) with a kernel of one tap: one matrix product over the rows."""
    if axes.skips:
        x = x[(slice(None), *(slice(None, None, axis.stride) for axis in axes))]
    out = engine.empty((*x.shape[:-1], len(weight)), x.dtype)
    filters = engine.filters(weight, "matrix", _matrix)
    rows = x.reshape(-1, x.shape[-1])
    products = out.reshape(-1, len(weight))
    finish = engine.finisher(out, bias)
    before, engine.before = engine.before, None
    prepare = engine.preparer(before) if before else None

    step = max(256, 2 * BLOCK // max(filters.depth, filters.columns))
    unit = x.shape[-2] if x.shape[-2] <= step else 1  # whole lines are cut into equal pieces

    def block(first: int, last: int) -> None:
        start, stop = first * unit, last * unit
        part = rows[start:stop]
        if prepare is not None:
            fresh = engine.scratch("rows", part.shape, x.dtype)
            prepare(part, fresh)
            part = fresh
        engine.apply(filters, part, products[start:stop])
        finish(start, stop)

    engine.blocks(len(rows) // unit, step // unit, block, effort(out.size * filters.depth, out.size))
    return out


def _matrix(weight: Array) -> Array:
    """Return (*kernel · C, out), the form that is multiplied fastest; no copy if the memory has that order."""
    return np.ascontiguousarray(np.moveaxis(weight, (1, 0), (-2, -1))).reshape(-1, len(weight))


def _matrices(weight: Array, groups: int) -> Array:
    """Return (groups, *kernel · C, out / groups)."""
    if groups == 1:
        return _matrix(weight)[None]
    return np.stack([_matrix(part) for part in np.split(weight, groups)])


def unrolled(engine: Engine, x: Array, weight: Array, bias: Array | None, axes: Sequence[Slide], groups: int) -> Array:
    """Convolve (N, *in, C) by copying each window into a row of a matrix, in blocks that stay in the cache."""
    if len(axes) == 1:  # one row of positions
        flat = Slide(1, 1, 1, 0, 0, 1, 1)
        out = unrolled(engine, x[:, None], weight[:, :, None], bias, (flat, *axes), groups)
        return out[:, 0]
    channels, depth = len(weight), weight.shape[1]
    filters = engine.filters(weight, f"{groups} matrices", lambda w: _matrices(w, groups))
    view = windows(padded(x, axes, engine.filler()), axes)
    counts = [axis.positions for axis in axes]
    out = engine.empty((len(x), *counts, channels), x.dtype)
    finish = engine.finisher(out, bias)
    taps = prod(weight.shape[2:]) * depth
    columns = counts[-1]
    lines = out.reshape(-1, columns, channels)

    def block(start: int, stop: int) -> None:
        shape = (groups, stop - start, columns, *weight.shape[2:], depth)
        patches = engine.scratch("patches", shape, x.dtype)
        for line in range(start, stop):
            source = view[np.unravel_index(line, (len(x), *counts[:-1]))]
            if groups > 1:
                source = np.moveaxis(source.reshape(*source.shape[:-1], groups, depth), -2, 0)
            patches[:, line - start] = source
        target = lines[start:stop].reshape(-1, groups, channels // groups)
        engine.apply(filters, patches.reshape(groups, -1, taps), target.transpose(1, 0, 2))
        finish(start * columns, stop * columns)

    step = max(1, 4 * BLOCK // (columns * taps * groups))
    micros = effort(out.size * taps, out.size * taps // (channels // groups))
    engine.blocks(len(lines), step, block, micros)
    return out
