"""Choice between two tensors."""

from __future__ import annotations

from math import prod

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Flow, Onnx, Ops
from cnncalc.layers.merge._elementwise import ElementwiseMerge
from cnncalc.layers.pytorch import InputPlace, Torch, X, Y, call
from cnncalc.layers.shapes import Shape


class Where(ElementwiseMerge):
    """Takes an element of its second input where the first is not 0, and of the third where it is.

    Three inputs of equal shape, or 1 on an axis.  Flops: 1 comparison per output element.
    """

    arity = (3, 3)

    example = Example("where", inputs=((1, 8, 8), (32, 8, 8), (32, 8, 8)), output=(32, 8, 8), flops=32 * 8 * 8)
    elsewhere = Elsewhere(onnx="Where", compared=True)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One per output element."""
        return prod(output)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Choose."""
        condition, a, b = inputs
        return ops.np.where(condition != 0, a, b)

    def to_onnx(self, onnx: Onnx) -> str:
        """Where, with its condition cast to truth values."""
        condition, *choices = onnx.inputs
        return onnx.node("Where", onnx.cast(condition, "truth"), *choices)

    def to_torch(self, flow: Flow) -> Torch:
        """PyTorch's function."""
        return Torch(call("torch.where", call("!=", X, 0), Y, InputPlace(2)))
