"""Elementwise power."""

from __future__ import annotations

from cnncalc.ground.limits import MAX_INTEGER
from cnncalc.layers.arguments import argument, check_second, number
from cnncalc.layers.base import Elsewhere, Example, Layer
from cnncalc.layers.interfaces import Array, NumPy, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.merge._elementwise import ElementwiseMerge
from cnncalc.layers.shapes import Shape


class Power(ElementwiseMerge):
    """Raises its input to a power: ``exponent``, or a second input's elements.

    One input of any shape with ``exponent``; else two of equal shape, or 1 on an axis.
    Flops: 1 power per output element.
    """

    arity = (1, 2)
    operations = 1
    flops = Layer.flops  # with one input, too

    exponent = argument(number, "the power of every element; without it the second input is the power", None)

    example = Example("power: 2", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Pow", others="pow", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the common shape.  Raises LayerError if exponent and second input are both given, or neither."""
        check_second("an exponent", self.exponent, inputs, "power: 2 squares every element")
        return super().output_shape(*inputs)

    def compute(self, np: NumPy, a: Array, b: Array) -> Array:
        """Return ``a`` to the power ``b``."""
        return a**b

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Raise every element."""
        x = inputs[0]
        if self.exponent is None:
            return super().forward(ops, *inputs)
        if self.exponent == 2:
            return x * x
        return self.compute(ops.np, x, ops.np.asarray(self.exponent, x.dtype))

    def to_onnx(self, onnx: Onnx) -> str:
        """Pow."""
        exponent = [] if self.exponent is None else [onnx.number(self.exponent)]
        return onnx.node("Pow", *onnx.inputs, *exponent)

    def to_torch(self, torch: Torch) -> TensorCode:
        """Python's operator."""
        if self.exponent is None:
            return torch.call("**", *torch.inputs)
        is_whole = self.exponent.is_integer() and abs(self.exponent) <= MAX_INTEGER
        return torch.call("**", torch.x, int(self.exponent) if is_whole else self.exponent)

    def label(self) -> str:
        """Return the exponent."""
        return "" if self.exponent is None else f"{self.exponent:g}"
