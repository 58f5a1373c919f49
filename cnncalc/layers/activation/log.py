"""Natural logarithm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, NumPy


class Log(Elementwise):
    """``log x``, to the base e.  Any shape, kept.  Flops per element: 1 log."""

    operations = 1
    example = Example("log", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Log", function="torch.log")

    def compute(self, np: NumPy, x: Array) -> Array:
        """Return ``log x``."""
        return np.log(x)
