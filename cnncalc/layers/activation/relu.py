"""Rectified linear unit."""

from __future__ import annotations

from math import inf

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example


class ReLU(Elementwise):
    """``max(x, 0)`` (Nair and Hinton 2010).  Any shape, kept.  Flops per element: 1 comparison."""

    example = Example("relu", inputs=((64, 112, 112),), output=(64, 112, 112), flops=64 * 112 * 112)
    elsewhere = Elsewhere(
        torch="ReLU",
        keras="ReLU",
        onnx="Relu",
        others="rectifier rectified_linear",
        function="F.relu",
        compared=True,
    )

    def clamps(self) -> tuple[float, float]:
        """Return the bounds."""
        return 0.0, inf
