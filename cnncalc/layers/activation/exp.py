"""Exponential."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example


class Exp(Elementwise):
    """``eˣ``.  Any shape, kept.  Flops per element: 1 exp."""

    ufunc = "exp"
    example = Example("exp", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Exp", function="torch.exp", compared=True)
