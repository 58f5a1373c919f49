"""Rectified linear unit with a learned slope."""

from __future__ import annotations

from cnncalc.ground.numbers import counted
from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.arguments import Conversion, LayerError, argument, number, positive
from cnncalc.layers.base import Elsewhere, Example, Weight, per_channel
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.shapes import Shape

_slopes = Conversion(lambda value: value if value == "channels" else positive(value), ("channels",))


class PReLU(Elementwise):
    """``x`` above 0, ``a · x`` below, with one learned ``a`` for all or for each channel.

    Any shape, kept (He et al. 2015, arXiv:1502.01852).  Flops per element: 1 comparison, 1 product.
    """

    operations = 2

    num_parameters = argument(_slopes, "how many slopes are learned: 1, or 'channels' for one per channel", 1)
    init = argument(number, "initial value of the slopes in training", 0.25)

    example = Example(
        "prelu: channels",
        inputs=((64, 112, 112),),
        output=(64, 112, 112),
        params=64,
        flops=2 * 64 * 112 * 112,
    )
    elsewhere = Elsewhere(
        torch="PReLU(num_parameters, init)", keras="PReLU", onnx="PRelu", others="ParametricReLU", compared=True
    )

    def weights(self, *inputs: Shape) -> dict[str, Weight]:
        """Return weight (num_parameters,)."""
        channels = inputs[0][0]
        slopes = channels if self.num_parameters == "channels" else self.num_parameters
        if slopes not in (1, channels):
            raise LayerError(
                f"num_parameters = {slopes}, but the input has {counted(channels, 'channel')}",
                argument="num_parameters",
                hint="1 learns one slope for all, 'channels' one per channel",
            )
        return {"weight": Weight((slopes,))}

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Multiply negative elements by the slope."""
        (x,) = inputs
        return ops.np.where(x > 0, x, per_channel(weights["weight"], x) * x)

    def to_onnx(self, onnx: Onnx) -> str:
        """PRelu, its slopes along the channels."""
        slopes = onnx.weight("weight") if self.num_parameters == 1 else onnx.channels("weight")
        return onnx.node("PRelu", onnx.x, slopes)

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's module, with the number of slopes written out."""
        slopes = torch.shapes[0][0] if self.num_parameters == "channels" else self.num_parameters
        return torch.module("nn.PReLU", num_parameters=torch.option(slopes, 1), **torch.options("init"))(torch.x)
