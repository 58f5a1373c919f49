"""Elementwise difference."""

from __future__ import annotations

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.merge._elementwise import ElementwiseMerge


class Subtract(ElementwiseMerge):
    """Subtracts its second input from its first, element by element.

    Two inputs of equal shape, or 1 on an axis.  Flops: 1 subtraction per output element.
    """

    arity = (2, 2)
    ufunc = "subtract"

    example = Example("subtract", inputs=((1, 40, 40), (1, 40, 40)), output=(1, 40, 40), flops=40 * 40)
    elsewhere = Elsewhere(
        keras="Subtract",
        onnx="Sub",
        others="minus difference elemwise_sub broadcast_sub",
        function="-",
        compared=True,
    )
