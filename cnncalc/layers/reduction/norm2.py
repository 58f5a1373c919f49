"""Length along axes."""

from __future__ import annotations

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, ModuleCall, NumPy, TensorCode, Torch
from cnncalc.layers.reduction._reduction import Reduction


class Norm2(Reduction):
    """Takes the root of the sum of squares along the given axes: the L2 norm.

    Any shape; the axes disappear, or stay with size 1.
    Flops for each set of n elements: n squares, n − 1 adds, 1 root.
    """

    torch_method = "norm"
    of_element = 2  # its square, and an add
    of_set = 1  # the root
    example = Example("norm2: {axis: channels}", inputs=((64, 7),), output=(7,), flops=7 * (64 + 63 + 1))
    elsewhere = Elsewhere(onnx="ReduceL2", compared=True)

    def reduce(self, np: NumPy, x: Array, axis: tuple[int, ...]) -> Array:
        """Return the length."""
        return np.sqrt((x * x).sum(axis=axis, keepdims=True))

    def torch_reduced(self, torch: Torch, x: TensorCode, over: list[int], keepdims: bool) -> ModuleCall:
        """Return PyTorch's function of vectors."""
        axes = over[0] if len(over) == 1 else tuple(over)
        return torch.call("torch.linalg.vector_norm", x, dim=axes, keepdim=torch.option(keepdims, False))
