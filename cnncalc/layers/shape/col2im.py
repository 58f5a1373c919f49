"""The sum of overlapping patches."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

from cnncalc.layers.arguments import LayerError, argument, integers
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.pytorch import Or
from cnncalc.layers.reads import Along, Read, Reads
from cnncalc.layers.shape._patches import Patches
from cnncalc.layers.shapes import Shape, crossed, shape_text


class Col2Im(Patches):
    """Adds up patches where they overlap, in a map of zeros: PyTorch's Fold, the counterpart of ``im2col``.

    Input (C·prod(K), L): a column for each of the L windows of the map; output (C, *output_size).  Padding is cut off
    the map's borders, with what lies there.  Flops: 1 add per input element.
    """

    output_size = argument(integers, "size of the map along each axis")

    example = Example(
        "col2im: {output_size: [8, 8], kernel_size: 3, padding: 1, stride: 2}",
        inputs=((36, 16),),
        output=(4, 8, 8),
        flops=36 * 16,
    )
    elsewhere = Elsewhere(
        torch="Fold(output_size, kernel_size, dilation, padding, stride)", onnx="Col2Im", others="fold2d"
    )

    def map_axes(self, inputs: tuple[Shape, ...]) -> int:
        """Return the axes of the output."""
        return len(self.output_size)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (C, *output_size)."""
        (shape,) = inputs
        if len(shape) != 2:
            raise LayerError(f"takes columns [C·K, L], but its input is {shape_text(shape)}", hint="reshape it first")
        rows, windows = shape
        taps, counts = prod(self.kernel_size), self.counts(self.output_size)
        if rows % taps:
            raise LayerError(f"a window has {taps} taps, which do not divide {rows} rows", argument="kernel_size")
        if prod(counts) != windows:
            raise LayerError(
                f"a map of {crossed(self.output_size)} has {crossed(counts)} windows, but {windows} come in",
                argument="output_size",
            )
        return (rows // taps, *self.output_size)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One for each input element."""
        return prod(inputs[0])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that an element may be the sum of any taps."""
        return ((Along((Read(None, None, False), Read(None, None, False))),),)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Add the patches, tap by tap."""
        (x,) = inputs
        pads, counts = self.pads(self.output_size), self.counts(self.output_size)
        parts = x.reshape(len(x), -1, *self.kernel_size, *counts)
        whole = [size + before + after for size, (before, after) in zip(self.output_size, pads, strict=True)]
        total = ops.np.zeros((len(x), parts.shape[1], *whole), x.dtype)
        for taps in product(*map(range, self.kernel_size)):
            place: Any = (..., *self.places(counts, taps))
            part: Any = (slice(None), slice(None), *taps)
            total[place] += parts[part]
        kept: Any = [slice(before, before + size) for size, (before, _) in zip(self.output_size, pads, strict=True)]
        return total[(..., *kept)]

    def to_onnx(self, onnx: Onnx) -> str:
        """Col2Im."""
        onnx.needs(18, "Col2Im")
        pads = self.pads(self.output_size)
        sizes = [onnx.integers(value) for value in (self.output_size, self.kernel_size)]
        sides = (*[before for before, _ in pads], *[after for _, after in pads])
        return onnx.node("Col2Im", onnx.x, *sizes, strides=self.stride, dilations=self.dilation, pads=sides)

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function for maps of two axes; what differs at both ends of an axis is cut off after it."""
        if len(self.output_size) != 2:
            raise LayerError("folds maps of two axes only")
        pads = self.pads(self.output_size)
        is_even = all(before == after for before, after in pads)
        size = tuple([n + (0 if is_even else sum(pair)) for n, pair in zip(self.output_size, pads, strict=True)])
        y = torch.call(
            "F.fold", torch.x, size, torch.short(self.kernel_size), **torch.options("dilation", "stride"),
            padding=Or(torch.short(tuple([a for a, _ in pads])) if is_even else 0, 0),
        )  # fmt: skip
        kept = [slice(before, before + n) for n, (before, _) in zip(self.output_size, pads, strict=True)]
        return y if is_even else torch.index(torch.index(y, 1, kept[0]), 2, kept[1])

    def label(self) -> str:
        """Return ``3×3/2 to 8×8``."""
        return f"{super().label()} to {crossed(self.output_size)}"
