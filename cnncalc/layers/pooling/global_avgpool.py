"""Average pooling of the whole map."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from cnncalc.layers.arguments import argument, choice
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.pooling._regions import GlobalPool, bin_places
from cnncalc.layers.shapes import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnncalc.layers.element import Element
    from cnncalc.layers.onnx import Onnx
    from cnncalc.layers.ops import Array, NumPy, Ops
    from cnncalc.layers.pytorch import Flow, Torch


class GlobalAvgPool(GlobalPool):
    """Takes the mean of each channel (Lin et al. 2013, "Network in network", arXiv:1312.4400).

    Input (C, *spatial), output (C, 1, …).  Flops per channel: prod(spatial) − 1 adds and 1 division.
    """

    stem = "pool"

    form = argument(
        choice("module", "function", "mean"),
        "how PyTorch code calls it; other tools count the three forms differently",
        "module",
    )

    example = Example("global_avgpool", inputs=((2048, 7, 7),), output=(2048, 1, 1), flops=2048 * (48 + 1))
    elsewhere = Elsewhere(
        keras="GlobalAveragePooling{d}D",
        onnx="GlobalAveragePool",
        others="gap global_avg_pool global_mean_pool",
    )

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One add per element but the first and one division, in every channel."""
        return output[0] * (prod(inputs[0][1:]) - 1 + 1)

    def element(
        self, np: NumPy, at: Shape, inputs: Sequence[Array], weights: Mapping[str, Array], output: Shape
    ) -> Element:
        """Average the channel."""
        from cnncalc.layers.element import mean

        return mean(np, inputs[0], at, bin_places(inputs[0].shape, output, at))

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Take the mean of each channel."""
        return ops.adaptive_avg_pool(inputs[0], output_size=1)

    def to_onnx(self, onnx: Onnx) -> str:
        """GlobalAveragePool."""
        return onnx.node("GlobalAveragePool", onnx.x)

    def to_torch(self, flow: Flow) -> Torch:
        """PyTorch's adaptive pooling to 1, or its mean."""
        from cnncalc.layers.pytorch import Torch, X, call, dims

        d = len(flow.inputs[0]) - 1
        if self.form == "mean" or d > 3:
            return Torch(call(".mean", X, dims(range(1, d + 1)), keepdim=True))
        return Torch(call(f"F.adaptive_avg_pool{d}d", X, 1))
