"""Stretch axes of size 1."""

from __future__ import annotations

from cnncalc.layers.arguments import LayerError, argument, integers
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import WHOLE, Read, Reads, along
from cnncalc.layers.shape._movement import Movement
from cnncalc.layers.shapes import Shape, shape_text


class Expand(Movement):
    """Repeats its input along axes of size 1, up to the given shape; -1 keeps an axis.

    Input of any shape, output ``shape``.  Flops: 0.
    """

    shape = argument(integers, "the output's shape; -1 keeps the input's size")

    example = Example("expand: [-1, 14, 14]", inputs=((64, 1, 1),), output=(64, 14, 14))
    elsewhere = Elsewhere(onnx="Expand", others="broadcast_to", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the shape.  Raises LayerError if an axis other than 1 would have to grow."""
        (shape,) = inputs
        if len(self.shape) != len(shape) or any(
            wanted < -1 or wanted == 0 or (wanted != -1 and size not in (1, wanted))
            for wanted, size in zip(self.shape, shape, strict=True)
        ):
            raise LayerError(
                f"shape = {shape_text(self.shape)}, but the input is {shape_text(shape)}",
                argument="shape",
                hint="give as many axes as the input has; only axes of size 1 can grow",
            )
        return tuple([size if wanted == -1 else wanted for wanted, size in zip(self.shape, shape, strict=True)])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that a stretched axis, of one position, is read whole."""
        sizes = enumerate(zip(inputs[0], output, strict=True))
        return along(*[Read(axis) if size == out else WHOLE for axis, (size, out) in sizes])

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Repeat."""
        (x,) = inputs
        sizes = [have if wanted == -1 else wanted for wanted, have in zip(self.shape, x.shape[1:], strict=True)]
        return ops.np.broadcast_to(x, (len(x), *sizes))

    def to_onnx(self, onnx: Onnx) -> str:
        """Expand."""
        return onnx.node("Expand", onnx.x, onnx.integers([1, *onnx.output]))

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's method."""
        return torch.call(".expand", torch.x, -1, *self.shape)

    def label(self) -> str:
        """Return ``14×14``, ``·`` where an axis is kept."""
        return "×".join("·" if size == -1 else str(size) for size in self.shape)
