"""One index of an axis."""

from __future__ import annotations

from cnncalc.layers.arguments import LayerError, argument, axis, integer
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import Read, Reads, along, listed
from cnncalc.layers.shape._movement import Movement
from cnncalc.layers.shapes import Shape, axis_index, axis_text


class Select(Movement):
    """Keeps the elements at one index of an axis, and removes the axis: a transformer's class token.

    Input of any shape; a negative index counts from the end.  Flops: 0.
    """

    index = argument(integer, "the index to keep", 0)
    axis = argument(axis, "the axis to remove", 0)

    elsewhere = Elsewhere(compared=True)
    example = Example("select: {axis: 0, index: 0}", inputs=((197, 192),), output=(192,))

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the shape without the axis; (1,) if it was the only one."""
        (shape,) = inputs
        at = axis_index(self.axis, shape)
        if not -shape[at] <= self.index < shape[at]:
            raise LayerError(
                f"index = {self.index}, but {axis_text(at, len(shape))} has {shape[at]}",
                argument="index",
                hint=f"0 is the first, {shape[at] - 1} or -1 the last",
            )
        return (*shape[:at], *shape[at + 1 :]) or (1,)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return the index, and the places of the other axes."""
        at = axis_index(self.axis, inputs[0])
        index = self.index % inputs[0][at]
        chosen = Read(None, listed([index]))
        return along(*[chosen if i == at else Read(i - (i > at)) for i in range(len(inputs[0]))])

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Take the index."""
        (x,) = inputs
        at = axis_index(self.axis, x.shape[1:]) + 1
        taken: Array = x.take([self.index], axis=at).squeeze(at)
        return taken if x.ndim > 2 else taken[:, None]

    def to_onnx(self, onnx: Onnx) -> str:
        """Gather of one index, without an axis unless it is the only one."""
        at = axis_index(self.axis, onnx.shapes[0]) + 1
        index = onnx.integers([self.index]) if len(onnx.shapes[0]) == 1 else onnx.integer(self.index)
        return onnx.node("Gather", onnx.x, index, axis=at)

    def to_torch(self, torch: Torch) -> TensorCode:
        """An index; a slice if no axis would be left."""
        at = axis_index(self.axis, torch.shapes[0])
        if len(torch.shapes[0]) > 1:
            return torch.index(torch.x, at, self.index)
        first = self.index % torch.shapes[0][0]
        return torch.index(torch.x, at, slice(first, first + 1))

    def label(self) -> str:
        """Return the index, and the axis if it is not the first."""
        return f"{self.index}" if self.axis == 0 else f"{self.index}, axis {self.axis}"
