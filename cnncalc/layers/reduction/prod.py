"""Product along axes."""

from __future__ import annotations

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import ModuleCall, TensorCode, Torch
from cnncalc.layers.reduction._reduction import Reduction


class Prod(Reduction):
    """Multiplies the elements along the given axes.

    Any shape; the axes disappear, or stay with size 1.  Flops for each set of n elements: n − 1 products.
    """

    ufunc = "prod"
    torch_method = "prod"
    example = Example("prod: {axis: -1}", inputs=((64, 7),), output=(64,), flops=64 * 6)
    of_several = "'multiply'"
    elsewhere = Elsewhere(onnx="ReduceProd", others="reduce_prod", compared=True)

    def torch_reduced(self, torch: Torch, x: TensorCode, over: list[int], keepdims: bool) -> ModuleCall:
        """Return PyTorch's method along one axis after the other, from the last."""
        for axis in over[::-1]:
            product = super().torch_reduced(torch, x, [axis], keepdims)
            x = product
        return product
