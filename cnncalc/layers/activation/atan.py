"""Arctangent."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, NumPy


class Atan(Elementwise):
    """``arctan(x)``.  Any shape, kept.  Flops per element: 1, as exp and log."""

    example = Example("atan", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Atan", others="arctan", function="torch.atan", compared=True)

    def compute(self, np: NumPy, x: Array) -> Array:
        """Return the angle between −π/2 and π/2."""
        return np.arctan(x)
