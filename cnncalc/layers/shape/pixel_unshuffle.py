"""Pixel unshuffle."""

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


class PixelUnshuffle(Movement):
    """Stacks blocks of r×r elements as r·r channels: pixel shuffle backwards, or space to depth.

    Input (C, H·r, W·r), output (C·r·r, H, W); on d spatial axes a block makes rᵈ channels.  Flops: 0.
    """

    stem = "unshuffle"

    downscale_factor = argument(positive, "how many times smaller each spatial axis gets", symbol="r")

    example = Example("pixel_unshuffle: 2", inputs=((64, 26, 26),), output=(256, 13, 13))
    elsewhere = Elsewhere(torch="PixelUnshuffle(downscale_factor)", onnx="SpaceToDepth(blocksize)", others="reorg")

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

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that the spatial axes are split, and their parts become channels."""
        r, rank, channels = self.downscale_factor, len(output) - 1, inputs[0][0]
        halves = [part for size in output[1:] for part in (size, r)]
        order = [0, *range(2, 2 + 2 * rank, 2), *range(1, 1 + 2 * rank, 2)]
        return ((LaidOut((channels, *halves)), Turned(tuple(order)), LaidOut(output)),)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Split the spatial axes, and move the parts to the channels."""
        (x,) = inputs
        r, rank = self.downscale_factor, x.ndim - 2
        halves = [part for size in x.shape[2:] for part in (size // r, r)]
        split = x.reshape(*x.shape[:2], *halves)
        order = [*range(3, 3 + 2 * rank, 2), *range(2, 2 + 2 * rank, 2)]
        return split.transpose(0, 1, *order).reshape(x.shape[0], -1, *halves[::2])

    def to_onnx(self, onnx: Onnx) -> str:
        """Reshape, Transpose and Reshape: SpaceToDepth lays out the channels in another order."""
        r, rank = self.downscale_factor, len(onnx.output) - 1
        halves = [part for size in onnx.output[1:] for part in (size, r)]
        split = onnx.reshape(onnx.x, [0, onnx.shapes[0][0], *halves])
        order = [*range(3, 3 + 2 * rank, 2), *range(2, 2 + 2 * rank, 2)]
        return onnx.reshape(onnx.transpose(split, [0, 1, *order]), [0, *onnx.output])

    def to_torch(self, flow: Flow) -> Torch:
        """PyTorch's function on two spatial axes; elsewhere as the axes are split and moved."""
        from cnncalc.layers.pytorch import Torch, X, call

        r, rank = self.downscale_factor, len(flow.output) - 1
        if rank == 2:
            return Torch(call("F.pixel_unshuffle", X, r))
        halves = [part for size in flow.output[1:] for part in (size, r)]
        split = call(".reshape", X, -1, flow.inputs[0][0], *halves)
        order = [*range(3, 3 + 2 * rank, 2), *range(2, 2 + 2 * rank, 2)]
        return Torch(call(".reshape", call(".permute", split, 0, 1, *order), -1, *flow.output))

    def label(self) -> str:
        """Return ``/2``."""
        return f"/{self.downscale_factor}"
