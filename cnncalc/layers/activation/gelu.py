"""Gaussian error linear unit."""

from __future__ import annotations

from math import pi, prod, sqrt

from cnncalc.layers.activation.tanh import Tanh
from cnncalc.layers.arguments import argument, choice
from cnncalc.layers.base import Elsewhere, Example, Layer
from cnncalc.layers.interfaces import Array, Onnx, Ops
from cnncalc.layers.shapes import Shape


class GELU(Layer):
    """``½ · x · (1 + erf(x / √2))`` (Hendrycks and Gimpel 2016, arXiv:1606.08415).

    With ``approximate: tanh`` it is ``½ · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))``.  Any shape, kept.
    Flops per element: 1 division, 1 erf, 1 add, 2 products; approximate: 6 products, 2 adds and a tanh of 5.
    """

    kind = "activation"
    pointwise = True

    approximate = argument(choice("none", "tanh"), "whether to approximate erf by tanh", "none")

    sums = True

    example = Example("gelu", inputs=((384, 56, 56),), output=(384, 56, 56), flops=5 * 384 * 56 * 56)
    elsewhere = Elsewhere(torch="GELU(approximate)", onnx="Gelu", function="F.gelu(approximate)", compared=True)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Five per element, or eight and a tanh."""
        operations = 6 + 2 + Tanh.operations if self.approximate == "tanh" else 5
        return operations * prod(output)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Multiply each element by the share of a normal distribution that lies below it."""
        (x,) = inputs
        if self.approximate == "tanh":
            return 0.5 * x * (1 + ops.tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x)))
        return 0.5 * x * (1 + ops.erf(x / sqrt(2)))

    def to_onnx(self, onnx: Onnx) -> str:
        """Gelu, or its primitives before opset 20."""
        if onnx.opset >= 20:
            return onnx.node("Gelu", onnx.x, approximate=self.approximate)
        x = onnx.x
        if self.approximate == "tanh":
            cube = onnx.node("Mul", onnx.node("Pow", x, onnx.number(3)), onnx.number(0.044715))
            inner = onnx.node("Mul", onnx.node("Add", x, cube), onnx.number(sqrt(2 / pi)))
            share = onnx.node("Tanh", inner)
        else:
            share = onnx.node("Erf", onnx.node("Div", x, onnx.number(sqrt(2))))
        doubled = onnx.node("Mul", x, onnx.node("Add", share, onnx.number(1)))
        return onnx.node("Mul", doubled, onnx.number(0.5))
