"""Rounding towards zero."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Onnx


class Trunc(Elementwise):
    """The integer part of ``x``, as a conversion to integers gives it.  Any shape, kept.

    Flops per element: 1 rounding.
    """

    ufunc = "trunc"
    example = Example("trunc", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(function="torch.trunc", compared=True)

    def to_onnx(self, onnx: Onnx) -> str:
        """The sign times the magnitude, rounded down."""
        return onnx.node("Mul", onnx.node("Sign", onnx.x), onnx.node("Floor", onnx.node("Abs", onnx.x)))
