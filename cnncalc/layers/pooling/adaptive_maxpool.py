"""Max pooling to a given size."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.pooling._regions import AdaptivePool, bin_places
from cnncalc.layers.shapes import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnncalc.layers.element import Element
    from cnncalc.layers.ops import Array, NumPy, Ops
    from cnncalc.layers.pytorch import Flow, Torch


class AdaptiveMaxPool(AdaptivePool):
    """Takes the largest element of each of ``output_size`` bins, whatever the size of the map.

    Input (C, *spatial), output (C, *output_size); bin i of an axis reaches from ``⌊i·in / out⌋`` to
    ``⌈(i + 1)·in / out⌉``.  Flops for a bin of n elements: n − 1 comparisons.
    """

    stem = "pool"
    pool = "MaxPool"
    reduction = "ReduceMax"

    example = Example(
        "adaptive_maxpool: 7",
        inputs=((512, 10, 10),),
        output=(512, 7, 7),
        flops=512 * (16 * 16 - 7 * 7),  # bins of 10 into 7: 2 2 3 2 3 2 2
    )
    elsewhere = Elsewhere(torch="AdaptiveMaxPool{d}d(output_size)", keras="AdaptiveMaxPooling{d}D(output_size)")

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """As many as the bins have elements, less one a bin."""
        return prod(self.bins(inputs, output)) - prod(output)

    def element(
        self, np: NumPy, at: Shape, inputs: Sequence[Array], weights: Mapping[str, Array], output: Shape
    ) -> Element:
        """Take the largest of the bin."""
        from cnncalc.layers.element import largest

        return largest(np, inputs[0], at, bin_places(inputs[0].shape, output, at))

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Take the largest of each bin."""
        return ops.adaptive_max_pool(inputs[0], output_size=self.output_size)

    def to_torch(self, flow: Flow) -> Torch:
        """PyTorch's function."""
        from cnncalc.layers.pooling._pytorch import adaptive

        return adaptive(flow, "F.adaptive_max_pool{d}d", self.output_size)
