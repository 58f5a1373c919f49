"""Minimum along axes."""

from __future__ import annotations

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.reduction._reduction import Reduction


class Min(Reduction):
    """Takes the smallest element along the given axes.

    Any shape; the axes disappear, or stay with size 1.  Flops for each set of n elements: n − 1 comparisons.
    """

    ufunc = "min"
    torch_method = "amin"
    example = Example("min: {axis: channels, keepdims: true}", inputs=((64, 7, 7),), output=(1, 7, 7), flops=49 * 63)
    of_several = "'minimum'"
    elsewhere = Elsewhere(onnx="ReduceMin", others="amin reduce_min", compared=True)
