"""Local response normalisation."""

from __future__ import annotations

from math import prod

from cnncalc.layers.arguments import argument, not_negative, number, positive
from cnncalc.layers.base import Elsewhere, Example, Layer
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import Read, Reads, along, kept, sliding
from cnncalc.layers.shapes import Shape


class LRN(Layer):
    """Divides each element by ``(k + α / size · Σ x²)^β``, the sum over ``size`` neighbouring channels.

    Any shape, kept (Krizhevsky et al. 2012, section 3.3; its α is PyTorch's and Caffe's α / size).
    Flops per element: 1 square, size − 1 adds, 1 product by α / size, 1 add of k, 1 power, 1 division.
    """

    kind = "norm"
    stem = "norm"
    label_format = "{size}"

    size = argument(positive, "number of neighbouring channels", symbol="n")
    alpha = argument(not_negative, "weight of the mean square", 1e-4)
    beta = argument(number, "exponent", 0.75)
    k = argument(not_negative, "added to the weighted mean square", 1.0)

    example = Example(
        "lrn: {size: 5, alpha: 0.0001, beta: 0.75, k: 2}",
        inputs=((96, 55, 55),),
        output=(96, 55, 55),
        flops=9 * 96 * 55 * 55,  # 1 + 4 + 1 + 1 + 1 + 1
    )
    elsewhere = Elsewhere(
        torch="LocalResponseNorm(size, alpha, beta, k)",
        onnx="LRN",
        others="LocalResponseNormalization CrossMapLRN2d",
        compared=True,
    )

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Five per element, and the adds of the window."""
        return prod(output) * (self.size - 1 + 5)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return the neighbouring channels."""
        return along(Read(0, sliding(self.size, before=self.size // 2)), *kept(len(output))[1:])

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Sum squares over a window of channels; channels beyond the ends are zeros."""
        (x,) = inputs
        before, after = (min(reach, x.shape[1] - 1) for reach in (self.size // 2, (self.size - 1) // 2))
        squares = ops.np.moveaxis(x * x, 1, -1)
        squares = ops.np.pad(squares, [*[(0, 0)] * (x.ndim - 1), (before, after)])
        sums = sum(squares[..., i : i + x.shape[1]] for i in range(before + 1 + after))
        divisor: Array = (self.k + self.alpha / self.size * sums) ** self.beta
        return x / ops.np.moveaxis(divisor, -1, 1)

    def to_onnx(self, onnx: Onnx) -> str:
        """LRN of a map with an odd window; else its primitives, since ONNX centres an even window differently."""
        if self.size % 2 and len(onnx.output) == 3:
            return onnx.node("LRN", onnx.x, size=self.size, alpha=self.alpha, beta=self.beta, bias=self.k)
        lines = onnx.reshape(onnx.node("Mul", onnx.x, onnx.x), [0, 1, onnx.output[0], -1])
        before = self.size // 2
        mean = onnx.node(
            "AveragePool", lines, kernel_shape=[self.size, 1], pads=[before, 0, self.size - 1 - before, 0],
            count_include_pad=1,
        )  # fmt: skip
        sums = onnx.node("Mul", onnx.reshape(mean, [0, *onnx.output]), onnx.number(self.alpha))
        divisor = onnx.node("Pow", onnx.node("Add", sums, onnx.number(self.k)), onnx.number(self.beta))
        return onnx.node("Div", onnx.x, divisor)

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function, which takes only maps."""
        options = torch.options("alpha", "beta", "k")
        if len(torch.output) > 1:
            return torch.call("F.local_response_norm", torch.x, self.size, **options)
        normed = torch.call("F.local_response_norm", torch.call(".unsqueeze", torch.x, -1), self.size, **options)
        return torch.call(".squeeze", normed, -1)
