"""Layers whose weights are not shared between places: linear and locally connected."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from cnncalc.execution.kernels.axes import slides, windows
from cnncalc.execution.kernels.engine import Engine, channels_first, channels_last

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, Padding, Sizes

MANY = 64  # rows from which a linear layer is multiplied as a convolution is


def linear(engine: Engine, x: Array, weight: Array, bias: Array | None, axis: int) -> Array:
    """Multiply an axis by (out_features, in_features); see `Ops.linear`."""
    if x.shape[axis] != weight.shape[1]:
        raise ValueError(f"a weight {weight.shape} does not fit axis {axis} of {x.shape}")
    last = np.moveaxis(x, axis, -1)
    rows = engine.rows(last)
    out = engine.empty((*last.shape[:-1], len(weight)), x.dtype)
    finish = engine.finisher(out, engine.adder(bias), lambda residual: np.moveaxis(residual, axis, -1))
    products = out.reshape(len(rows), -1)
    if len(rows) >= MANY:
        filters = engine.filters(weight, "transposed", lambda w: w.T)

        def some_rows(start: int, stop: int) -> None:
            engine.apply(filters, rows[start:stop], products[start:stop])
            finish(start, stop)

        engine.blocks(len(rows), 256, some_rows, out.size * weight.shape[1])
    else:

        def some_features(start: int, stop: int) -> None:
            engine.multiply(rows, weight[start:stop].T, products[:, start:stop])

        engine.blocks(len(weight), len(weight), some_features, elements=weight.size // 2)
        finish(0, len(rows))
    return np.moveaxis(out, -1, axis)


def locally_connected(
    engine: Engine,
    x: Array,
    weight: Array,
    bias: Array | None,
    kernel: Sizes,
    stride: Sizes,
    padding: Padding,
    dilation: Sizes,
) -> Array:
    """Convolve with a filter of its own at every place; see `Ops.locally_connected`."""
    axes = slides(x.shape[2:], kernel, stride, padding, dilation)
    counts = tuple(axis.positions for axis in axes)
    shape = (len(weight), x.shape[1], *counts, *(axis.kernel for axis in axes))
    if weight.shape != shape:
        raise ValueError(f"a weight {weight.shape} where the input asks for {shape}")
    places = prod(counts)
    taps = weight.size // len(weight) // places
    view = windows(engine.padded(channels_last(x), axes), axes)
    patches = view.reshape(len(x), places, taps).transpose(1, 0, 2)
    filters = engine.packed(weight, "places", lambda w: _by_place(w, len(axes), places))
    product = engine.multiply(patches, filters)
    out = np.ascontiguousarray(product.transpose(1, 0, 2)).reshape(len(x), *counts, len(weight))
    if bias is not None:
        out += channels_last(bias[None])
    return channels_first(out)


def _by_place(weight: Array, rank: int, places: int) -> Array:
    """Return (places, *kernel · C, out) of (out, C, *places, *kernel)."""
    order = (*range(2, 2 + 2 * rank), 1, 0)
    return weight.transpose(order).reshape(places, -1, len(weight))
