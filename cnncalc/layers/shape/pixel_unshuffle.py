"""Pixel unshuffle."""

from __future__ import annotations

from math import prod

from cnncalc.layers.arguments import LayerError, argument, positive
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import TensorCode, Torch
from cnncalc.layers.reads import Permuted, Reshaped
from cnncalc.layers.shape._rearrangement import Moves, Rearrangement
from cnncalc.layers.shapes import Shape, spatial


class PixelUnshuffle(Rearrangement):
    """Stacks blocks of r×r elements as r·r channels: the inverse of pixel shuffle, or space to depth.

    Input (C, H·r, W·r), output (C·r·r, H, W); on d spatial axes a block makes rᵈ channels.  Flops: 0.
    """

    stem = "unshuffle"
    label_format = "/{downscale_factor}"

    downscale_factor = argument(positive, "divisor by which each spatial axis shrinks", symbol="r")

    example = Example("pixel_unshuffle: 2", inputs=((64, 26, 26),), output=(256, 13, 13))
    elsewhere = Elsewhere(
        torch="PixelUnshuffle(downscale_factor)", onnx="SpaceToDepth(blocksize)", others="reorg", compared=True
    )

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (C · rᵈ, axes / r)."""
        (shape,) = inputs
        sizes = spatial(shape, self.type)
        for size in sizes:
            if size % self.downscale_factor:
                raise LayerError(
                    f"downscale_factor = {self.downscale_factor} does not divide an axis of {size}",
                    argument="downscale_factor",
                    hint="pad or crop the map to a multiple of it",
                )
        return (
            shape[0] * prod([self.downscale_factor for _ in sizes]),
            *[size // self.downscale_factor for size in sizes],
        )

    def moves(self, shape: Shape) -> Moves:
        """Return that the spatial axes are split, and their parts become channels."""
        r, rank = self.downscale_factor, len(shape) - 1
        halves = [part for size in shape[1:] for part in (size // r, r)]
        order = (0, *range(2, 2 + 2 * rank, 2), *range(1, 1 + 2 * rank, 2))
        return Reshaped((shape[0], *halves)), Permuted(order), Reshaped((shape[0] * r**rank, *halves[::2]))

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function for two spatial axes; else reshapes and a permutation."""
        r = self.downscale_factor
        return torch.call("F.pixel_unshuffle", torch.x, r) if len(torch.output) == 3 else super().to_torch(torch)
