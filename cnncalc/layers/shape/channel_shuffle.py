"""Channel shuffle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.layers.arguments import LayerError, argument, positive
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.reads import LaidOut, Reads, Turned
from cnncalc.layers.shape._movement import Movement
from cnncalc.layers.shapes import Shape, divisors

if TYPE_CHECKING:
    from cnncalc.layers.onnx import Onnx
    from cnncalc.layers.ops import Array, Ops
    from cnncalc.layers.pytorch import Flow, Torch


class ChannelShuffle(Movement):
    """Reorders channels so that every new group has channels of each old group (Zhang et al. 2017, arXiv:1707.01083).

    Any shape, kept.  Flops: 0.
    """

    stem = "shuffle"

    groups = argument(positive, "how many groups the channels come from", symbol="G")

    example = Example("channel_shuffle: 2", inputs=((116, 28, 28),), output=(116, 28, 28))
    elsewhere = Elsewhere(torch="ChannelShuffle(groups)", others="shuffle ShuffleChannel")

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape."""
        channels = inputs[0][0]
        if channels % self.groups:
            raise LayerError(
                f"groups = {self.groups} does not divide in_channels = {channels}",
                argument="groups",
                hint=f"divisors of {channels} are {divisors(channels)}",
            )
        return inputs[0]

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that the axis of the groups is swapped with that of their channels."""
        others = range(2, len(output) + 1)
        split = LaidOut((self.groups, output[0] // self.groups, *output[1:]))
        return ((split, Turned((1, 0, *others)), LaidOut(output)),)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Swap the axis of the groups with that of their channels."""
        (x,) = inputs
        split = x.reshape(x.shape[0], self.groups, -1, *x.shape[2:])
        return split.swapaxes(1, 2).reshape(x.shape)

    def to_onnx(self, onnx: Onnx) -> str:
        """Reshape, Transpose and Reshape."""
        channels, *sizes = onnx.output
        split = onnx.reshape(onnx.x, [0, self.groups, channels // self.groups, *sizes])
        order = [0, 2, 1, *range(3, 3 + len(sizes))]
        return onnx.reshape(onnx.transpose(split, order), [0, *onnx.output])

    def to_torch(self, flow: Flow) -> Torch:
        """PyTorch's function, which takes only maps."""
        from cnncalc.layers.pytorch import Torch, X, call

        if len(flow.output) > 1:
            return Torch(call("F.channel_shuffle", X, self.groups))
        split = call(".unflatten", X, 1, (self.groups, -1))
        return Torch(call(".flatten", call(".transpose", split, 1, 2), 1))

    def label(self) -> str:
        """Return ``2 groups``."""
        return f"{self.groups} groups"
