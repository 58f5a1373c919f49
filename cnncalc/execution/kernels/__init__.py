"""The kernels, gathered into the one object that a layer's `forward` is given."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Literal

import numpy

from cnncalc.execution.kernels import convolution, dense, pooling, resizing, special, transposed
from cnncalc.execution.kernels.engine import Engine, channels_first, channels_last

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, Padding, Rounding, Sizes


class Kernels:
    """The operations of `cnncalc.layers.ops.Ops`, on NumPy arrays; that protocol documents each."""

    np: ModuleType = numpy

    def __init__(self, engine: Engine | None = None) -> None:
        """Work on `engine`, by default one of a single thread."""
        self.engine = engine or Engine()

    def conv(
        self, x: Array, weight: Array, bias: Array | None = None, *,
        stride: Sizes = 1, padding: Padding = 0, dilation: Sizes = 1, groups: int = 1,
    ) -> Array:  # fmt: skip
        """Cross-correlate."""
        return convolution.conv(self.engine, x, weight, bias, stride, padding, dilation, groups)

    def conv_transpose(
        self, x: Array, weight: Array, bias: Array | None = None, *, stride: Sizes = 1, padding: Padding = 0,
        output_padding: Sizes = 0, dilation: Sizes = 1, groups: int = 1,
    ) -> Array:  # fmt: skip
        """Scatter through filters."""
        return transposed.conv_transpose(
            self.engine, x, weight, bias, stride, padding, output_padding, dilation, groups
        )

    def locally_connected(
        self, x: Array, weight: Array, bias: Array | None = None, *,
        kernel_size: Sizes, stride: Sizes = 1, padding: Padding = 0, dilation: Sizes = 1,
    ) -> Array:  # fmt: skip
        """Convolve with a filter of its own at every place."""
        return dense.locally_connected(self.engine, x, weight, bias, kernel_size, stride, padding, dilation)

    def linear(self, x: Array, weight: Array, bias: Array | None = None, *, axis: int = -1) -> Array:
        """Multiply an axis by a matrix."""
        return dense.linear(self.engine, x, weight, bias, axis)

    def matmul(self, a: Array, b: Array) -> Array:
        """Multiply matrices."""
        return self.engine.multiply(a, b)

    def max_pool(
        self, x: Array, *, kernel_size: Sizes, stride: Sizes | None = None, padding: Padding = 0,
        dilation: Sizes = 1, rounding: Rounding = "floor",
    ) -> Array:  # fmt: skip
        """Take the largest of each window."""
        return pooling.max_pool(self.engine, x, kernel_size, stride, padding, dilation, rounding)

    def avg_pool(
        self, x: Array, *, kernel_size: Sizes, stride: Sizes | None = None, padding: Padding = 0,
        rounding: Rounding = "floor", count_include_pad: bool = True,
    ) -> Array:  # fmt: skip
        """Average each window."""
        return pooling.avg_pool(self.engine, x, kernel_size, stride, padding, rounding, count_include_pad)

    def lp_pool(
        self, x: Array, *, p: float, kernel_size: Sizes, stride: Sizes | None = None, padding: Padding = 0,
        rounding: Rounding = "floor",
    ) -> Array:  # fmt: skip
        """Take the p-norm of each window."""
        return pooling.lp_pool(self.engine, x, p, kernel_size, stride, padding, rounding)

    def adaptive_avg_pool(self, x: Array, *, output_size: int | Sequence[int | None] | None) -> Array:
        """Average bins."""
        return pooling.adaptive(x, output_size, numpy.mean)

    def adaptive_max_pool(self, x: Array, *, output_size: int | Sequence[int | None] | None) -> Array:
        """Take the largest of bins."""
        return pooling.adaptive(x, output_size, numpy.max)

    def pad(
        self, x: Array, padding: Sequence[tuple[int, int]], *,
        mode: Literal["constant", "reflect", "replicate", "circular"] = "constant", value: float = 0.0,
    ) -> Array:  # fmt: skip
        """Pad or crop."""
        return resizing.pad(x, padding, mode, value)

    def upsample(
        self, x: Array, *, size: Sizes | None = None, scale_factor: float | Sequence[float] | None = None,
        mode: Literal["nearest", "linear"] = "nearest", align_corners: bool = False,
    ) -> Array:  # fmt: skip
        """Resize."""
        return resizing.upsample(x, size, scale_factor, mode, align_corners)

    def concat(self, arrays: Sequence[Array], axis: int) -> Array:
        """Join."""
        if axis != 1 or arrays[0].ndim < 3 or len({array.shape[2:] for array in arrays}) > 1:
            return numpy.concatenate(arrays, axis)
        first, *others = map(channels_last, arrays)
        out = self.engine.extended(first, sum(other.shape[-1] for other in others))
        end = first.shape[-1]
        for other in others:
            self.engine.fill(out[..., end : end + other.shape[-1]], other, None)
            end += other.shape[-1]
        return channels_first(out)

    def erf(self, x: Array) -> Array:
        """Evaluate the error function."""
        return special.erf(x)
