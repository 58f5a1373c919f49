"""Elementwise sum."""

from __future__ import annotations

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.merge._elementwise import ElementwiseMerge


class Add(ElementwiseMerge):
    """Adds its inputs element by element, as the shortcut of a residual block does.

    Two inputs or more of equal shape, or 1 on an axis (He et al. 2015, arXiv:1512.03385).
    Flops: 1 add per output element and merged pair.
    """

    ufunc = "add"
    onnx_of_many = "Sum"

    example = Example("add", inputs=((256, 56, 56), (256, 56, 56)), output=(256, 56, 56), flops=256 * 56 * 56)
    elsewhere = Elsewhere(
        keras="Add",
        onnx="Add",
        others="plus elementwise_add eltwise_add elemwise_add broadcast_add ElementWiseSum add_n",
        function="+",
        compared=True,
    )
