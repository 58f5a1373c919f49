"""Square root."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example


class Sqrt(Elementwise):
    """``√x``.  Any shape, kept.  Flops per element: 1 root."""

    ufunc = "sqrt"
    example = Example("sqrt", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Sqrt", function="torch.sqrt", compared=True)
