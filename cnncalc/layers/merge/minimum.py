"""Elementwise minimum."""

from __future__ import annotations

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.merge._elementwise import ElementwiseMerge


class Minimum(ElementwiseMerge):
    """Takes the smaller of its inputs, element by element.

    Two inputs or more of equal shape, or 1 on an axis.  Flops: 1 comparison per output element and merged pair.
    """

    ufunc = "minimum"
    onnx_of_many = "Min"

    example = Example("minimum", inputs=((32, 8, 8), (32, 8, 8), (32, 8, 8)), output=(32, 8, 8), flops=2 * 32 * 8 * 8)
    elsewhere = Elsewhere(keras="Minimum", onnx="Min", function="torch.minimum", compared=True)
