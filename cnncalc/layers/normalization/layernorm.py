"""Layer normalisation."""

from __future__ import annotations

from math import prod

from cnncalc.layers.arguments import argument, flag, not_negative
from cnncalc.layers.base import Elsewhere, Example, Weight
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.normalization._over_axes import AxesNorm
from cnncalc.layers.normalization._statistics import standardise, standardise_flops
from cnncalc.layers.shapes import Shape


class LayerNorm(AxesNorm):
    """Normalises over the given axes, separately for each position of the other axes.

    Any shape, kept (Ba et al. 2016, arXiv:1607.06450).  Parameters: a scale and a shift for each position of
    the normalised axes.
    Flops for each set of n elements: mean n, variance 3·n, normalisation n + 2; then 1 product and 1 add per
    element where a scale and a shift are learned.
    """

    stem = "norm"

    eps = argument(not_negative, "added to the variance", 1e-5)
    affine = argument(flag, "whether it learns a scale, and a shift", True)
    bias = argument(flag, "whether the affine part has a shift", True)

    example = Example(
        "layernorm: channels",
        inputs=((96, 56, 56),),
        output=(96, 56, 56),
        params=2 * 96,
        flops=56 * 56 * (5 * 96 + 2) + 2 * 96 * 56 * 56,
    )
    elsewhere = Elsewhere(
        torch="LayerNorm(normalized_shape)",
        keras="LayerNormalization",
        onnx="LayerNormalization",
        others="ln",
        compared=True,
    )

    def weights(self, *inputs: Shape) -> dict[str, Weight]:
        """Return weight and bias, each with the sizes of the normalised axes."""
        weight = Weight(self.sizes(inputs[0]))
        names = ("weight", "bias") if self.bias else ("weight",)
        return dict.fromkeys(names, weight) if self.affine else {}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """The statistics of each set, and one or two per element for the affine part."""
        statistics = standardise_flops(*self.sets(output))
        return statistics + (2 if self.bias else 1) * prod(output) if self.affine else statistics

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Normalise, scale and shift."""
        (x,) = inputs
        over = tuple([i + 1 for i in self.over(x.shape[1:])])
        y = standardise(ops.np, x, over, self.eps)
        shape = [size if i in over else 1 for i, size in enumerate(x.shape)]
        if self.affine:
            y *= weights["weight"].reshape(shape)
        if self.affine and self.bias:
            y += weights["bias"].reshape(shape)
        return y

    def to_onnx(self, onnx: Onnx) -> str:
        """LayerNormalization, with the axes moved to the end; its primitives before opset 17."""
        from cnncalc.layers.onnx import moved_last, standardised

        over = [axis + 1 for axis in self.over(onnx.output)]
        names = [name for name in ("weight", "bias") if onnx.has(name)]
        if onnx.opset < 17:
            y = standardised(onnx, onnx.x, over, self.eps)
            sizes = [size if axis in over else 1 for axis, size in enumerate((1, *onnx.output))]
            for name, op in zip(names, ("Mul", "Add"), strict=False):
                y = onnx.node(op, y, onnx.reshape(onnx.weight(name), sizes))
            return y
        tensors = [onnx.weight(name) for name in names] or [onnx.filled(1, [onnx.output[axis - 1] for axis in over])]
        rest = onnx.output[over[0] - 1 :]
        if prod(rest) == prod([onnx.output[axis - 1] for axis in over]):  # the last axes, ignoring axes of 1
            tensors = [onnx.reshape(tensor, rest) if len(rest) > len(over) else tensor for tensor in tensors]
            return onnx.node("LayerNormalization", onnx.x, *tensors, axis=over[0], epsilon=self.eps)
        order, back = moved_last(len(onnx.output) + 1, over)
        x = onnx.transpose(onnx.x, order)
        made = onnx.node("LayerNormalization", x, *tensors, axis=-len(over), epsilon=self.eps)
        return onnx.transpose(made, back)

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's module, or its function, which work on the last axes."""
        if torch.loose:
            tensors = [torch.weight(name, name == "weight") for name in torch.loose]
            over, sizes, eps = self.over(torch.shapes[0]), self.sizes(torch.shapes[0]), torch.option(self.eps, 1e-5)
            return torch.over_last(over, lambda x: torch.call("F.layer_norm", x, sizes, *tensors, eps=eps))
        options = torch.options("eps", elementwise_affine="affine")
        return self.as_module("nn.LayerNorm", torch, **options, bias=torch.option(self.bias or not self.affine, True))
