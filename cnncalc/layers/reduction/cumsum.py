"""Running sum."""

from __future__ import annotations

from math import prod

from cnncalc.layers.arguments import argument, axis, flag
from cnncalc.layers.base import Elsewhere, Example, Layer
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import Read, Reads, along, kept, summed
from cnncalc.layers.shapes import Shape, axis_index, batched


class Cumsum(Layer):
    """Returns, at each position of one axis, the sum of all elements up to it.

    Any shape, kept.  With ``reverse`` it sums from the end, with ``exclusive`` without the position itself.
    Flops for each line of n elements: n − 1 adds.
    """

    kind = "other"

    axis = argument(axis, "the axis along which it sums", 0)
    reverse = argument(flag, "whether it sums from the end", False)
    exclusive = argument(flag, "whether a position's own element is left out", False)

    example = Example("cumsum: -1", inputs=((64, 7),), output=(64, 7), flops=64 * 6)
    elsewhere = Elsewhere(onnx="CumSum", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape."""
        axis_index(self.axis, inputs[0])
        return inputs[0]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One for each element of a line but the first."""
        at = axis_index(self.axis, output)
        return prod(output[:at] + output[at + 1 :]) * (output[at] - 1)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that a position reads all positions up to it, or from it on with ``reverse``."""
        at = axis_index(self.axis, output)
        reads = kept(len(output))
        reads[at] = Read(at, summed(output[at], self.reverse, self.exclusive))
        return along(*reads)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Sum along the axis."""
        (x,) = inputs
        at = batched(self.axis)
        turned = ops.np.flip(x, at) if self.reverse else x
        sums: Array = turned.cumsum(axis=at)
        if self.exclusive:  # by a shift, since a difference would lose small numbers beside large ones
            sums = ops.np.roll(sums, 1, axis=at)
            ops.np.moveaxis(sums, at, 0)[0] = 0
        return ops.np.flip(sums, at) if self.reverse else sums

    def to_onnx(self, onnx: Onnx) -> str:
        """CumSum."""
        at = onnx.integer(batched(self.axis))
        return onnx.node("CumSum", onnx.x, at, reverse=int(self.reverse), exclusive=int(self.exclusive))

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's method, flipped if the sum runs from the end."""
        at = batched(self.axis)
        turned = torch.call(".flip", torch.x, at) if self.reverse else torch.x
        sums = torch.call(".cumsum", turned, at)
        sums = torch.call(".flip", sums, at) if self.reverse else sums
        return torch.call("-", sums, torch.x) if self.exclusive else sums
