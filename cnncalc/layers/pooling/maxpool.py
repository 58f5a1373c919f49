"""Max pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Element, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.pooling._windowed import WindowPool
from cnncalc.layers.shapes import Shape

LEAST = (2.0**-23 - 2) * 2.0**127
"""The smallest finite number in float32."""


class MaxPool(WindowPool):
    """Takes the largest element of each window; padding never wins.

    Input (C, *spatial), output (C, *spatial_out), each spatial axis with
    ``⌊(in + P_before + P_after − D·(K − 1) − 1) / S⌋ + 1`` positions.
    Flops: prod(kernel_size) − 1 comparisons per output element.
    """

    stem = "pool"
    pooling = "max"

    example = Example(
        "maxpool: {kernel_size: 3, stride: 2, padding: 1}",
        inputs=((64, 112, 112),),
        output=(64, 56, 56),
        flops=64 * 56 * 56 * 8,
    )
    elsewhere = Elsewhere(
        torch="MaxPool{d}d(kernel_size, stride, padding, dilation, return_indices, ceil_mode)",
        keras="MaxPooling{d}D(pool_size, strides, padding)",
        onnx="MaxPool",
        compared=True,
    )

    def element(self, ops: Ops, at: Shape, inputs: Sequence[Array], weights: Mapping[str, Array]) -> Element:
        """Take the largest of the window."""
        from cnncalc.layers.element import largest, slid

        return largest(ops.np, inputs[0], at, slid(self.window((inputs[0].shape,)), at))

    def to_onnx(self, onnx: Onnx) -> str:
        """MaxPool; overhang becomes padding, and a window completely in it gives the smallest finite number."""
        x, window = self.padded_in_onnx(onnx, self.covered(onnx.shapes[0], onnx.output), LEAST)
        return onnx.node("MaxPool", x, **window.to_onnx())

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function; ``F.pad`` first adds borders that it does not accept."""
        from cnncalc.layers.pooling._pytorch import largest

        return largest(self, torch)
