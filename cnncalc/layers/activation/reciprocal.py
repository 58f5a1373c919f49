"""Reciprocal."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example


class Reciprocal(Elementwise):
    """``1 / x``.  Any shape, kept.  Flops per element: 1 division."""

    ufunc = "reciprocal"
    example = Example("reciprocal", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Reciprocal", function="torch.reciprocal", compared=True)
