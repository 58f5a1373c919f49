"""Magnitude."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example


class Abs(Elementwise):
    """``|x|``.  Any shape, kept.  Flops per element: 1 comparison."""

    ufunc = "abs"
    example = Example("abs", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Abs", others="absolute AbsVal", function="torch.abs", compared=True)
