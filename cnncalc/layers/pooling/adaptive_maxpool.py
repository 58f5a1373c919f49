"""Max pooling to a given size."""

from __future__ import annotations

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.pooling._regions import AdaptivePool


class AdaptiveMaxPool(AdaptivePool):
    """Takes the largest element of each of ``output_size`` bins, for a map of any size.

    Input (C, *spatial), output (C, *output_size); bin i of an axis reaches from ``⌊i·in / out⌋`` to
    ``⌈(i + 1)·in / out⌉``.  Flops for a bin of n elements: n − 1 comparisons.
    """

    stem = "pool"
    largest = True

    example = Example(
        "adaptive_maxpool: 7",
        inputs=((512, 10, 10),),
        output=(512, 7, 7),
        flops=512 * (16 * 16 - 7 * 7),  # bins of 10 into 7: 2 2 3 2 3 2 2
    )
    elsewhere = Elsewhere(
        torch="AdaptiveMaxPool{d}d(output_size)", keras="AdaptiveMaxPooling{d}D(output_size)", compared=True
    )
