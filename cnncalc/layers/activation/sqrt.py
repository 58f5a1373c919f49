"""Square root."""

from __future__ import annotations

from typing import Any

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example


class Sqrt(Elementwise):
    """``√x``.  Any shape, kept.  Flops per element: 1 root."""

    operations = 1
    example = Example("sqrt", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Sqrt")

    def compute(self, np: Any, x: Any) -> Any:
        """Return ``√x``."""
        return np.sqrt(x)
