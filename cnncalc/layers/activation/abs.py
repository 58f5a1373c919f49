"""Magnitude."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, NumPy


class Abs(Elementwise):
    """``|x|``.  Any shape, kept.  Flops per element: 1 comparison."""

    operations = 1
    example = Example("abs", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Abs", others="absolute AbsVal", function="torch.abs")

    def compute(self, np: NumPy, x: Array) -> Array:
        """Return ``|x|``."""
        return np.abs(x)
