"""A fixed factor and a fixed summand."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cnncalc.layers.arguments import argument, number
from cnncalc.layers.base import Elsewhere, Example, Layer
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.shapes import Shape


class Affine(Layer):
    """``mul · x + add``, with two fixed numbers: the scale of an attention, 1 − x.

    Any shape, kept.  Flops per element: 1 product unless ``mul`` is 1, 1 add unless ``add`` is 0.
    """

    mul = argument(number, "factor of every element", 1.0)
    add = argument(number, "constant that is then added", 0.0)

    example = Example("affine: 0.125", inputs=((12, 197, 64),), output=(12, 197, 64), flops=12 * 197 * 64)
    elsewhere = Elsewhere(compared=True)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One per element for the product, unless mul is 1, and one for the sum, unless add is 0."""
        return ((self.mul != 1) + (self.add != 0)) * prod(output)

    def terms(self, largest: Sequence[float]) -> float:
        """Return the larger of the product and the summand."""
        return max(abs(self.mul) * largest[0], abs(self.add)) if self.add else 0.0

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Multiply, and add."""
        (x,) = inputs
        y: Array = x * x.dtype.type(self.mul) if self.mul != 1 else x
        return y + x.dtype.type(self.add) if self.add else y

    def to_onnx(self, onnx: Onnx) -> str:
        """Mul unless mul is 1, and Add unless add is 0."""
        y = onnx.node("Mul", onnx.x, onnx.number(self.mul)) if self.mul != 1 else onnx.x
        return onnx.node("Add", y, onnx.number(self.add)) if self.add else y

    def to_torch(self, torch: Torch) -> TensorCode:
        """Python's operators."""
        if self.mul == -1 and self.add:
            return torch.call("-", self.add, torch.x)
        value = torch.call("*", torch.x, self.mul) if self.mul != 1 else torch.x
        if self.add:
            return torch.call("+", value, self.add) if self.add > 0 else torch.call("-", value, -self.add)
        return value

    def label(self) -> str:
        """Return ``×0.125``, ``+1``."""
        factor = f"×{self.mul:.4g}" if self.mul != 1 else ""
        return factor + (f"{self.add:+.4g}" if self.add else "")
