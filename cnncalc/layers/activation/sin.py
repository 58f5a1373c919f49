"""Sine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, NumPy


class Sin(Elementwise):
    """``sin x``.  Any shape, kept.  Flops per element: 1 sine."""

    operations = 1
    example = Example("sin", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Sin", function="torch.sin")

    def compute(self, np: NumPy, x: Array) -> Array:
        """Return ``sin x``."""
        return np.sin(x)
