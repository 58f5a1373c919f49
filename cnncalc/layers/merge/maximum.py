"""Elementwise maximum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.merge._elementwise import ElementwiseMerge

if TYPE_CHECKING:
    from cnncalc.layers.onnx import Onnx
    from cnncalc.layers.pytorch import Flow, Torch


class Maximum(ElementwiseMerge):
    """Takes the larger of its inputs, element by element, as maxout does.

    Two inputs or more of equal shape, or 1 on an axis (Goodfellow et al. 2013, arXiv:1302.4389).
    Flops: 1 comparison per output element and merged pair.
    """

    ufunc = "maximum"

    example = Example("maximum", inputs=((32, 8, 8), (32, 8, 8), (32, 8, 8)), output=(32, 8, 8), flops=2 * 32 * 8 * 8)
    elsewhere = Elsewhere(keras="Maximum", onnx="Max", others="maxout elementwise_max eltwise_max")

    def to_onnx(self, onnx: Onnx) -> str:
        """Max, of any number of inputs."""
        return onnx.node("Max", *onnx.inputs)

    def to_torch(self, flow: Flow) -> Torch:
        """PyTorch's function of two tensors, once for each further one."""
        from cnncalc.layers.pytorch import InputPlace, Torch, X, call

        value = call("torch.maximum", X, InputPlace(1))
        for number in range(2, len(flow.inputs)):
            value = call("torch.maximum", value, InputPlace(number))
        return Torch(value)
