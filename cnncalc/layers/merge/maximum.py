"""Elementwise maximum."""

from __future__ import annotations

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.merge._elementwise import ElementwiseMerge


class Maximum(ElementwiseMerge):
    """Takes the larger of its inputs, element by element, as maxout does.

    Two inputs or more of equal shape, or 1 on an axis (Goodfellow et al. 2013, arXiv:1302.4389).
    Flops: 1 comparison per output element and merged pair.
    """

    ufunc = "maximum"
    onnx_of_many = "Max"

    example = Example("maximum", inputs=((32, 8, 8), (32, 8, 8), (32, 8, 8)), output=(32, 8, 8), flops=2 * 32 * 8 * 8)
    elsewhere = Elsewhere(
        keras="Maximum",
        onnx="Max",
        others="maxout elementwise_max eltwise_max",
        function="torch.maximum",
        compared=True,
    )
