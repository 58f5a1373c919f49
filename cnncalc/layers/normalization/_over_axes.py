"""The base class of layers that normalise over given axes."""

from __future__ import annotations

from math import prod

from cnncalc.layers.arguments import argument, axes
from cnncalc.layers.base import Layer
from cnncalc.layers.interfaces import Or, TensorCode, Torch
from cnncalc.layers.reads import Reads, whole
from cnncalc.layers.reduction._reduction import axis_indices
from cnncalc.layers.shapes import Shape


class AxesNorm(Layer):
    """Normalises over the given axes, separately for each position of the other axes.  Any shape, kept."""

    kind = "norm"

    axis = argument(axes, "the axis, or list of axes, that it normalises over; default: all", None)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape."""
        self.over(inputs[0])
        return inputs[0]

    def over(self, shape: Shape) -> list[int]:
        """Return the normalised axes counted from the front. Raises LayerError if one does not exist."""
        return axis_indices(self.axis, shape)

    def sets(self, shape: Shape) -> tuple[int, int]:
        """Return the number of sets that are normalised separately, and the number of elements of each."""
        n = prod(self.sizes(shape))
        return prod([size for i, size in enumerate(shape) if i not in self.over(shape)]), n

    def sizes(self, shape: Shape) -> Shape:
        """Return the sizes of the normalised axes."""
        return tuple([shape[i] for i in self.over(shape)])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that the normalised axes are read whole."""
        return whole(len(output), *self.over(output))

    def as_module(self, name: str, torch: Torch, **options: Or | float) -> TensorCode:
        """Return PyTorch's module for the last axes: other axes are moved there and back."""
        over, sizes = self.over(torch.shapes[0]), self.sizes(torch.shapes[0])
        return torch.over_last(over, torch.module(name, sizes if len(sizes) > 1 else sizes[0], **options))
