"""Max pooling of the whole map."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.pooling._regions import GlobalPool, bin_places
from cnncalc.layers.shapes import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnncalc.layers.element import Element
    from cnncalc.layers.ops import Array, NumPy, Ops
    from cnncalc.layers.pytorch import Flow, Torch


class GlobalMaxPool(GlobalPool):
    """Takes the largest element of each channel.

    Input (C, *spatial), output (C, 1, …).  Flops per channel: prod(spatial) − 1 comparisons.
    """

    stem = "pool"

    example = Example("global_maxpool", inputs=((512, 7, 7),), output=(512, 1, 1), flops=512 * 48)
    elsewhere = Elsewhere(keras="GlobalMaxPooling{d}D", onnx="GlobalMaxPool", others="gmp")

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One comparison per element but the first, in every channel."""
        return output[0] * (prod(inputs[0][1:]) - 1)

    def element(
        self, np: NumPy, at: Shape, inputs: Sequence[Array], weights: Mapping[str, Array], output: Shape
    ) -> Element:
        """Take the largest of the channel."""
        from cnncalc.layers.element import largest

        return largest(np, inputs[0], at, bin_places(inputs[0].shape, output, at))

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Take the largest of each channel."""
        return ops.adaptive_max_pool(inputs[0], output_size=1)

    def to_torch(self, flow: Flow) -> Torch:
        """PyTorch's adaptive pooling to 1."""
        from cnncalc.layers.pytorch import Torch, X, call, dims

        d = len(flow.inputs[0]) - 1
        if d > 3:
            return Torch(call(".amax", X, dims(range(1, d + 1)), keepdim=True))
        return Torch(call(f"F.adaptive_max_pool{d}d", X, 1))
