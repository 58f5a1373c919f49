"""Natural logarithm."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example


class Log(Elementwise):
    """``log x``, to the base e.  Any shape, kept.  Flops per element: 1 log."""

    ufunc = "log"
    example = Example("log", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Log", function="torch.log", compared=True)
