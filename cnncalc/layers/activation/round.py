"""Rounding."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example


class Round(Elementwise):
    """The nearest integer; ties go to the even one.  Any shape, kept.  Flops per element: 1 rounding."""

    ufunc = "rint"
    example = Example("round", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Round", function="torch.round", compared=True)
