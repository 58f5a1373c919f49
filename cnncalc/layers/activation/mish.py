"""Mish."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise, softplus
from cnncalc.layers.activation.tanh import Tanh
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops


class Mish(Elementwise):
    """``x · tanh(log(1 + eˣ))`` (Misra 2019, arXiv:1908.08681).

    Any shape, kept.  Flops per element: 1 exp, 1 add, 1 log, a tanh of 5, 1 product.
    """

    operations = 3 + Tanh.operations + 1
    sums = True
    example = Example("mish", inputs=((32, 608, 608),), output=(32, 608, 608), flops=9 * 32 * 608 * 608)
    elsewhere = Elsewhere(torch="Mish", onnx="Mish", function="F.mish", compared=True)

    def compute(self, ops: Ops, x: Array) -> Array:
        """Return ``x · tanh(log(1 + eˣ))``."""
        return x * ops.tanh(softplus(ops.np, x))

    def to_onnx(self, onnx: Onnx) -> str:
        """Mish, or its primitives before opset 18."""
        if onnx.opset >= 18:
            return onnx.node("Mish", onnx.x)
        return onnx.node("Mul", onnx.x, onnx.node("Tanh", onnx.node("Softplus", onnx.x)))
