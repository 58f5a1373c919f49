"""Channel shuffle."""

from __future__ import annotations

from cnncalc.layers.arguments import argument, positive
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import TensorCode, Torch
from cnncalc.layers.reads import Permuted, Reshaped
from cnncalc.layers.shape._rearrangement import Moves, Rearrangement
from cnncalc.layers.shapes import Shape, check_divides


class ChannelShuffle(Rearrangement):
    """Reorders channels so that every new group has channels of each old group (Zhang et al. 2017, arXiv:1707.01083).

    Any shape, kept.  Flops: 0.
    """

    stem = "shuffle"
    label_format = "{groups} groups"

    groups = argument(positive, "number of groups of the input's channels", symbol="G")

    example = Example("channel_shuffle: 2", inputs=((116, 28, 28),), output=(116, 28, 28))
    elsewhere = Elsewhere(torch="ChannelShuffle(groups)", others="shuffle ShuffleChannel", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape."""
        check_divides("groups", self.groups, inputs[0][0])
        return inputs[0]

    def moves(self, shape: Shape) -> Moves:
        """Return a reshape into groups, the swap of groups and channels, and a reshape back."""
        split = Reshaped((self.groups, shape[0] // self.groups, *shape[1:]))
        return split, Permuted((1, 0, *range(2, len(shape) + 1))), Reshaped(shape)

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function, which takes only maps; of a vector its methods."""
        if len(torch.output) == 1:
            return super().to_torch(torch)
        return torch.call("F.channel_shuffle", torch.x, self.groups)
