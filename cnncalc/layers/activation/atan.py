"""Arctangent."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example


class Atan(Elementwise):
    """``arctan(x)``.  Any shape, kept.  Flops per element: 1, as exp and log."""

    ufunc = "arctan"
    example = Example("atan", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Atan", others="arctan", function="torch.atan", compared=True)
