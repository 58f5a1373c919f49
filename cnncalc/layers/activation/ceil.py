"""Rounding up."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example


class Ceil(Elementwise):
    """``⌈x⌉``, the least integer that is not below.  Any shape, kept.  Flops per element: 1 rounding."""

    ufunc = "ceil"
    example = Example("ceil", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Ceil", function="torch.ceil", compared=True)
