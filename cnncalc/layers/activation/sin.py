"""Sine."""

from __future__ import annotations

from typing import Any

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example


class Sin(Elementwise):
    """``sin x``.  Any shape, kept.  Flops per element: 1 sine."""

    operations = 1
    example = Example("sin", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Sin")

    def compute(self, np: Any, x: Any) -> Any:
        """Return ``sin x``."""
        return np.sin(x)
