"""Sine."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example


class Sin(Elementwise):
    """``sin x``.  Any shape, kept.  Flops per element: 1 sine."""

    ufunc = "sin"
    example = Example("sin", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Sin", function="torch.sin", compared=True)
