"""What layers that only move elements have in common."""

from __future__ import annotations

from cnncalc.layers.base import Layer, Shape


class Movement(Layer):
    """Moves elements and computes nothing.  Flops: 0."""

    kind = "shape"

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """None: elements are only moved."""
        return 0
