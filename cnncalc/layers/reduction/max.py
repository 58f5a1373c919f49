"""Maximum along axes."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.reduction._reduction import Reduction
from cnncalc.layers.shapes import Shape

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, NumPy


class Max(Reduction):
    """Takes the largest of what lies along the given axes.

    Any shape; the axes disappear, or stay with size 1.  Flops for each set of n elements: n − 1 comparisons.
    """

    torch_method = "amax"
    example = Example("max: {axis: channels, keepdims: true}", inputs=((64, 7, 7),), output=(1, 7, 7), flops=49 * 63)
    of_several = "'maximum'"
    elsewhere = Elsewhere(onnx="ReduceMax", others="amax reduce_max")

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One for each element but the first."""
        return prod(output) * (self.members(inputs[0]) - 1)

    def reduce(self, np: NumPy, x: Array, axis: tuple[int, ...]) -> Array:
        """Return the largest."""
        return np.max(x, axis=axis, keepdims=True)
