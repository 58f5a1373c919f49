"""Cosine."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example


class Cos(Elementwise):
    """``cos x``.  Any shape, kept.  Flops per element: 1 cosine."""

    ufunc = "cos"
    example = Example("cos", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Cos", function="torch.cos", compared=True)
