"""Layers whose weights are not shared between places: linear and locally connected."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import prod

import numpy as np

from cnncalc.execution.kernels.kernel import Calls, HeldWeight, Places, Shape, Stage, Task, run_all
from cnncalc.execution.kernels.panels import Filters
from cnncalc.execution.kernels.parts import Finisher, WithWeight, blocks, channels_first, channels_last, in_rows, once
from cnncalc.execution.kernels.windows import slides, windows
from cnncalc.execution.tuning import GEMM_FROM_ROWS
from cnncalc.layers.interfaces import Array, Padding, Sizes


class DenseProduct(WithWeight):
    """Multiplies the last axis of (N, …, in_features); another axis has been moved there before."""

    def __init__(self, shape: Shape, weight: Shape, axis: int, pieces: bool) -> None:
        """Prepare for a weight (out_features, in_features), and an axis of the original array."""
        if shape[-1] != weight[1]:
            raise ValueError(f"a weight {weight} does not fit {shape}")
        self.shape = (*shape[:-1], weight[0])
        self.rows, self.axis, self.pieces = prod(shape[:-1]), axis, pieces
        self.blocks = blocks(self.rows, 256) if self.rows >= GEMM_FROM_ROWS else 1
        self.finished = self.rows // self.blocks

    def pack(self, weight: HeldWeight) -> Filters | None:
        """Return the weight as filters (in_features, out_features); None if few rows are multiplied by it."""
        if self.rows < GEMM_FROM_ROWS and weight.plain is not None:
            return None
        return weight.form("transposed", lambda w: Filters.of(w.T, self.pieces))

    def arranged(self, x: Array) -> Array:
        """Return a logical array with the multiplied axis last."""
        return np.moveaxis(x, self.axis, -1)

    def parts(self, task: Task, filters: Filters | None, finish: Finisher) -> Iterator[Stage]:
        """Multiply blocks of rows by packed filters, or a few rows at once by the unpacked weight."""
        source, copied = in_rows(task.x, task.array)
        yield from copied
        products = task.out.reshape(self.rows, -1)
        assert task.weight is not None
        count = task.weight.shape[0] * task.weight.shape[1]
        if filters is not None:

            def some_rows(calls: Calls, start: int, stop: int) -> None:
                filters.multiply(source[start:stop], products[start:stop], calls.do)
                calls.products += (stop - start) * count
                finish(calls, start, stop)

            yield Stage(self.rows, 256, some_rows, self.rows * count)
            return
        weight = task.weight.plain
        assert weight is not None

        def some_features(calls: Calls, start: int, stop: int) -> None:
            calls.do(np.matmul, source, weight[start:stop].T, products[:, start:stop])
            calls.products += source.size * (stop - start)

        yield Stage(len(weight), len(weight), some_features, elements=count // 2)
        yield once(lambda calls: finish(calls, 0, self.rows))


linear = lru_cache(4096)(DenseProduct)
"""linear(shape, weight, axis, pieces) is the kernel that multiplies an axis by a weight."""


def locally_connected(
    x: Array, weight: Array, bias: Array | None, kernel: Sizes, stride: Sizes, padding: Padding, dilation: Sizes
) -> tuple[Array, int]:
    """Convolve with a separate filter at every place; see `Ops.locally_connected`.

    Return the result and the products that were summed.
    """
    axes = slides(x.shape[2:], kernel, stride, padding, dilation)
    counts = tuple(axis.positions for axis in axes)
    shape = (len(weight), x.shape[1], *counts, *(axis.kernel for axis in axes))
    if weight.shape != shape:
        raise ValueError(f"the weight is {weight.shape}, but the input needs {shape}")
    places = prod(counts)
    taps = weight.size // len(weight) // places
    source = channels_last(x)
    padded: Array = np.empty((len(x), *axes.padded, x.shape[1]), x.dtype)
    calls = Calls(None, Places(x.itemsize, {}, 0))
    calls.frame(padded, source, axes.starts)
    run_all(calls.made)
    patches = windows(padded, axes).reshape(len(x), places, taps).transpose(1, 0, 2)
    order = (*range(2, 2 + 2 * len(axes)), 1, 0)  # (places, *kernel · C, out)
    product: Array = np.matmul(patches, weight.transpose(order).reshape(places, -1, len(weight)))
    out: Array = np.ascontiguousarray(product.transpose(1, 0, 2)).reshape(len(x), *counts, len(weight))
    if bias is not None:
        out += channels_last(bias[None])
    return channels_first(out), product.size * taps
