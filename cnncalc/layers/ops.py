"""The interface for a layer's `forward`: the tensor operations.

Every array is *logically* channels first, (N, C, *spatial) or (N, F), in any memory order (the executor keeps feature
maps channels last). Elementwise work is done with plain NumPy; operations that need a kernel are here. No operation
receives an output shape: shapes follow from the arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array: TypeAlias = npt.NDArray[np.floating[Any]]
    DType: TypeAlias = np.dtype[np.floating[Any]]

Sizes: TypeAlias = int | tuple[int, ...]
"""One number for all spatial axes, or one per axis."""

Padding: TypeAlias = Literal["same", "valid"] | int | tuple[int, ...] | tuple[tuple[int, int], ...]
"""As in a spec: `same`, `valid`, one number, one per axis, or (before, after) per axis."""

Rounding: TypeAlias = Literal["floor", "ceil", "caffe"]
"""`floor`: only windows completely inside the padded input. `ceil` (PyTorch's ceil_mode), `caffe`: also one that
overhangs the end, if it starts in the input or in the padding before it.
"""

Pooling: TypeAlias = Literal["max", "avg", "lp"]
"""How a window becomes one number: its largest element, its mean, or its p-norm."""


class NumPy(Protocol):
    """NumPy itself, typed; layers get it as an argument, so that counting does not import it."""

    def __getattr__(self, name: str) -> Callable[..., Array]: ...


class Ops(Protocol):
    """The operations on tensors that layers are made of."""

    np: NumPy
    """NumPy itself."""

    def conv(
        self, x: Array, weight: Array, bias: Array | None = None, *,
        stride: Sizes = 1, padding: Padding = 0, dilation: Sizes = 1, groups: int = 1,
    ) -> Array:  # fmt: skip
        """Cross-correlate (N, C, *in) with weight (out, C / groups, *kernel) to (N, out, *out)."""

    def conv_transpose(
        self, x: Array, weight: Array, bias: Array | None = None, *, stride: Sizes = 1, padding: Padding = 0,
        output_padding: Sizes = 0, dilation: Sizes = 1, groups: int = 1,
    ) -> Array:  # fmt: skip
        """Scatter (N, C, *in) through weight (C, out / groups, *kernel) to (N, out, *out).

        `same` gives in · stride.
        """

    def locally_connected(
        self, x: Array, weight: Array, bias: Array | None = None, *,
        kernel_size: Sizes, stride: Sizes = 1, padding: Padding = 0, dilation: Sizes = 1,
    ) -> Array:  # fmt: skip
        """Convolve with a filter for each place: weight (out, C, *places, *kernel_size), bias (out, *places)."""

    def linear(self, x: Array, weight: Array, bias: Array | None = None, *, axis: int = -1) -> Array:
        """Multiply `axis` of x (batch counted) by weight (out_features, in_features)."""

    def matmul(self, a: Array, b: Array) -> Array:
        """Multiply matrices as `np.matmul`, counted as a contraction."""

    def pool(
        self, x: Array, kind: Pooling, *, kernel_size: Sizes, stride: Sizes | None = None, padding: Padding = 0,
        dilation: Sizes = 1, rounding: Rounding = "floor", of: float | bool = True,
    ) -> Array:  # fmt: skip
        """Take one number of each window of (N, C, *in); `stride` defaults to `kernel_size`.

        `max` is the largest element; padding never wins.  `avg` is the mean: its divisor counts the padding unless `of`
        is False, but never elements beyond the padded input.  `lp` is (Σ xᵖ)^(1/p) with p = `of`; nan for undefined
        powers and roots of negatives.
        """

    def adaptive_pool(self, x: Array, kind: Pooling, *, output_size: int | Sequence[int | None] | None) -> Array:
        """Take `max` or `avg` of bins floor(i·in/out) … ceil((i+1)·in/out) of each spatial axis; None keeps an axis."""

    def concat(self, arrays: Sequence[Array], axis: int) -> Array:
        """Join along `axis` (batch counted)."""

    def erf(self, x: Array) -> Array:
        """Evaluate the error function, to the precision of x's dtype."""

    def sigmoid(self, x: Array) -> Array:
        """Evaluate 1 / (1 + e⁻ˣ)."""

    def hardsigmoid(self, x: Array) -> Array:
        """Evaluate min(max(x + 3, 0), 6) / 6."""

    def tanh(self, x: Array) -> Array:
        """Evaluate the hyperbolic tangent."""
