"""Upsampling by interpolation."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Literal

from cnncalc.layers.arguments import LayerError, argument, choice, factor, flag, per_axis, positive
from cnncalc.layers.base import Elsewhere, Example, Layer
from cnncalc.layers.reads import Read, Reads, along, interpolated
from cnncalc.layers.shapes import Shape, spatial
from cnncalc.layers.symbols import floor_product
from cnncalc.layers.window import size_label

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, Ops


_MODES: tuple[Literal["nearest", "linear"], ...] = ("nearest", "linear")


class Upsample(Layer):
    """Resizes the map, by repeating its nearest element or by interpolating between neighbours.

    Input (C, *spatial), output (C, *spatial_out), each spatial axis with ``⌊in · scale_factor⌋`` positions,
    or ``size``.  Flops: nearest 0; linear, on d axes, 2ᵈ products and 2ᵈ − 1 adds per output element
    (the weights of the 2ᵈ neighbours depend on the position alone, and are not counted).

    Where ``scale_factor`` leaves a remainder, the positions follow the factor that is written, not the ratio of the
    sizes: nearest takes position ``⌊i / scale_factor⌋`` for output i, which is the rule of ONNX' Resize (asymmetric,
    floor) and of PyTorch.  PyTorch's CPU departs from it for a map of two axes whose height and width are at most 128
    together: there an axis that becomes exactly twice as long takes ``⌊i / 2⌋``, and one that keeps its length is
    copied.  Linear copies an axis that keeps its length, as PyTorch does everywhere.
    """

    kind = "shape"

    scale_factor = argument(per_axis(factor), "how many times larger each spatial axis gets", None, "scale")
    size = argument(per_axis(positive), "size of the output along each spatial axis", None)
    mode = argument(choice(*_MODES), "linear is bilinear on a map of two axes", "nearest")
    align_corners = argument(flag, "whether linear lets the corner elements' centres meet", False)

    example = Example("upsample: 2", inputs=((256, 13, 13),), output=(256, 26, 26))
    elsewhere = Elsewhere(
        torch="Upsample(size, scale_factor, mode, align_corners)",
        keras="UpSampling{d}D(size=scale_factor)",
        onnx="Resize",
        others="UpsamplingNearest{d}d UpsamplingBilinear{d}d interpolate Interp Resizing "
        "ResizeNearestNeighbor ResizeBilinear",
    )

    def check(self) -> None:
        """Refuse both or neither of the sizes, and corners that nearest does not have."""
        if (self.scale_factor is None) == (self.size is None):
            one = "both are given" if self.size is not None else "neither is given"
            raise LayerError(
                f"takes either scale_factor or size, but {one}",
                argument=None if self.size is None else "size",
                hint="scale_factor: 2 doubles each spatial axis",
            )
        if self.align_corners and self.mode == "nearest":
            raise LayerError(
                "align_corners = true means nothing beside mode = nearest",
                argument="align_corners",
                hint="leave it out, or write 'mode: linear'",
            )

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (C, resized axes)."""
        (shape,) = inputs
        sizes = spatial(shape, self.type)
        if self.scale_factor is None:
            return (shape[0], *(self.size or ()))
        resized = [floor_product(size, scale) for size, scale in zip(sizes, self.scale_factor, strict=True)]
        if min(resized) < 1:
            raise LayerError(
                f"scale_factor = {min(self.scale_factor):g} leaves nothing of an axis of {min(sizes)}",
                argument="scale_factor",
                hint="floor(in · scale_factor) must be 1 or more",
            )
        return (shape[0], *resized)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """None for nearest; the interpolation of every output element for linear."""
        products = 2 ** (len(output) - 1)
        return (products + products - 1) * prod(output) if self.mode == "linear" else 0

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return the nearest element, or the two neighbours on each axis."""
        factors = self.scale_factor or (None,) * (len(output) - 1)
        axes = enumerate(zip(inputs[0][1:], output[1:], factors, strict=True), 1)
        return along(
            Read(0), *[Read(i, interpolated(*axis, self.mode == "linear", self.align_corners)) for i, axis in axes]
        )

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Resize the spatial axes."""
        (x,) = inputs
        resize: dict[str, Any] = {"size": self.size, "scale_factor": self.scale_factor}
        return ops.upsample(x, **resize, mode=self.mode, align_corners=self.align_corners)

    def label(self) -> str:
        """Return ``×2`` or ``56×56``, and the mode."""
        mode = "" if self.mode == "nearest" else f", {self.mode}"
        if self.size is not None:
            return size_label(self.size) + mode
        scales = self.scale_factor if isinstance(self.scale_factor, tuple) else (self.scale_factor,)
        return "".join(f"×{scale:g}" for scale in dict.fromkeys(scales)) + mode
