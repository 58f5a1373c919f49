"""Root mean square normalisation."""

from __future__ import annotations

from math import prod

from cnncalc.layers.arguments import argument, flag, not_negative
from cnncalc.layers.base import Elsewhere, Example, Weight
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.normalization._over_axes import AxesNorm
from cnncalc.layers.shapes import Shape


class RMSNorm(AxesNorm):
    """Divides by the root of the mean square over the given axes (Zhang and Sennrich 2019, arXiv:1910.07467).

    Any shape, kept.  Parameters: a scale for each position of the normalised axes.
    Flops for each set of n elements: n squares, n − 1 adds and 1 division for the mean, 1 add of eps, 1 root and
    n divisions; then 1 product per element where a scale is learned.
    """

    stem = "norm"

    eps = argument(not_negative, "added to the mean square", 1e-6)
    affine = argument(flag, "whether it learns a scale", True)

    example = Example(
        "rmsnorm: channels",
        inputs=((96, 56, 56),),
        output=(96, 56, 56),
        params=96,
        flops=56 * 56 * (3 * 96 + 2) + 96 * 56 * 56,
    )
    elsewhere = Elsewhere(torch="RMSNorm(axis, eps)", onnx="RMSNormalization", compared=True)

    def weights(self, *inputs: Shape) -> dict[str, Weight]:
        """Return weight with the sizes of the normalised axes."""
        return {"weight": Weight(self.sizes(inputs[0]))} if self.affine else {}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """The mean square of each set, and one per element for the scale."""
        sets, n = self.sets(output)
        statistics = sets * (3 * n + 2)
        return statistics + prod(output) if self.affine else statistics

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Normalise, and scale."""
        (x,) = inputs
        over = tuple([i + 1 for i in self.over(x.shape[1:])])
        y: Array = x / ops.np.sqrt((x * x).mean(axis=over, keepdims=True) + self.eps)
        if self.affine:
            y *= weights["weight"].reshape([size if i in over else 1 for i, size in enumerate(x.shape)])
        return y

    def to_onnx(self, onnx: Onnx) -> str:
        """The root of the mean square, and the division; most runtimes don't have RMSNormalization yet."""
        over = [axis + 1 for axis in self.over(onnx.output)]
        squares = onnx.reduce("ReduceMean", onnx.node("Pow", onnx.x, onnx.number(2)), over)
        y = onnx.node("Div", onnx.x, onnx.node("Sqrt", onnx.node("Add", squares, onnx.number(self.eps))))
        if self.affine:
            sizes = [size if axis + 1 in over else 1 for axis, size in enumerate(onnx.output)]
            y = onnx.node("Mul", y, onnx.reshape(onnx.weight("weight"), sizes))
        return y

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's module, which works on the last axes."""
        return self.as_module("nn.RMSNorm", torch, eps=self.eps, **torch.options(elementwise_affine="affine"))
