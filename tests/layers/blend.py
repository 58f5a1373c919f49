"""A layer type that cnncalc does not have, complete in its own file."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from cnncalc.layers.arguments import argument, pads, per_axis, positive
from cnncalc.layers.base import Example, Layer, Weight
from cnncalc.layers.reads import Read, Reads
from cnncalc.layers.shapes import Shape, spatial
from cnncalc.layers.window import Sliding, pads_of, window_counts, window_label

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, Ops


class Blend(Layer):
    """Correlates every channel with one filter that all of them share.

    Input (C, *spatial), output (C, *spatial_out).  Flops: 2 · macs.
    """

    kind = "conv"
    slides = True

    kernel_size = argument(per_axis(positive), "extent of the filter along each spatial axis", symbol="K")
    stride = argument(per_axis(positive), "step from one window to the next", 1, "S")
    padding = argument(pads, "zeros around the map", 0, "P")

    example = Example("blend: 3", inputs=((2, 5, 5),), output=(2, 3, 3), params=9, macs=162, flops=324)

    def window(self, inputs: tuple[Shape, ...]) -> Sliding:
        """Return the filter with its step and its padding."""
        around = pads_of(self.padding, inputs[0][1:], self.kernel_size, self.stride)
        return Sliding(self.kernel_size, self.stride, around, (1,) * len(self.kernel_size))

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (C, windows along each axis)."""
        spatial(inputs[0], self.type)
        return (inputs[0][0], *window_counts(inputs[0], *self.window(inputs)[:3]))

    def weights(self, *inputs: Shape) -> dict[str, Weight]:
        """Return weight, as large as the window."""
        return {"weight": Weight(self.kernel_size)}

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One for each tap at every output element."""
        return prod(output) * prod(self.kernel_size)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """A product and an add for each."""
        return 2 * self.macs(inputs, output)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return the window, each channel by itself."""
        return self.window(inputs).reads(Read(0))

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Correlate each channel by itself."""
        (x,) = inputs
        filters = ops.np.broadcast_to(weights["weight"], (x.shape[1], 1, *weights["weight"].shape))
        return ops.conv(x, filters, stride=self.stride, padding=self.padding, groups=x.shape[1])

    def label(self) -> str:
        """Return ``3×3/2``."""
        return window_label(self.kernel_size, self.stride)
