"""Sigmoid linear unit, also known as swish."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops


class SiLU(Elementwise):
    """``x / (1 + e⁻ˣ)``, also known as swish (Ramachandran et al. 2017, arXiv:1710.05941).

    Any shape, kept.  Flops per element: 1 negation, 1 exp, 1 add, 1 division (the sigmoid), 1 product.
    """

    operations = 5
    sums = True
    example = Example("silu", inputs=((32, 112, 112),), output=(32, 112, 112), flops=5 * 32 * 112 * 112)
    elsewhere = Elsewhere(torch="SiLU", onnx="Swish", function="F.silu", compared=True)

    def compute(self, ops: Ops, x: Array) -> Array:
        """Return ``x · sigmoid(x)``."""
        return x * ops.sigmoid(x)

    def to_onnx(self, onnx: Onnx) -> str:
        """Two operators; most runtimes don't have Swish yet."""
        return onnx.node("Mul", onnx.x, onnx.node("Sigmoid", onnx.x))
