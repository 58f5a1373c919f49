"""Sum of magnitudes along axes."""

from __future__ import annotations

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, ModuleCall, NumPy, TensorCode, Torch
from cnncalc.layers.reduction._reduction import Reduction


class Norm1(Reduction):
    """Adds up the magnitudes along the given axes: the L1 norm.

    Any shape; the axes disappear, or stay with size 1.  Flops for each set of n elements: n magnitudes, n − 1 adds.
    """

    torch_method = "sum"
    of_element = 2  # its magnitude, and an add
    example = Example("norm1: {axis: channels}", inputs=((64, 7),), output=(7,), flops=7 * (64 + 63))
    elsewhere = Elsewhere(onnx="ReduceL1", compared=True)

    def reduce(self, np: NumPy, x: Array, axis: tuple[int, ...]) -> Array:
        """Return the sum of magnitudes."""
        return np.sum(np.abs(x), axis=axis, keepdims=True)

    def torch_reduced(self, torch: Torch, x: TensorCode, over: list[int], keepdims: bool) -> ModuleCall:
        """Return the sum of magnitudes."""
        return super().torch_reduced(torch, torch.call(".abs", x), over, keepdims)
