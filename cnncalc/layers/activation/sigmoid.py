"""Logistic sigmoid."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Ops


class Sigmoid(Elementwise):
    """``1 / (1 + e⁻ˣ)``.  Any shape, kept.  Flops per element: 1 negation, 1 exp, 1 add, 1 division."""

    operations = 4
    example = Example("sigmoid", inputs=((96, 1, 1),), output=(96, 1, 1), flops=4 * 96)
    elsewhere = Elsewhere(torch="Sigmoid", onnx="Sigmoid", others="logistic", function="torch.sigmoid", compared=True)

    def terms(self, largest: Sequence[float]) -> float:
        """Return 1, the function's range."""
        return 1.0

    def compute(self, ops: Ops, x: Array) -> Array:
        """Return ``1 / (1 + e⁻ˣ)``."""
        return ops.sigmoid(x)
