"""Crop to the middle."""

from __future__ import annotations

from cnncalc.layers.arguments import LayerError, argument, per_axis, positive
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import Read, Reads, along, sliding
from cnncalc.layers.shape._movement import Movement
from cnncalc.layers.shapes import Shape, shape_text, spatial


class CenterCrop(Movement):
    """Keeps the middle of the map, as U-Net's skips do (Ronneberger et al. 2015, arXiv:1505.04597).

    Input (C, *spatial), output (C, *size); if the margin is odd, the larger part is cut off at the end.
    Flops: 0.
    """

    stem = "crop"
    aliases = True
    label_format = "{size}"

    size = argument(per_axis(positive), "size of the output along each spatial axis")

    example = Example("center_crop: {size: [56, 56]}", inputs=((512, 64, 64),), output=(512, 56, 56))
    elsewhere = Elsewhere(keras="CenterCrop(height, width)", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (C, *size)."""
        (shape,) = inputs
        if any(size > have for size, have in zip(self.size, spatial(shape, self.type), strict=True)):
            raise LayerError(
                f"size = {shape_text(self.size)} is larger than the input map {shape_text(shape)}",
                argument="size",
                hint="to enlarge a map, use 'pad' or 'upsample'",
            )
        return (shape[0], *self.size)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return one tap, shifted by the margin that is cut off in front."""
        margins = [(have - size) // 2 for have, size in zip(inputs[0][1:], output[1:], strict=True)]
        return along(Read(0), *[Read(i, sliding(1, before=-margin)) for i, margin in enumerate(margins, 1)])

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Cut the margins off."""
        (x,) = inputs
        starts = [(have - size) // 2 for have, size in zip(x.shape[2:], self.size, strict=True)]
        middle = tuple(slice(start, start + size) for start, size in zip(starts, self.size, strict=True))
        return x[(slice(None), slice(None), *middle)]

    def to_onnx(self, onnx: Onnx) -> str:
        """Slice, axis by axis."""
        y = onnx.x
        for axis, (have, size) in enumerate(zip(onnx.shapes[0][1:], onnx.output[1:], strict=True), 2):
            start = (have - size) // 2
            y = onnx.cut(y, axis, start, start + size) if have != size else y
        return y

    def to_torch(self, torch: Torch) -> TensorCode:
        """An index."""
        cuts = []
        for have, size in zip(torch.shapes[0][1:], torch.output[1:], strict=True):
            start = (have - size) // 2
            cuts.append(slice(None) if have == size else slice(start, start + size))
        if all(cut == slice(None) for cut in cuts):
            return torch.x
        return torch.call("[]", torch.x, slice(None), slice(None), *cuts)
