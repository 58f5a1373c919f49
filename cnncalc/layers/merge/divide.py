"""Elementwise quotient."""

from __future__ import annotations

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.merge._elementwise import ElementwiseMerge


class Divide(ElementwiseMerge):
    """Divides its first input by its second, element by element.

    Two inputs of equal shape, or 1 on an axis.  Flops: 1 division per output element.
    """

    arity = (2, 2)
    ufunc = "divide"

    example = Example("divide", inputs=((64, 28, 28), (64, 1, 1)), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Div", others="div true_divide", function="/", compared=True)
