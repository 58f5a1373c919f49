"""Softplus."""

from __future__ import annotations

from math import prod

from cnncalc.layers.activation._elementwise import Elementwise, softplus
from cnncalc.layers.arguments import LayerError, argument, number
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops
from cnncalc.layers.shapes import Shape


class Softplus(Elementwise):
    """``log(1 + e^(β·x)) / β``: a smooth relu.

    Any shape, kept.  Flops per element: 1 exp, 1 add, 1 log; with a β other than 1 also 1 product and 1 division.
    """

    operations = 3

    beta = argument(number, "how sharp the bend is", 1.0)

    example = Example("softplus", inputs=((128,),), output=(128,), flops=3 * 128)
    elsewhere = Elsewhere(torch="Softplus(beta)", onnx="Softplus", function="F.softplus(beta)", compared=True)

    def check(self) -> None:
        """Refuse a division by zero."""
        if self.beta == 0:
            raise LayerError("beta = 0, but the formula divides by it", argument="beta", hint="1 is usual")

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Three per element, and two more if β is not 1."""
        return (self.operations + 2 * (self.beta != 1)) * prod(output)

    def compute(self, ops: Ops, x: Array) -> Array:
        """Return ``log(1 + e^(β·x)) / β``."""
        return softplus(ops.np, self.beta * x) / self.beta

    def to_onnx(self, onnx: Onnx) -> str:
        """Softplus; if β is not 1, its input is multiplied by β and its output divided by β."""
        if self.beta == 1:
            return onnx.node("Softplus", onnx.x)
        beta = onnx.number(self.beta)
        return onnx.node("Div", onnx.node("Softplus", onnx.node("Mul", onnx.x, beta)), beta)
