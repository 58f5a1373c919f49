"""A learned tensor that is added."""

from __future__ import annotations

from cnncalc.layers.arguments import argument, flag, integers, number
from cnncalc.layers.base import Elsewhere, Example, Layer, Weight
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.other._learned import learned_shape, met
from cnncalc.layers.shapes import Shape, crossed

_MODULE = '''
class Shift(nn.Module):
    """Learned summands: one for each channel, or of any shape."""

    def __init__(self, *shape, init=0.0, trainable=True):
        super().__init__()
        if trainable:
            self.weight = nn.Parameter(torch.full(shape, init))
        else:
            self.register_buffer("weight", torch.full(shape, init))

    def forward(self, x):
        shape = self.weight.shape
        if len(shape) == 1:
            shape = (-1, *[1] * (x.dim() - 2))
        return x + self.weight.view(shape)
'''


class Shift(Layer):
    """Adds a learned tensor: the positions of a transformer, the bias table of an attention.

    Any shape, kept.  The tensor has as many axes as the input, each of the same size or of 1 (broadcast); by default it
    has one element per channel.  Flops: 1 add per element.
    """

    shape = argument(integers, "the learned tensor's shape, 1 on broadcast axes; default: one value per channel", None)
    trainable = argument(flag, "whether training changes it; else it is a buffer, as a mask is", True)
    init = argument(number, "initial value in training", 0.0)

    sums = True
    operations = 1

    example = Example("shift: [197, 192]", inputs=((197, 192),), output=(197, 192), params=197 * 192, flops=197 * 192)
    elsewhere = Elsewhere(others="Bias BiasAdd", compared=True)

    def weights(self, *inputs: Shape) -> dict[str, Weight]:
        """Return weight with the learned tensor's shape, (C,) by default."""
        shape = learned_shape(self.shape, inputs[0])
        return {"weight": Weight(shape[:1] if self.shape is None else shape, self.trainable)}

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Add."""
        (x,) = inputs
        return x + met(weights["weight"], x, self.shape)

    def to_onnx(self, onnx: Onnx) -> str:
        """Add."""
        return onnx.node("Add", onnx.x, onnx.channels("weight") if self.shape is None else onnx.weight("weight"))

    def to_torch(self, torch: Torch) -> TensorCode:
        """A sum with the summands, or a module that has them."""
        if torch.loose:
            return torch.call("+", torch.x, torch.met("weight", self.shape is None, self.init))
        shape = self.weights(*torch.shapes)["weight"].shape
        torch.define(_MODULE)
        return torch.module("Shift", *shape, **torch.options("init", "trainable"))(torch.x)

    def label(self) -> str:
        """Return the shape."""
        return "" if self.shape is None else crossed(self.shape)
