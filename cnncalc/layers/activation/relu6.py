"""Rectified linear unit that saturates at 6."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Onnx


class ReLU6(Elementwise):
    """``min(max(x, 0), 6)`` (Krizhevsky 2010).  Any shape, kept.  Flops per element: 2 comparisons."""

    stem = "relu"  # relu61 would be read as the sixty-first relu
    operations = 2
    example = Example("relu6", inputs=((32, 112, 112),), output=(32, 112, 112), flops=2 * 32 * 112 * 112)
    elsewhere = Elsewhere(torch="ReLU6", function="F.relu6", compared=True)

    def clamps(self) -> tuple[float, float]:
        """Return the bounds."""
        return 0.0, 6.0

    def to_onnx(self, onnx: Onnx) -> str:
        """Clip."""
        from cnncalc.layers.onnx import clipped

        return clipped(onnx, *self.clamps())
