"""Rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, NumPy


class Round(Elementwise):
    """The nearest integer, the even one of two that are as near.  Any shape, kept.  Flops per element: 1 rounding."""

    operations = 1
    example = Example("round", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Round", function="torch.round")

    def compute(self, np: NumPy, x: Array) -> Array:
        """Return the nearest integer."""
        return np.rint(x)
