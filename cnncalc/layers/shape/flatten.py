"""Flatten to a vector."""

from __future__ import annotations

from math import prod

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Ops, TensorCode, Torch
from cnncalc.layers.reads import Reads, Reshaped
from cnncalc.layers.shape._movement import Movement
from cnncalc.layers.shapes import Shape


class Flatten(Movement):
    """Lays a map out as a vector, channel after channel.

    Input of any shape, output (F,) with as many elements.  Flops: 0.
    """

    is_view = True

    example = Example("flatten", inputs=((256, 6, 6),), output=(9216,))
    elsewhere = Elsewhere(torch="Flatten", keras="Flatten", onnx="Flatten", others="ravel", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (number of elements,)."""
        return (prod(inputs[0]),)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that the elements are laid out in a row."""
        return ((Reshaped(output),),)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Keep the batch axis, and merge the others."""
        return inputs[0].reshape(inputs[0].shape[0], -1)

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's method."""
        return torch.call(".flatten", torch.x, 1)
