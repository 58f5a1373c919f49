"""Convolution of any rank: which algorithm, and the two that are plain matrix products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnncalc.execution.kernels import depthwise, shallow, winograd
from cnncalc.execution.kernels.axes import Slide, Slides, frozen, slides, windows
from cnncalc.execution.kernels.engine import BLOCK, Engine, Kernel, channels_first, channels_last

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
    key: tuple[Any, ...] = (id(weight), id(bias), x.shape, x.dtype, stride, padding, dilation, groups)
    try:
        kernel = engine.bound(key)
    except TypeError:  # a list can't be looked up
        key = frozen(list(key))
        kernel = engine.bound(key)
    if kernel is None:
        if x.ndim != weight.ndim or x.shape[1] != weight.shape[1] * groups or len(weight) % groups:
            raise ValueError(f"filters {weight.shape} in {groups} groups do not fit an input {x.shape}")
        axes = slides(x.shape[2:], weight.shape[2:], stride, padding, dilation)
        kernel = engine.bind(key, weight, _kernel(engine, x, weight, bias, axes, groups))
    return channels_first(kernel(channels_last(x)))


def _kernel(engine: Engine, x: Array, weight: Array, bias: Array | None, axes: Slides, groups: int) -> Kernel:
    """Return the algorithm for a shape of input, ready to be run on (N, *in, C)."""
    if groups == 1 and axes.is_point:
        return pointwise(engine, weight, bias, axes)
    if groups > 1 and weight.shape[1] == 1 and len(weight) == groups and len(axes) == 2:
        kernel = depthwise.depthwise(engine, weight, bias, axes)
    elif groups == 1 and winograd.fits(x, weight, axes):
        kernel = winograd.winograd(engine, weight, bias, axes)
    elif groups == 1 and shallow.fits(weight, axes):
        kernel = shallow.shallow(engine, weight, bias, axes)
    else:
        kernel = unrolled(engine, weight, bias, axes, groups)
    return lambda last: kernel(prepared(engine, last))


def prepared(engine: Engine, x: Array) -> Array:
    """Apply what the runner asked for before this convolution, but leave a mere clip to the kernel."""
    before = engine.before
    if before is None or not before.operations:
        return x
    engine.before = None
    out = engine.empty(x.shape, x.dtype)
    rows, done = engine.rows(x), engine.rows(out)
    prepare = engine.preparer(before)

    def block(start: int, stop: int) -> None:
        prepare(rows[start:stop], done[start:stop])

    engine.blocks(len(rows), max(1, BLOCK // x.shape[-1]), block, elements=x.size)
    return out


def pointwise(engine: Engine, weight: Array, bias: Array | None, axes: Slides) -> Kernel:
    """Convolve (N, *in, C) with a kernel of one tap: one matrix product over the rows."""
    filters = engine.filters(weight, "matrix", _matrix)
    add = engine.adder(bias)
    every = (slice(None), *(slice(None, None, axis.stride) for axis in axes))
    step = max(256, 2 * BLOCK // max(filters.depth, filters.columns))
    columns = axes[-1].positions
    unit = columns if columns <= step else 1  # whole lines are cut into equal pieces

    def convolve(x: Array) -> Array:
        if axes.skips:
            x = x[every]
        out = engine.empty((*x.shape[:-1], filters.columns), x.dtype)
        rows = engine.rows(x)
        products = out.reshape(-1, filters.columns)
        finish = engine.finisher(out, add)
        before, engine.before = engine.before, None
        prepare = engine.preparer(before) if before else None

        def block(first: int, last: int) -> None:
            start, stop = first * unit, last * unit
            part = rows[start:stop]
            if prepare is not None:
                fresh = engine.scratch("rows", part.shape, x.dtype)
                prepare(part, fresh)
                part = fresh
            engine.apply(filters, part, products[start:stop])
            finish(start, stop)

        engine.blocks(len(rows) // unit, step // unit, block, out.size * filters.depth, out.size)
        return out

    return convolve


def _matrix(weight: Array) -> Array:
    """Return (*kernel · C, out), the form that is multiplied fastest; no copy if the memory has that order."""
    return np.ascontiguousarray(np.moveaxis(weight, (1, 0), (-2, -1))).reshape(-1, len(weight))


def _matrices(weight: Array, groups: int) -> Array:
    """Return (groups, *kernel · C, out / groups)."""
    if groups == 1:
        return _matrix(weight)[None]
    return np.stack([_matrix(part) for part in np.split(weight, groups)])


def unrolled(
    engine: Engine,
    weight: Array,
    bias: Array | None,
    axes: Sequence[Slide],
    groups: int,
    arrange: Callable[[Array], Array] = channels_last,
) -> Kernel:
    """Convolve (N, *in, C) by copying each window into a row of a matrix, in blocks that stay in the cache.

    `arrange` brings a residual to the axes of the output.
    """
    if len(axes) == 1:  # one row of positions
        flat = Slide(1, 1, 1, 0, 0, 1, 1)
        kernel = unrolled(engine, weight[:, :, None], bias, (flat, *axes), groups, _on_one_row)
        return lambda x: kernel(x[:, None])[:, 0]
    channels, depth, *sizes = weight.shape
    filters = engine.filters(weight, f"{groups} matrices", lambda w: _matrices(w, groups))
    add = engine.adder(bias)
    counts = [axis.positions for axis in axes]
    columns = counts[-1]
    step = max(1, 4 * BLOCK // (columns * filters.depth * groups))

    def convolve(x: Array) -> Array:
        view = windows(engine.padded(x, axes), axes)
        out = engine.empty((len(x), *counts, channels), x.dtype)
        finish = engine.finisher(out, add, arrange)
        lines = out.reshape(-1, columns, channels)

        def block(start: int, stop: int) -> None:
            patches = engine.scratch("patches", (groups, stop - start, columns, *sizes, depth), x.dtype)
            for line in range(start, stop):
                source = view[np.unravel_index(line, (len(x), *counts[:-1]))]
                if groups > 1:
                    source = np.moveaxis(source.reshape(*source.shape[:-1], groups, depth), -2, 0)
                engine.fill(patches[:, line - start], source, None)
            target = lines[start:stop].reshape(-1, groups, channels // groups)
            engine.apply(filters, patches.reshape(groups, -1, filters.depth), target.transpose(1, 0, 2))
            finish(start * columns, stop * columns)

        products = out.size * filters.depth
        engine.blocks(len(lines), step, block, products, products // (channels // groups))
        return out

    return convolve


def _on_one_row(x: Array) -> Array:
    """Return (N, C, L) as (N, 1, L, C)."""
    return channels_last(x)[:, None]
