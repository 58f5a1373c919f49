"""Hyperbolic tangent."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Ops


class Tanh(Elementwise):
    """``(e²ˣ − 1) / (e²ˣ + 1)``.

    Any shape, kept.  Flops per element: 1 product, 1 exp, 1 subtraction, 1 add, 1 division.
    """

    operations = 5
    example = Example("tanh", inputs=((6, 28, 28),), output=(6, 28, 28), flops=5 * 6 * 28 * 28)
    elsewhere = Elsewhere(torch="Tanh", onnx="Tanh", function="torch.tanh", compared=True)

    def compute(self, ops: Ops, x: Array) -> Array:
        """Return the hyperbolic tangent."""
        return ops.tanh(x)
