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
        """Convolve with a separate filter at every place. weight is (out, C, *out_spatial, *kernel_size) and bias (out,
        *out_spatial).
        """

    def linear(self, x: Array, weight: Array, bias: Array | None = None, *, axis: int = -1) -> Array:
        """Multiply `axis` of x (batch counted) by weight (out_features, in_features)."""

    def matmul(self, a: Array, b: Array) -> Array:
        """Multiply matrices as `np.matmul`, counted as a contraction."""

    def max_pool(
        self, x: Array, *, kernel_size: Sizes, stride: Sizes | None = None, padding: Padding = 0,
        dilation: Sizes = 1, rounding: Rounding = "floor",
    ) -> Array:  # fmt: skip
        """Take the largest of each window of (N, C, *in); padding never wins.

        `stride` defaults to `kernel_size`.
        """

    def avg_pool(
        self, x: Array, *, kernel_size: Sizes, stride: Sizes | None = None, padding: Padding = 0,
        rounding: Rounding = "floor", count_include_pad: bool = True,
    ) -> Array:  # fmt: skip
        """Average each window of (N, C, *in).

        With `count_include_pad` the divisor counts the padding, but never elements beyond the padded input.
        """

    def lp_pool(
        self, x: Array, *, p: float, kernel_size: Sizes, stride: Sizes | None = None, padding: Padding = 0,
        rounding: Rounding = "floor",
    ) -> Array:  # fmt: skip
        """Take (Σ xᵖ)^(1/p) of each window of (N, C, *in); nan for undefined powers and roots of negatives."""

    def adaptive_avg_pool(self, x: Array, *, output_size: int | Sequence[int | None] | None) -> Array:
        """Average over bins floor(i·in/out) … ceil((i+1)·in/out) of each spatial axis; None keeps an axis."""

    def adaptive_max_pool(self, x: Array, *, output_size: int | Sequence[int | None] | None) -> Array:
        """Like `adaptive_avg_pool`, with the largest element of each bin."""

    def concat(self, arrays: Sequence[Array], axis: int) -> Array:
        """Join along `axis` (batch counted)."""

    def erf(self, x: Array) -> Array:
        """Evaluate the error function, to the precision of x's dtype."""
