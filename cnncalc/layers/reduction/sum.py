"""Sum along axes."""

from __future__ import annotations

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.reduction._reduction import Reduction


class Sum(Reduction):
    """Adds up the elements along the given axes.

    Any shape; the axes disappear, or stay with size 1.  Flops for each set of n elements: n − 1 adds.
    """

    ufunc = "sum"
    torch_method = "sum"
    sums = True
    example = Example("sum: {axis: [1, 2]}", inputs=((64, 7, 7),), output=(64,), flops=64 * 48)
    of_several = "'add'"
    elsewhere = Elsewhere(onnx="ReduceSum", others="reduce_sum", compared=True)
