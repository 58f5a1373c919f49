"""Pixel shuffle."""

from __future__ import annotations

from math import prod

from cnncalc.layers.arguments import LayerError, argument, positive
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Onnx, TensorCode, Torch
from cnncalc.layers.reads import Permuted, Reshaped
from cnncalc.layers.shape._rearrangement import Moves, Rearrangement
from cnncalc.layers.shapes import Shape, spatial


class PixelShuffle(Rearrangement):
    """Rearranges groups of r·r channels into blocks of r×r elements (Shi et al. 2016, arXiv:1609.05158).

    Input (C·r·r, H, W), output (C, H·r, W·r); on d spatial axes rᵈ channels make a block.  Flops: 0.
    """

    stem = "shuffle"
    label_format = "×{upscale_factor}"

    upscale_factor = argument(positive, "factor by which each spatial axis grows", symbol="r")

    example = Example("pixel_shuffle: 3", inputs=((9, 64, 64),), output=(1, 192, 192))
    elsewhere = Elsewhere(
        torch="PixelShuffle(upscale_factor)", onnx="DepthToSpace(blocksize)", others="subpixel", compared=True
    )

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (C / rᵈ, axes · r)."""
        (shape,) = inputs
        sizes = spatial(shape, self.type)
        block = prod([self.upscale_factor for _ in sizes])
        if shape[0] % block:
            raise LayerError(
                f"upscale_factor = {self.upscale_factor} takes blocks of {block} channels, "
                f"which do not divide in_channels = {shape[0]}",
                argument="upscale_factor",
                hint=f"the layer before must have a multiple of {block} channels",
            )
        return (shape[0] // block, *[size * self.upscale_factor for size in sizes])

    def moves(self, shape: Shape) -> Moves:
        """Return that the channels are split, and their parts interleaved with the spatial axes."""
        r, rank = self.upscale_factor, len(shape) - 1
        channels = shape[0] // r**rank
        order = [axis for i in range(rank) for axis in (1 + rank + i, 1 + i)]
        split, joined = (channels, *(r,) * rank, *shape[1:]), (channels, *[size * r for size in shape[1:]])
        return Reshaped(split), Permuted((0, *order)), Reshaped(joined)

    def to_onnx(self, onnx: Onnx) -> str:
        """DepthToSpace in PyTorch's order; Reshape, Transpose and Reshape on other than two axes."""
        if len(onnx.output) == 3:
            return onnx.node("DepthToSpace", onnx.x, blocksize=self.upscale_factor, mode="CRD")
        return super().to_onnx(onnx)

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function for two spatial axes; else reshapes and a permutation."""
        if len(torch.output) != 3:
            return super().to_torch(torch)
        return torch.call("F.pixel_shuffle", torch.x, self.upscale_factor)
