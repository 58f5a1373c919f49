"""Normalisation to length 1."""

from __future__ import annotations

from math import prod

from cnncalc.layers.arguments import argument, axes, not_negative
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.normalization._over_axes import AxesNorm
from cnncalc.layers.shapes import Shape


class L2Normalize(AxesNorm):
    """Divides by the length along the given axes, or by ``eps`` if that is larger.

    Any shape, kept.  Flops for each set of n elements: n squares, n − 1 adds, 1 root, 1 comparison, n divisions.
    """

    stem = "norm"

    axis = argument(axes, "the axis, or list of axes, along which the length becomes 1", 0)
    eps = argument(not_negative, "lower bound of the divisor", 1e-12)

    example = Example("l2_normalize: -1", inputs=((197, 64),), output=(197, 64), flops=197 * (2 * 64 + 1) + 197 * 64)
    elsewhere = Elsewhere(
        keras="UnitNormalization(axis)",
        onnx="LpNormalization",
        others="l2norm L2Normalization normalize_l2 unit_norm",
        compared=True,
    )

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """The length of each set, and one division per element."""
        sets, n = self.sets(output)
        return sets * (2 * n + 1) + prod(output)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Divide by the length."""
        (x,) = inputs
        over = tuple([i + 1 for i in self.over(x.shape[1:])])
        length = ops.np.sqrt((x * x).sum(axis=over, keepdims=True))
        return x / ops.np.maximum(length, self.eps)

    def to_onnx(self, onnx: Onnx) -> str:
        """ReduceL2, a lower bound, and the division, since LpNormalization has no bound."""
        over = [axis + 1 for axis in self.over(onnx.output)]
        length = onnx.node("Max", onnx.reduce("ReduceL2", onnx.x, over), onnx.number(self.eps))
        return onnx.node("Div", onnx.x, length)

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function."""
        over = self.over(torch.shapes[0])
        return torch.call("F.normalize", torch.x, dim=torch.option(torch.dims(over), 1), **torch.options("eps"))
