"""Choice between two tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from cnncalc.layers.arguments import LayerError, argument, extended
from cnncalc.layers.base import Elsewhere, Example, Layer
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.merge._elementwise import ElementwiseMerge
from cnncalc.layers.shapes import Shape

T = TypeVar("T")
U = TypeVar("U")


class Where(ElementwiseMerge):
    """Takes an element of its second input where the first is not 0, and of the third where it is.

    Three inputs of equal shape, or 1 on an axis; a number, ``then`` or ``otherwise``, takes the place of the second or
    the third.  Flops: 1 comparison per output element.
    """

    arity = (1, 3)
    operations = 1
    flops = Layer.flops  # with one input, too

    then = argument(extended, "the number where the first input is not 0, in place of an input", None)
    otherwise = argument(extended, "the number where the first input is 0, in place of an input", None)

    example = Example("where", inputs=((1, 8, 8), (32, 8, 8), (32, 8, 8)), output=(32, 8, 8), flops=32 * 8 * 8)
    elsewhere = Elsewhere(onnx="Where", others="masked_fill", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the common shape.  Raises LayerError if there are not two choices."""
        count = 3 - (self.then is not None) - (self.otherwise is not None)
        if len(inputs) != count:
            raise LayerError(
                f"takes {count} of a condition and two choices as inputs, but there are {len(inputs)}",
                hint="where: {otherwise: 0} reads a condition and one choice",
            )
        return super().output_shape(*inputs)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Choose."""
        return ops.np.where(inputs[0] != 0, *self._choices(inputs[1:], inputs[-1].dtype.type))

    def to_onnx(self, onnx: Onnx) -> str:
        """Where, with its condition cast to truth values."""
        condition, *given = onnx.inputs
        return onnx.node("Where", onnx.cast(condition, "truth"), *self._choices(given, onnx.number))

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function."""
        return torch.call("torch.where", torch.call("!=", torch.x, 0), *self._choices(torch.inputs[1:], float))

    def _choices(self, given: Iterable[T], made: Callable[[float], U]) -> list[T | U]:
        """Return the two choices: given inputs, or what is made of the numbers in their place."""
        inputs = iter(given)
        return [next(inputs) if number is None else made(number) for number in (self.then, self.otherwise)]

    def label(self) -> str:
        """Return the numbers."""
        numbers = [number for number in (self.then, self.otherwise) if number is not None]
        return ", ".join([f"{number:g}" for number in numbers])
