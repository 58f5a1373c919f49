"""Repeat along axes."""

from __future__ import annotations

from cnncalc.layers.arguments import LayerError, argument, integers
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import Read, Reads, along, cycled
from cnncalc.layers.shape._movement import Movement
from cnncalc.layers.shapes import Shape, shape_text


class Tile(Movement):
    """Repeats its whole input a number of times along each axis.

    Input of any shape; each size is multiplied by its entry of ``repeats``.  Flops: 0.
    """

    label_format = "{repeats}"

    repeats = argument(integers, "number of repetitions along each axis")

    example = Example("tile: [1, 2, 2]", inputs=((3, 8, 8),), output=(3, 16, 16))
    elsewhere = Elsewhere(onnx="Tile", others="repeat", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the sizes times the repeats."""
        (shape,) = inputs
        if len(self.repeats) != len(shape) or min(self.repeats) < 1:
            raise LayerError(
                f"repeats = {shape_text(self.repeats)}, but the input is {shape_text(shape)}",
                argument="repeats",
                hint="a positive number for each axis, without the batch",
            )
        return tuple([size * times for size, times in zip(shape, self.repeats, strict=True)])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that the positions of an axis are read cyclically."""
        return along(*[Read(axis, cycled(size)) for axis, size in enumerate(inputs[0])])

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Repeat."""
        return ops.np.tile(inputs[0], (1, *self.repeats))

    def to_onnx(self, onnx: Onnx) -> str:
        """Tile."""
        return onnx.node("Tile", onnx.x, onnx.integers([1, *self.repeats]))

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's method."""
        return torch.call(".repeat", torch.x, 1, *self.repeats)
