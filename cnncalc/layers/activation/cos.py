"""Cosine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, NumPy


class Cos(Elementwise):
    """``cos x``.  Any shape, kept.  Flops per element: 1 cosine."""

    operations = 1
    example = Example("cos", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Cos", function="torch.cos")

    def compute(self, np: NumPy, x: Array) -> Array:
        """Return ``cos x``."""
        return np.cos(x)
