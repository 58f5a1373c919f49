"""Negation."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example


class Neg(Elementwise):
    """``−x``.  Any shape, kept.  Flops per element: 1 negation."""

    ufunc = "negative"
    example = Example("neg", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Neg", others="negative", function="neg", compared=True)
