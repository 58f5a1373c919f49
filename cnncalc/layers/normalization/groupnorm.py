"""Group normalisation."""

from __future__ import annotations

from math import prod

from cnncalc.layers.arguments import LayerError, argument, flag, not_negative, positive
from cnncalc.layers.base import Elsewhere, Example, Layer, Weight, per_channel
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.normalization._statistics import standardise, standardise_flops
from cnncalc.layers.reads import WHOLE, Read, Reads, along, grouped
from cnncalc.layers.shapes import Shape, check_divides


class GroupNorm(Layer):
    """Normalises over each of ``num_groups`` groups of channels (Wu and He 2018, arXiv:1803.08494).

    Any shape, kept.  Parameters: a scale and a shift per channel.
    Flops for each group of n elements: mean n, variance 3·n, normalisation n + 2; then 1 product and 1 add
    per element where a scale and a shift are learned.
    """

    kind = "norm"
    stem = "norm"
    label_format = "{num_groups} groups"

    num_groups = argument(positive, "number of groups of channels", symbol="G")
    eps = argument(not_negative, "added to the variance", 1e-5)
    affine = argument(flag, "whether it learns a scale and a shift per channel", True)

    example = Example(
        "groupnorm: 32",
        inputs=((256, 56, 56),),
        output=(256, 56, 56),
        params=2 * 256,
        flops=32 * (5 * 8 * 56 * 56 + 2) + 2 * 256 * 56 * 56,
    )
    elsewhere = Elsewhere(
        torch="GroupNorm(num_groups, num_channels, eps, affine)",
        keras="GroupNormalization(groups)",
        onnx="GroupNormalization",
        others="gn",
        compared=True,
    )

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape."""
        check_divides("num_groups", self.num_groups, inputs[0][0])
        return inputs[0]

    def weights(self, *inputs: Shape) -> dict[str, Weight]:
        """Return weight and bias, each (C,)."""
        channels = Weight((inputs[0][0],))
        return {"weight": channels, "bias": channels} if self.affine else {}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """The statistics of each group, and two per element for the affine part."""
        members = (output[0] // self.num_groups) * prod(output[1:])
        statistics = standardise_flops(self.num_groups, members)
        return statistics + 2 * prod(output) if self.affine else statistics

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that each group is read whole."""
        members = output[0] // self.num_groups
        return along(Read(0, grouped(members, members)), *[WHOLE] * (len(output) - 1))

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Normalise each group, scale and shift."""
        (x,) = inputs
        groups = x.reshape(x.shape[0], self.num_groups, -1)
        y = standardise(ops.np, groups, (2,), self.eps).reshape(x.shape)
        if self.affine:
            y *= per_channel(weights["weight"], x)
            y += per_channel(weights["bias"], x)
        return y

    def to_onnx(self, onnx: Onnx) -> str:
        """GroupNormalization; before opset 21, InstanceNormalization of the groups as channels."""
        if onnx.opset >= 21:
            channels = onnx.output[:1]
            tensors = [onnx.weight("weight"), onnx.weight("bias")] if self.affine else []
            tensors = tensors or [onnx.filled(1, channels), onnx.filled(0, channels)]
            return onnx.node("GroupNormalization", onnx.x, *tensors, num_groups=self.num_groups, epsilon=self.eps)
        groups = onnx.reshape(onnx.x, [0, self.num_groups, -1])
        one, zero = (onnx.filled(value, [self.num_groups]) for value in (1, 0))
        y = onnx.reshape(onnx.node("InstanceNormalization", groups, one, zero, epsilon=self.eps), [0, *onnx.output])
        if self.affine:
            y = onnx.node("Add", onnx.node("Mul", y, onnx.channels("weight")), onnx.channels("bias"))
        return y

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's module."""
        if prod(torch.output) == self.num_groups:
            raise LayerError("does not normalise a single number")
        options = torch.options("eps", "affine")
        return torch.module("nn.GroupNorm", self.num_groups, torch.shapes[0][0], **options)(torch.x)
