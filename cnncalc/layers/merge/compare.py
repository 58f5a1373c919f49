"""Elementwise comparison."""

from __future__ import annotations

from collections.abc import Callable

from cnncalc.layers.arguments import argument, check_second, choice, extended
from cnncalc.layers.base import Elsewhere, Example, Layer
from cnncalc.layers.interfaces import Array, NumPy, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.merge._elementwise import ElementwiseMerge
from cnncalc.layers.shapes import Shape

OPERATORS = ("equal", "not_equal", "greater", "greater_equal", "less", "less_equal")


class Compare(ElementwiseMerge):
    """Compares its first input with its second: 1 where the comparison holds, 0 elsewhere.

    Two inputs of equal shape, or 1 on an axis, or one input and a ``number``.  Flops: 1 comparison per output element.
    """

    arity = (1, 2)
    operations = 1
    flops = Layer.flops  # with one input, too

    by = argument(choice(*OPERATORS), "the comparison: the output is 1 where it holds")
    number = argument(extended, "what every element is compared with, in place of a second input", None)

    example = Example("compare: greater", inputs=((32, 8, 8), (1, 1, 1)), output=(32, 8, 8), flops=32 * 8 * 8)
    elsewhere = Elsewhere(others="Equal Greater Less GreaterOrEqual LessOrEqual", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the common shape.  Raises LayerError if number and second input are both given, or neither."""
        check_second("a number", self.number, inputs, "{by: greater, number: 0}")
        return super().output_shape(*inputs)

    def compute(self, np: NumPy, a: Array, b: Array) -> Array:
        """Return whether the comparison holds, as booleans."""
        compare: Callable[..., Array] = getattr(np, self.by)
        return compare(a, b)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Compare, and return numbers."""
        x = inputs[0]
        other = inputs[1] if self.number is None else ops.np.asarray(self.number, x.dtype)
        return self.compute(ops.np, x, other).astype(x.dtype)

    def to_onnx(self, onnx: Onnx) -> str:
        """The comparison, cast to numbers."""
        op = "".join(word.capitalize() for word in self.by.replace("_equal", "_or_equal").split("_"))
        number = [] if self.number is None else [onnx.number(self.number)]
        holds = onnx.node("Equal" if self.by == "not_equal" else op, *onnx.inputs, *number)
        return onnx.cast(onnx.node("Not", holds) if self.by == "not_equal" else holds, "number")

    def to_torch(self, torch: Torch) -> TensorCode:
        """A comparison, as numbers."""
        sign = dict(zip(OPERATORS, ("==", "!=", ">", ">=", "<", "<="), strict=True))[self.by]
        compared = torch.call(sign, torch.x, torch.inputs[1] if self.number is None else self.number)
        return torch.call(".type_as", compared, torch.x)

    def label(self) -> str:
        """Return the comparison."""
        return self.by.replace("_", " ") + ("" if self.number is None else f" {self.number:g}")
