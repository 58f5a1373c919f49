"""Piecewise form of swish."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops


class HardSwish(Elementwise):
    """``x · min(max(x + 3, 0), 6) / 6`` (Howard et al. 2019, arXiv:1905.02244).

    Any shape, kept.  Flops per element: 1 add, 2 comparisons, 1 product, 1 division.
    """

    operations = 5
    example = Example("hardswish", inputs=((16, 112, 112),), output=(16, 112, 112), flops=5 * 16 * 112 * 112)
    elsewhere = Elsewhere(
        torch="Hardswish", onnx="HardSwish", others="hswish h_swish", function="F.hardswish", compared=True
    )

    def compute(self, ops: Ops, x: Array) -> Array:
        """Return ``x · min(max(x + 3, 0), 6) / 6``."""
        return x * ops.hardsigmoid(x)

    def to_onnx(self, onnx: Onnx) -> str:
        """HardSwish, or its primitives before opset 14."""
        if onnx.opset >= 14:
            return onnx.node("HardSwish", onnx.x)
        return onnx.node("Mul", onnx.x, onnx.node("HardSigmoid", onnx.x, alpha=1 / 6, beta=0.5))
