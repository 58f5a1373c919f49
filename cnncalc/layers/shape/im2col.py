"""Overlapping patches of a map, as columns."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

from cnncalc.ground.limits import MAX_EXPORTED_INDICES
from cnncalc.layers.arguments import LayerError
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.pytorch import Or
from cnncalc.layers.reads import Along, Read, Reads
from cnncalc.layers.shape._movement import Movement
from cnncalc.layers.shape._patches import Patches
from cnncalc.layers.shapes import Shape, spatial


class Im2Col(Patches, Movement):
    """Takes the patch under each window of a map as a column: PyTorch's Unfold.

    Input (C, *spatial), output (C·prod(K), L), L being the number of windows.  Flops: 0.
    """

    moves_only = False  # padding adds zeros

    example = Example("im2col: {kernel_size: 3, padding: 1, stride: 2}", inputs=((4, 8, 8),), output=(36, 16))
    elsewhere = Elsewhere(torch="Unfold(kernel_size, dilation, padding, stride)", others="extract_patches unfold2d")

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (C · taps, windows)."""
        (shape,) = inputs
        counts = self.counts(spatial(shape, self.type))
        return (shape[0] * prod(self.kernel_size), prod(counts))

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that an element may be any of the map."""
        return ((Along((Read(None, None, False),) * len(inputs[0])),),)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Copy the patches, tap by tap."""
        (x,) = inputs
        sizes = x.shape[2:]
        counts = self.counts(sizes)
        padded = ops.np.pad(x, ((0, 0), (0, 0), *self.pads(sizes)))
        made = ops.np.zeros((*x.shape[:2], *self.kernel_size, *counts), x.dtype)
        for taps in product(*map(range, self.kernel_size)):
            part: Any = (slice(None), slice(None), *taps)
            place: Any = (..., *self.places(counts, taps))
            made[part] = padded[place]
        return made.reshape(len(x), -1, prod(counts))

    def to_onnx(self, onnx: Onnx) -> str:
        """Pad, and for each axis a Gather of the positions of all taps in all windows, as PyTorch's exporter writes."""
        channels, *sizes = onnx.shapes[0]
        pads, counts, rank = self.pads(tuple(sizes)), self.counts(tuple(sizes)), len(sizes)
        sides = [0, 0, *[before for before, _ in pads], 0, 0, *[after for _, after in pads]]
        x = onnx.node("Pad", onnx.x, onnx.integers(sides)) if any(sides) else onnx.x
        axes = zip(self.kernel_size, counts, self.dilation, self.stride, strict=True)
        for axis, (taps, count, dilation, stride) in enumerate(axes, 2):
            if taps * count > MAX_EXPORTED_INDICES:
                raise LayerError(f"takes {taps * count:,} indices, but at most {MAX_EXPORTED_INDICES:,} are exported")
            places = [tap * dilation + at * stride for tap in range(taps) for at in range(count)]
            x = onnx.node("Gather", x, onnx.integers(places), axis=axis)
        pairs = [size for pair in zip(self.kernel_size, counts, strict=True) for size in pair]
        order = [0, 1, *range(2, 2 + 2 * rank, 2), *range(3, 3 + 2 * rank, 2)]
        return onnx.reshape(onnx.transpose(onnx.reshape(x, [-1, channels, *pairs]), order), [-1, *onnx.output])

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function for two spatial axes, behind ``F.pad`` where both ends of an axis differ."""
        if len(torch.shapes[0]) != 3:
            raise LayerError("unfolds maps of two axes only")
        pads = self.pads(torch.shapes[0][1:])
        is_even = all(before == after for before, after in pads)
        padding = torch.short(tuple([before for before, _ in pads])) if is_even else 0
        return torch.call(
            "F.unfold", torch.x if is_even else torch.pad(torch.x, pads), torch.short(self.kernel_size),
            **torch.options("dilation", "stride"), padding=Or(padding, 0),
        )  # fmt: skip
