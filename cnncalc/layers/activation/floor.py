"""Rounding down."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example


class Floor(Elementwise):
    """``⌊x⌋``, the greatest integer that is not above.  Any shape, kept.  Flops per element: 1 rounding."""

    ufunc = "floor"
    example = Example("floor", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Floor", function="torch.floor", compared=True)
