"""The base class of layers between a map and the patches under a sliding window."""

from __future__ import annotations

from cnncalc.layers.arguments import argument, pads, per_axis, positive
from cnncalc.layers.base import Layer
from cnncalc.layers.shapes import Shape
from cnncalc.layers.window import Pair, pads_of, window_counts, window_label


class Patches(Layer):
    """Has a window that slides over a map, as that of a convolution does."""

    kind = "shape"

    kernel_size = argument(per_axis(positive), "extent of the window along each spatial axis", symbol="K")
    stride = argument(per_axis(positive), "step from one window to the next", 1, "S")
    padding = argument(pads, "padding around the map", 0, "P")
    dilation = argument(per_axis(positive), "step from one tap of the window to the next", 1, "D")

    def counts(self, sizes: Shape) -> Shape:
        """Return the number of windows along each axis of a map.  Raises LayerError if none fits."""
        return window_counts((1, *sizes), self.kernel_size, self.stride, self.pads(sizes), self.dilation)

    def pads(self, sizes: Shape) -> tuple[Pair, ...]:
        """Return the padding (before, after) of each axis."""
        return pads_of(self.padding, sizes, self.kernel_size, self.stride, self.dilation)

    def places(self, counts: Shape, taps: tuple[int, ...]) -> tuple[slice, ...]:
        """Return the part of a padded map that one tap of all windows lies on."""
        axes = zip(counts, taps, self.stride, self.dilation, strict=True)
        return tuple([slice(tap * d, tap * d + s * (n - 1) + 1, s) for n, tap, s, d in axes])

    def label(self) -> str:
        """Return ``3×3/2``."""
        return window_label(self.kernel_size, self.stride, self.dilation)
