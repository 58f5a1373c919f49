"""The base class of layers that only move elements."""

from __future__ import annotations

from cnncalc.layers.base import Layer
from cnncalc.layers.shapes import Shape


class Movement(Layer):
    """Moves elements and computes nothing.  Flops: 0."""

    kind = "shape"
    moves_only = True

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Zero: elements are only moved."""
        return 0
