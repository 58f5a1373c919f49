"""Softsign."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Ops


class Softsign(Elementwise):
    """``x / (1 + |x|)``.  Any shape, kept.  Flops per element: 1 comparison, 1 add, 1 division."""

    operations = 3
    example = Example("softsign", inputs=((64, 28, 28),), output=(64, 28, 28), flops=3 * 64 * 28 * 28)
    elsewhere = Elsewhere(torch="Softsign", onnx="Softsign", function="F.softsign", compared=True)

    def compute(self, ops: Ops, x: Array) -> Array:
        """Return ``x / (1 + |x|)``."""
        return x / (1 + ops.np.abs(x))
