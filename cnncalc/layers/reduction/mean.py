"""Mean along axes."""

from __future__ import annotations

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.reduction._reduction import Reduction


class Mean(Reduction):
    """Averages the elements along the given axes.

    Any shape; the axes disappear, or stay with size 1.  Flops for each set of n elements: n − 1 adds, 1 division.
    """

    ufunc = "mean"
    torch_method = "mean"
    of_set = 1  # the division
    sums = True
    example = Example("mean: {axis: [1, 2]}", inputs=((64, 7, 7),), output=(64,), flops=64 * 49)
    of_several = "'add', with 'affine: {mul: …}' behind it"
    elsewhere = Elsewhere(onnx="ReduceMean", others="reduce_mean", compared=True)
