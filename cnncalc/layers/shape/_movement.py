"""The base class of layers that only move elements."""

from __future__ import annotations

from cnncalc.layers.base import Layer


class Movement(Layer):
    """Moves elements and computes nothing.  Flops: 0."""

    kind = "shape"
    moves_only = True
    operations = 0
