"""Exponential linear unit."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.arguments import argument, number
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Ops


class ELU(Elementwise):
    """``x`` above 0, ``α · (eˣ − 1)`` below (Clevert et al. 2015, arXiv:1511.07289).

    Any shape, kept.  Flops per element: 1 comparison, 1 exp, 1 subtraction, 1 product.
    """

    operations = 4

    alpha = argument(number, "α: the output approaches −α for large negative inputs", 1.0)

    example = Example("elu", inputs=((64, 32, 32),), output=(64, 32, 32), flops=4 * 64 * 32 * 32)
    elsewhere = Elsewhere(
        torch="ELU(alpha)", keras="ELU(alpha)", onnx="Elu(alpha)", function="F.elu(alpha)", compared=True
    )

    def compute(self, ops: Ops, x: Array) -> Array:
        """Return ``x`` or ``α · (eˣ − 1)``; no exp of a positive number, which could overflow."""
        np = ops.np
        return np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))
