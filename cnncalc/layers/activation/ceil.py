"""Rounding up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, NumPy


class Ceil(Elementwise):
    """``⌈x⌉``, the least integer that is not below.  Any shape, kept.  Flops per element: 1 rounding."""

    operations = 1
    example = Example("ceil", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Ceil", function="torch.ceil")

    def compute(self, np: NumPy, x: Array) -> Array:
        """Return ``⌈x⌉``."""
        return np.ceil(x)
