"""Average pooling of the whole map."""

from __future__ import annotations

from cnncalc.layers.arguments import argument, choice
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import TensorCode, Torch
from cnncalc.layers.pooling._regions import GlobalPool


class GlobalAvgPool(GlobalPool):
    """Takes the mean of each channel (Lin et al. 2013, "Network in network", arXiv:1312.4400).

    Input (C, *spatial), output (C, 1, …).  Flops per channel: prod(spatial) − 1 adds and 1 division.
    """

    stem = "pool"
    largest = False

    form = argument(
        choice("module", "function", "mean"),
        "form in PyTorch code; other tools count the three forms differently",
        "module",
    )

    sums = True

    example = Example("global_avgpool", inputs=((2048, 7, 7),), output=(2048, 1, 1), flops=2048 * (48 + 1))
    elsewhere = Elsewhere(
        keras="GlobalAveragePooling{d}D",
        onnx="GlobalAveragePool",
        others="gap global_avg_pool global_mean_pool",
        compared=True,
    )

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's adaptive pooling to 1, or its mean."""
        return self.torch_reduced(torch) if self.form == "mean" else super().to_torch(torch)
