"""Elementwise comparison."""

from __future__ import annotations

from collections.abc import Callable

from cnncalc.layers.arguments import argument, choice
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Flow, NumPy, Onnx, Ops
from cnncalc.layers.merge._elementwise import ElementwiseMerge
from cnncalc.layers.pytorch import Torch, X, Y, call

OPERATORS = ("equal", "not_equal", "greater", "greater_equal", "less", "less_equal")


class Compare(ElementwiseMerge):
    """Compares its first input with its second: 1 where the comparison holds, 0 elsewhere.

    Two inputs of equal shape, or 1 on an axis.  Flops: 1 comparison per output element.
    """

    arity = (2, 2)

    by = argument(choice(*OPERATORS), "the comparison: the output is 1 where it holds")

    example = Example("compare: greater", inputs=((32, 8, 8), (1, 1, 1)), output=(32, 8, 8), flops=32 * 8 * 8)
    elsewhere = Elsewhere(others="Equal Greater Less GreaterOrEqual LessOrEqual", compared=True)

    def compute(self, np: NumPy, a: Array, b: Array) -> Array:
        """Return whether the comparison holds, as booleans."""
        compare: Callable[..., Array] = getattr(np, self.by)
        return compare(a, b)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Compare, and return numbers."""
        return super().forward(ops, *inputs).astype(inputs[0].dtype)

    def to_onnx(self, onnx: Onnx) -> str:
        """The comparison, cast to numbers."""
        op = "".join(word.capitalize() for word in self.by.replace("_equal", "_or_equal").split("_"))
        holds = onnx.node("Equal" if self.by == "not_equal" else op, *onnx.inputs)
        return onnx.cast(onnx.node("Not", holds) if self.by == "not_equal" else holds, "number")

    def to_torch(self, flow: Flow) -> Torch:
        """A comparison, as numbers."""
        sign = dict(zip(OPERATORS, ("==", "!=", ">", ">=", "<", "<="), strict=True))[self.by]
        return Torch(call(".type_as", call(sign, X, Y), X))

    def label(self) -> str:
        """Return the comparison."""
        return self.by.replace("_", " ")
