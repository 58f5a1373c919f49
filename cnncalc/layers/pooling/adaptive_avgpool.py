"""Average pooling to a given size."""

from __future__ import annotations

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.pooling._regions import AdaptivePool


class AdaptiveAvgPool(AdaptivePool):
    """Takes the mean of each of ``output_size`` bins, for a map of any size.

    Input (C, *spatial), output (C, *output_size); bin i of an axis reaches from ``⌊i·in / out⌋`` to
    ``⌈(i + 1)·in / out⌉``.  Flops for a bin of n elements: n − 1 adds and 1 division.
    """

    stem = "pool"
    largest = False

    example = Example(
        "adaptive_avgpool: 6",
        inputs=((256, 13, 13),),
        output=(256, 6, 6),
        flops=256 * 18 * 18,  # bins of 13 into 6: 3 3 3 3 3 3
    )
    elsewhere = Elsewhere(
        torch="AdaptiveAvgPool{d}d(output_size)", keras="AdaptiveAveragePooling{d}D(output_size)", compared=True
    )
