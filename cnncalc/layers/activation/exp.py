"""Exponential."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, NumPy


class Exp(Elementwise):
    """``eˣ``.  Any shape, kept.  Flops per element: 1 exp."""

    operations = 1
    example = Example("exp", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Exp", function="torch.exp")

    def compute(self, np: NumPy, x: Array) -> Array:
        """Return ``eˣ``."""
        return np.exp(x)
