"""Max pooling of the whole map."""

from __future__ import annotations

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.pooling._regions import GlobalPool


class GlobalMaxPool(GlobalPool):
    """Takes the largest element of each channel.

    Input (C, *spatial), output (C, 1, …).  Flops per channel: prod(spatial) − 1 comparisons.
    """

    stem = "pool"
    largest = True

    example = Example("global_maxpool", inputs=((512, 7, 7),), output=(512, 1, 1), flops=512 * 48)
    elsewhere = Elsewhere(keras="GlobalMaxPooling{d}D", onnx="GlobalMaxPool", others="gmp", compared=True)
