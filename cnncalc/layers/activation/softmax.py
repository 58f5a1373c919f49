"""Softmax."""

from __future__ import annotations

from cnncalc.layers.activation._softmax import AlongAxis, or_zero, softmax
from cnncalc.layers.arguments import argument, flag
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.shapes import batched


class Softmax(AlongAxis):
    """``eˣ / Σ eˣ`` along one axis, computed from ``x − max x`` so that no exp overflows.

    Any shape, kept.  Flops for each line of n elements: n − 1 comparisons (the maximum), n subtractions,
    n exps, n − 1 adds, n divisions.
    """

    zero_masked = argument(flag, "whether a line of nothing but −∞ gives 0 instead of NaN", False)

    example = Example("softmax", inputs=((1000,),), output=(1000,), flops=999 + 1000 + 1000 + 999 + 1000)
    elsewhere = Elsewhere(
        torch="Softmax(dim)",
        keras="Softmax(axis)",
        onnx="Softmax",
        others="Softmax2d SoftmaxActivation SoftmaxOutput",
        compared=True,
    )

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Exponentiate, and divide by the sum."""
        return softmax(ops.np, inputs[0], batched(self.axis), self.zero_masked)

    def to_onnx(self, onnx: Onnx) -> str:
        """Softmax, with NaN replaced by 0 if wholly masked lines give 0."""
        y = super().to_onnx(onnx)
        return or_zero(onnx, y) if self.zero_masked else y

    def to_torch(self, torch: Torch) -> TensorCode:
        """Softmax along the axis, with NaN replaced by 0 if wholly masked lines give 0."""
        value = super().to_torch(torch)
        return torch.call(".nan_to_num", value) if self.zero_masked else value
