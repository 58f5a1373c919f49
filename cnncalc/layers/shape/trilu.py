"""Triangle of a matrix."""

from __future__ import annotations

from cnncalc.layers.arguments import LayerError, argument, flag, integer
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.shape._movement import Movement
from cnncalc.layers.shapes import Shape, shape_text


class Trilu(Movement):
    """Keeps the upper or the lower triangle of the last two axes, with 0 elsewhere.

    Input of two axes or more, kept.  Flops: 0.
    """

    moves_only = False

    upper = argument(flag, "whether the upper triangle is kept, or the lower", True)
    k = argument(integer, "distance of the triangle's border above the main diagonal", 0)

    example = Example("trilu: {upper: false}", inputs=((8, 16, 16),), output=(8, 16, 16))
    elsewhere = Elsewhere(onnx="Trilu", others="triu tril", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape."""
        if len(inputs[0]) < 2:
            raise LayerError(f"takes matrices, but its input is {shape_text(inputs[0])}")
        return inputs[0]

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Set the other triangle to 0."""
        cut = ops.np.triu if self.upper else ops.np.tril
        return cut(inputs[0], self.k)

    def to_onnx(self, onnx: Onnx) -> str:
        """Trilu.  Raises OpsetError before opset 14."""
        onnx.needs(14)
        return onnx.node("Trilu", onnx.x, onnx.integer(self.k), upper=int(self.upper))

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function."""
        return torch.call("torch.triu" if self.upper else "torch.tril", torch.x, **torch.options(diagonal="k"))
