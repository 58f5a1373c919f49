"""Hyperbolic tangent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, NumPy


class Tanh(Elementwise):
    """``(e²ˣ − 1) / (e²ˣ + 1)``.

    Any shape, kept.  Flops per element: 1 product, 1 exp, 1 subtraction, 1 add, 1 division.
    """

    operations = 5
    example = Example("tanh", inputs=((6, 28, 28),), output=(6, 28, 28), flops=5 * 6 * 28 * 28)
    elsewhere = Elsewhere(torch="Tanh", onnx="Tanh", function="torch.tanh")

    def compute(self, np: NumPy, x: Array) -> Array:
        """Return ``tanh x``."""
        return np.tanh(x)
