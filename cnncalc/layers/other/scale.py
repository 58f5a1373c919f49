"""A learned factor per channel."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from cnncalc.layers.arguments import argument, flag, integers, number
from cnncalc.layers.base import Elsewhere, Example, Layer, Weight
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.other._learned import learned_shape, met
from cnncalc.layers.shapes import Shape

_MODULE = '''
class Scale(nn.Module):
    """Learned factors, and perhaps summands: one for each channel, or of any shape."""

    def __init__(self, *shape, init=1.0, bias=False, trainable=True):
        super().__init__()
        self.biased = bias
        tensors = {"weight": torch.full(shape, init)}
        if bias:
            tensors["bias"] = torch.zeros(shape)
        for name, tensor in tensors.items():
            if trainable:
                self.register_parameter(name, nn.Parameter(tensor))
            else:
                self.register_buffer(name, tensor)

    def forward(self, x):
        shape = self.weight.shape
        if len(shape) == 1:
            shape = (-1, *[1] * (x.dim() - 2))
        x = x * self.weight.view(shape)
        return x + self.bias.view(shape) if self.biased else x
'''


class Scale(Layer):
    """Multiplies every channel by a learned factor: LayerScale (Touvron et al. 2021, arXiv:2103.17239).

    Any shape, kept.  With ``shape`` the factors have as many axes as the input, each of the same size or of 1
    (broadcast).  Flops: 1 product per element, and 1 add with ``bias``.
    """

    init = argument(number, "initial value of the factors in training", 1.0)
    bias = argument(flag, "whether each channel adds a constant", False)
    shape = argument(integers, "the factors' shape, 1 on broadcast axes; default: one per channel", None)
    trainable = argument(flag, "whether training changes them; else they are a buffer", True)

    example = Example("scale: 0.000001", inputs=((96, 56, 56),), output=(96, 56, 56), params=96, flops=96 * 56 * 56)
    elsewhere = Elsewhere(others="LayerScale channel_scale", compared=True)

    def weights(self, *inputs: Shape) -> dict[str, Weight]:
        """Return weight and bias, (C,) or of the given shape."""
        shape = learned_shape(self.shape, inputs[0])
        channels = Weight(shape[:1] if self.shape is None else shape, self.trainable)
        return {"weight": channels, "bias": channels} if self.bias else {"weight": channels}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One product per element, and one add for the bias."""
        return (2 if self.bias else 1) * prod(output)

    def is_affine(self) -> bool:
        """Return whether each channel has one factor."""
        return self.shape is None

    def as_affine(self, weights: Mapping[str, Array]) -> tuple[Array, Array]:
        """Return weight, and bias or zeros."""
        return weights["weight"], weights["bias"] if "bias" in weights else 0 * weights["weight"]

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Multiply by the factors, and add the bias."""
        (x,) = inputs
        y = x * met(weights["weight"], x, self.shape)
        if self.bias:
            y += met(weights["bias"], x, self.shape)
        return y

    def to_onnx(self, onnx: Onnx) -> str:
        """Mul, and Add."""
        shown = onnx.channels if self.shape is None else onnx.weight
        y = onnx.node("Mul", onnx.x, shown("weight"))
        return onnx.node("Add", y, shown("bias")) if self.bias else y

    def to_torch(self, torch: Torch) -> TensorCode:
        """A product with the factors, or a module that has them."""
        if torch.loose:
            by_channel = self.shape is None
            y = torch.call("*", torch.x, torch.met("weight", by_channel, self.init))
            return torch.call("+", y, torch.met("bias", by_channel)) if self.bias else y
        torch.define(_MODULE)
        scaled = torch.module(
            "Scale",
            *self.weights(*torch.shapes)["weight"].shape,
            **torch.options("init", "bias", "trainable"),
        )
        return scaled(torch.x)
