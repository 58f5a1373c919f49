"""The base class of softmax and its logarithm, and the softmax that attention has, too."""

from __future__ import annotations

from math import inf, prod
from typing import ClassVar

from cnncalc.layers.arguments import argument, axis
from cnncalc.layers.base import Layer
from cnncalc.layers.interfaces import Array, NumPy, Onnx, TensorCode, Torch
from cnncalc.layers.reads import Reads, whole
from cnncalc.layers.shapes import Shape, axis_index, batched


class AlongAxis(Layer):
    """Normalises each line along one axis.  Any shape, kept.

    Attributes:
        of_line: floating-point operations per line beside the two reductions and three operations per element.
    """

    kind = "activation"
    of_line: ClassVar[int] = 0

    axis = argument(axis, "the axis along which the values sum to 1", 0)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape."""
        axis_index(self.axis, inputs[0])
        return inputs[0]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Three per element, and two reductions of every line."""
        at = axis_index(self.axis, output)
        lines = prod(output[:at] + output[at + 1 :])
        return lines * (line_flops(output[at]) + self.of_line)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that each output element reads the whole axis."""
        return whole(len(output), axis_index(self.axis, output))

    def to_onnx(self, onnx: Onnx) -> str:
        """Softmax, or LogSoftmax."""
        return onnx.node(self.elsewhere.onnx, onnx.x, axis=batched(self.axis))

    def to_torch(self, torch: Torch) -> TensorCode:
        """Softmax along the axis, counted with the batch."""
        return torch.call(f"F.{self.type}", torch.x, dim=batched(self.axis))


def softmax(np: NumPy, x: Array, axis: int, zero_masked: bool) -> Array:
    """Return the softmax of an array along one of its axes; lines of −∞ give 0 or NaN."""
    top = x.max(axis, keepdims=True)
    powers: Array = np.exp(x - np.where(top == -inf, 0, top) if zero_masked else x - top)
    total = powers.sum(axis, keepdims=True)
    powers /= np.where(total == 0, 1, total) if zero_masked else total
    return powers


def or_zero(onnx: Onnx, y: str) -> str:
    """Return an ONNX tensor with 0 in place of NaN."""
    return onnx.node("Where", onnx.node("IsNaN", y), onnx.number(0.0), y)


def line_flops(count: int) -> int:
    """Return the operations for a line of so many elements: two reductions, and three per element."""
    return 2 * (count - 1) + 3 * count
