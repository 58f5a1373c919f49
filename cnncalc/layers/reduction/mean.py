"""Mean along axes."""

from __future__ import annotations

from math import prod

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.reduction._reduction import Reduction
from cnncalc.layers.shapes import Shape


class Mean(Reduction):
    """Averages the elements along the given axes.

    Any shape; the axes disappear, or stay with size 1.  Flops for each set of n elements: n − 1 adds, 1 division.
    """

    ufunc = "mean"
    torch_method = "mean"
    sums = True
    example = Example("mean: {axis: [1, 2]}", inputs=((64, 7, 7),), output=(64,), flops=64 * 49)
    of_several = "'add', with 'affine: {mul: …}' behind it"
    elsewhere = Elsewhere(onnx="ReduceMean", others="reduce_mean", compared=True)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One for each element that is summed, the division counting for the first."""
        return prod(output) * (self.members(inputs[0]) - 1 + 1)
