"""Average pooling to a given size."""

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


class AdaptiveAvgPool(AdaptivePool):
    """Takes the mean of each of ``output_size`` bins, whatever the size of the map.

    Input (C, *spatial), output (C, *output_size); bin i of an axis reaches from ``⌊i·in / out⌋`` to
    ``⌈(i + 1)·in / out⌉``.  Flops for a bin of n elements: n − 1 adds and 1 division.
    """

    stem = "pool"
    pool = "AveragePool"
    reduction = "ReduceMean"

    example = Example(
        "adaptive_avgpool: 6",
        inputs=((256, 13, 13),),
        output=(256, 6, 6),
        flops=256 * 18 * 18,  # bins of 13 into 6: 3 3 3 3 3 3
    )
    elsewhere = Elsewhere(torch="AdaptiveAvgPool{d}d(output_size)", keras="AdaptiveAveragePooling{d}D(output_size)")

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """As many as the bins have elements."""
        return prod(self.bins(inputs, output))

    def element(
        self, np: NumPy, at: Shape, inputs: Sequence[Array], weights: Mapping[str, Array], output: Shape
    ) -> Element:
        """Average the bin."""
        from cnncalc.layers.element import mean

        return mean(np, inputs[0], at, bin_places(inputs[0].shape, output, at))

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Take the mean of each bin."""
        return ops.adaptive_avg_pool(inputs[0], output_size=self.output_size)

    def to_torch(self, flow: Flow) -> Torch:
        """PyTorch's function."""
        from cnncalc.layers.pooling._pytorch import adaptive

        return adaptive(flow, "F.adaptive_avg_pool{d}d", self.output_size)
