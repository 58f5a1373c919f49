"""Piecewise linear tanh."""

from __future__ import annotations

from typing import Any

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.arguments import LayerError, argument, number
from cnncalc.layers.base import Elsewhere, Example


class HardTanh(Elementwise):
    """``min(max(x, min_val), max_val)``.  Any shape, kept.  Flops per element: 2 comparisons."""

    operations = 2

    min_val = argument(number, "the least value", -1.0)
    max_val = argument(number, "the greatest value", 1.0)

    example = Example("hardtanh", inputs=((64, 16, 16),), output=(64, 16, 16), flops=2 * 64 * 16 * 16)
    elsewhere = Elsewhere(
        torch="Hardtanh(min_val, max_val)",
        onnx="Clip(min=min_val, max=max_val)",
        others="clamp ClipByValue",
    )

    def check(self) -> None:
        """Refuse bounds in the wrong order."""
        if self.min_val >= self.max_val:
            raise LayerError(
                f"min_val = {self.min_val:g} is not less than max_val = {self.max_val:g}",
                argument="min_val",
                hint="the usual bounds are -1 and 1",
            )

    def clamps(self) -> tuple[float, float]:
        """Return the bounds."""
        return self.min_val, self.max_val

    def compute(self, np: Any, x: Any) -> Any:
        """Return ``min(max(x, min_val), max_val)``."""
        return np.clip(x, self.min_val, self.max_val)
