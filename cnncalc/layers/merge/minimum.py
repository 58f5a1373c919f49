"""Elementwise minimum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.merge._elementwise import ElementwiseMerge

if TYPE_CHECKING:
    from cnncalc.layers.onnx import Onnx
    from cnncalc.layers.pytorch import Flow, Torch


class Minimum(ElementwiseMerge):
    """Takes the smaller of its inputs, element by element.

    Two inputs or more of equal shape, or 1 on an axis.  Flops: 1 comparison per output element and merged pair.
    """

    ufunc = "minimum"

    example = Example("minimum", inputs=((32, 8, 8), (32, 8, 8), (32, 8, 8)), output=(32, 8, 8), flops=2 * 32 * 8 * 8)
    elsewhere = Elsewhere(keras="Minimum", onnx="Min")

    def to_onnx(self, onnx: Onnx) -> str:
        """Min, of any number of inputs."""
        return onnx.node("Min", *onnx.inputs)

    def to_torch(self, flow: Flow) -> Torch:
        """PyTorch's function of two tensors, once for each further one."""
        from cnncalc.layers.pytorch import InputPlace, Torch, X, call

        value = call("torch.minimum", X, InputPlace(1))
        for number in range(2, len(flow.inputs)):
            value = call("torch.minimum", value, InputPlace(number))
        return Torch(value)
