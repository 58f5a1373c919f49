"""Reciprocal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, NumPy


class Reciprocal(Elementwise):
    """``1 / x``.  Any shape, kept.  Flops per element: 1 division."""

    operations = 1
    example = Example("reciprocal", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Reciprocal", function="torch.reciprocal")

    def compute(self, np: NumPy, x: Array) -> Array:
        """Return ``1 / x``."""
        return 1 / x
