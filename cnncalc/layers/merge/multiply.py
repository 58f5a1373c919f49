"""Elementwise product."""

from __future__ import annotations

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.merge._elementwise import ElementwiseMerge


class Multiply(ElementwiseMerge):
    """Multiplies its inputs element by element.

    The gate of squeeze-and-excitation (Hu et al. 2017, arXiv:1709.01507) has size 1 on the spatial axes.
    Two inputs or more of equal shape, or 1 on an axis.  Flops: 1 product per output element and merged pair.
    """

    ufunc = "multiply"

    example = Example("multiply", inputs=((72, 28, 28), (72, 1, 1)), output=(72, 28, 28), flops=72 * 28 * 28)
    elsewhere = Elsewhere(
        keras="Multiply",
        onnx="Mul",
        others="times product elementwise_mul eltwise_mul elemwise_mul broadcast_mul",
        function="*",
        compared=True,
    )
