"""Instance normalisation."""

from __future__ import annotations

from math import prod

from cnncalc.layers.arguments import LayerError, argument, flag, not_negative
from cnncalc.layers.base import Elsewhere, Example, Layer, Weight, per_channel
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.normalization._statistics import standardise, standardise_flops
from cnncalc.layers.reads import Reads, whole
from cnncalc.layers.shapes import Shape, spatial


class InstanceNorm(Layer):
    """Normalises each channel over its own map (Ulyanov et al. 2016, arXiv:1607.08022).

    A map (C, *spatial), kept.  Parameters with ``affine``: a scale and a shift per channel.
    Flops for each channel of n elements: mean n, variance 3·n, normalisation n + 2; then 1 product and 1 add
    per element where a scale and a shift are learned.
    """

    kind = "norm"
    stem = "norm"

    eps = argument(not_negative, "added to the variance", 1e-5)
    affine = argument(flag, "whether it learns a scale and a shift per channel", False)

    example = Example("instancenorm", inputs=((64, 128, 128),), output=(64, 128, 128), flops=64 * (5 * 128 * 128 + 2))
    elsewhere = Elsewhere(
        torch="InstanceNorm{d}d(num_features, eps, momentum, affine)",
        onnx="InstanceNormalization",
        others="MVN",
        compared=True,
    )

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape."""
        spatial(inputs[0], self.type)
        return inputs[0]

    def weights(self, *inputs: Shape) -> dict[str, Weight]:
        """Return weight and bias, each (C,)."""
        channels = Weight((inputs[0][0],))
        return {"weight": channels, "bias": channels} if self.affine else {}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """The statistics of each channel, and two per element for the affine part."""
        statistics = standardise_flops(output[0], prod(output[1:]))
        return statistics + 2 * prod(output) if self.affine else statistics

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that each channel is read whole."""
        return whole(len(output), *range(1, len(output)))

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Normalise each channel, scale and shift."""
        (x,) = inputs
        y = standardise(ops.np, x, tuple(range(2, x.ndim)), self.eps)
        if self.affine:
            y *= per_channel(weights["weight"], x)
            y += per_channel(weights["bias"], x)
        return y

    def to_onnx(self, onnx: Onnx) -> str:
        """InstanceNormalization."""
        channels = onnx.output[:1]
        tensors = [onnx.weight("weight"), onnx.weight("bias")] if self.affine else []
        tensors = tensors or [onnx.filled(1, channels), onnx.filled(0, channels)]
        return onnx.node("InstanceNormalization", onnx.x, *tensors, epsilon=self.eps)

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's module; on more than three spatial axes a group norm with one group per channel."""
        channels, *sizes = torch.shapes[0]
        if prod(sizes) == 1:
            raise LayerError("does not normalise a single number")
        if len(sizes) > 3:
            eps, affine = torch.options("eps"), torch.option(self.affine, True)
            return torch.module("nn.GroupNorm", channels, channels, **eps, affine=affine)(torch.x)
        return torch.module(f"nn.InstanceNorm{len(sizes)}d", channels, **torch.options("eps", "affine"))(torch.x)
