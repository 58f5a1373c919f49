"""Scaled exponential linear unit."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Ops

SCALE = 1.0507009873554804934193349852946  # λ and α of the paper's equation 14
ALPHA = 1.6732632423543772848170429916717


class SELU(Elementwise):
    """``λ · x`` above 0, ``λ · α · (eˣ − 1)`` below (Klambauer et al. 2017, arXiv:1706.02515).

    Any shape, kept.  Flops per element: 1 comparison, 1 exp, 1 subtraction, 2 products.
    """

    operations = 5
    example = Example("selu", inputs=((256,),), output=(256,), flops=5 * 256)
    elsewhere = Elsewhere(torch="SELU", onnx="Selu", function="F.selu", compared=True)

    def compute(self, ops: Ops, x: Array) -> Array:
        """Return ``λ · x`` or ``λ · α · (eˣ − 1)``; no exp of a positive number, which could overflow."""
        np = ops.np
        return SCALE * np.where(x > 0, x, ALPHA * np.expm1(np.minimum(x, 0)))
