"""Pixel shuffle."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from cnncalc.layers.arguments import LayerError, argument, positive
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.reads import LaidOut, Reads, Turned
from cnncalc.layers.shape._movement import Movement
from cnncalc.layers.shapes import Shape, spatial

if TYPE_CHECKING:
    from cnncalc.layers.onnx import Onnx
    from cnncalc.layers.ops import Array, Ops
    from cnncalc.layers.pytorch import Flow, Torch


class PixelShuffle(Movement):
    """Lays groups of r·r channels out as blocks of r×r elements (Shi et al. 2016, arXiv:1609.05158).

    Input (C·r·r, H, W), output (C, H·r, W·r); on d spatial axes rᵈ channels make a block.  Flops: 0.
    """

    stem = "shuffle"

    upscale_factor = argument(positive, "how many times larger each spatial axis gets", symbol="r")

    example = Example("pixel_shuffle: 3", inputs=((9, 64, 64),), output=(1, 192, 192))
    elsewhere = Elsewhere(torch="PixelShuffle(upscale_factor)", onnx="DepthToSpace(blocksize)", others="subpixel")

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
                hint=f"the layer before must give a multiple of {block} channels",
            )
        return (shape[0] // block, *[size * self.upscale_factor for size in sizes])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that the channels are split, and their parts interleaved with the spatial axes."""
        r, rank = self.upscale_factor, len(output) - 1
        order = [axis for i in range(rank) for axis in (1 + rank + i, 1 + i)]
        return ((LaidOut((output[0], *(r,) * rank, *inputs[0][1:])), Turned((0, *order)), LaidOut(output)),)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Split the channels, and interleave the parts with the spatial axes."""
        (x,) = inputs
        r, rank = self.upscale_factor, x.ndim - 2
        split = x.reshape(x.shape[0], -1, *(r,) * rank, *x.shape[2:])
        order = [axis for i in range(rank) for axis in (2 + rank + i, 2 + i)]
        return split.transpose(0, 1, *order).reshape(x.shape[0], -1, *[size * r for size in x.shape[2:]])

    def to_onnx(self, onnx: Onnx) -> str:
        """DepthToSpace in PyTorch's order; Reshape, Transpose and Reshape on other than two axes."""
        r, rank = self.upscale_factor, len(onnx.output) - 1
        if rank == 2:
            return onnx.node("DepthToSpace", onnx.x, blocksize=r, mode="CRD")
        split = onnx.reshape(onnx.x, [0, onnx.output[0], *[r] * rank, *onnx.shapes[0][1:]])
        order = [axis for i in range(rank) for axis in (2 + rank + i, 2 + i)]
        return onnx.reshape(onnx.transpose(split, [0, 1, *order]), [0, *onnx.output])

    def to_torch(self, flow: Flow) -> Torch:
        """PyTorch's function on two spatial axes; elsewhere as the axes are split and interleaved."""
        from cnncalc.layers.pytorch import Torch, X, call

        r, rank = self.upscale_factor, len(flow.output) - 1
        if rank == 2:
            return Torch(call("F.pixel_shuffle", X, r))
        split = call(".unflatten", X, 1, (-1, *(r,) * rank))
        order = [axis for i in range(rank) for axis in (2 + rank + i, 2 + i)]
        return Torch(call(".reshape", call(".permute", split, 0, 1, *order), -1, *flow.output))

    def label(self) -> str:
        """Return ``×2``."""
        return f"×{self.upscale_factor}"
