"""A learned tensor by itself."""

from __future__ import annotations

from cnncalc.layers.arguments import LayerError, argument, flag, integers
from cnncalc.layers.base import Elsewhere, Example, Layer, Weight
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.shapes import Shape, shape_text

_MODULE = '''
class Parameter(nn.Module):
    """A learned tensor by itself, the same for every sample."""

    def __init__(self, *shape, trainable=True):
        super().__init__()
        if trainable:
            self.weight = nn.Parameter(torch.zeros(shape))
        else:
            self.register_buffer("weight", torch.zeros(shape))

    def forward(self):
        return self.weight[None]
'''


class Parameter(Layer):
    """A learned tensor without an input, such as a transformer's class token, to be joined or merged with other
    tensors.

    No input; output ``shape``, the same for every sample of a batch, and counted once for all.  Flops: 0.
    """

    stem = "param"
    operations = 0
    arity = (0, 0)
    label_format = "{shape}"

    shape = argument(integers, "the tensor's shape")
    trainable = argument(flag, "whether training changes it; else it is a buffer", True)

    example = Example("parameter: [1, 192]", inputs=(), output=(1, 192), params=192)
    elsewhere = Elsewhere(torch="Parameter", compared=True)

    def check(self) -> None:
        """Refuse sizes below 1."""
        if not self.shape or min(self.shape) < 1:
            raise LayerError(
                f"shape = {shape_text(self.shape)} must have positive sizes", argument="shape", hint="[1, 192]"
            )

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the shape."""
        return self.shape

    def weights(self, *inputs: Shape) -> dict[str, Weight]:
        """Return the tensor."""
        return {"weight": Weight(self.shape, self.trainable)}

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Return the tensor with a batch axis of 1."""
        return weights["weight"][None]

    def to_onnx(self, onnx: Onnx) -> str:
        """The tensor with a batch axis of 1."""
        return onnx.reshape(onnx.weight("weight"), [1, *self.shape])

    def to_torch(self, torch: Torch) -> TensorCode:
        """The tensor with a batch axis of 1, or a module that returns it."""
        if torch.loose:
            return torch.batched("weight")
        torch.define(_MODULE)
        return torch.module("Parameter", *self.shape, **torch.options("trainable"))()
