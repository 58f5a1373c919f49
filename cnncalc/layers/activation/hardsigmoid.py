"""Piecewise linear sigmoid."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops


class HardSigmoid(Elementwise):
    """``min(max(x + 3, 0), 6) / 6`` (Howard et al. 2019, arXiv:1905.02244).

    Any shape, kept.  Flops per element: 1 add, 2 comparisons, 1 division.
    """

    operations = 4
    example = Example("hardsigmoid", inputs=((72, 1, 1),), output=(72, 1, 1), flops=4 * 72)
    elsewhere = Elsewhere(
        torch="Hardsigmoid",
        onnx="HardSigmoid",
        others="hsigmoid h_sigmoid",
        function="F.hardsigmoid",
        compared=True,
    )

    def compute(self, ops: Ops, x: Array) -> Array:
        """Return ``min(max(x + 3, 0), 6) / 6``."""
        return ops.hardsigmoid(x)

    def to_onnx(self, onnx: Onnx) -> str:
        """HardSigmoid with slope 1/6; ONNX's default slope is 0.2."""
        return onnx.node("HardSigmoid", onnx.x, alpha=1 / 6, beta=0.5)
