"""Where the maximum is."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.reduction._reduction import Reduction
from cnncalc.layers.shapes import Shape


class Argmax(Reduction):
    """Gives the index of the largest element along one axis, the first of equal ones.

    Any shape; the axis disappears, or stays with size 1.  Flops for each set of n elements: n − 1 comparisons.
    """

    example = Example("argmax: channels", inputs=((21, 32, 32),), output=(32, 32), flops=32 * 32 * 20)
    elsewhere = Elsewhere(onnx="ArgMax")

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One for each element but the first."""
        return prod(output) * (self.members(inputs[0]) - 1)

    def reduce(self, np: Any, x: Any, axis: tuple[int, ...]) -> Any:
        """Return the index, as a number of the input's type."""
        kept = [i for i in range(x.ndim) if i not in axis]
        lines = x.transpose(*kept, *axis).reshape(*[x.shape[i] for i in kept], -1)
        shape = [1 if i in axis else size for i, size in enumerate(x.shape)]
        return lines.argmax(axis=-1).reshape(shape).astype(x.dtype)
