"""Negation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, NumPy
    from cnncalc.layers.pytorch import Flow, Torch


class Neg(Elementwise):
    """``−x``.  Any shape, kept.  Flops per element: 1 negation."""

    operations = 1
    example = Example("neg", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Neg", others="negative")

    def compute(self, np: NumPy, x: Array) -> Array:
        """Return ``−x``."""
        return -x

    def to_torch(self, flow: Flow) -> Torch:
        """A minus."""
        from cnncalc.layers.pytorch import Torch, X, call

        return Torch(call("neg", X))
