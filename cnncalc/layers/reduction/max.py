"""Maximum along axes."""

from __future__ import annotations

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.reduction._reduction import Reduction


class Max(Reduction):
    """Takes the largest element along the given axes.

    Any shape; the axes disappear, or stay with size 1.  Flops for each set of n elements: n − 1 comparisons.
    """

    ufunc = "max"
    torch_method = "amax"
    example = Example("max: {axis: channels, keepdims: true}", inputs=((64, 7, 7),), output=(1, 7, 7), flops=49 * 63)
    of_several = "'maximum'"
    elsewhere = Elsewhere(onnx="ReduceMax", others="amax reduce_max", compared=True)
