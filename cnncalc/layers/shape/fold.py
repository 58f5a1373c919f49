"""An axis into the batch."""

from __future__ import annotations

from cnncalc.layers.arguments import LayerError, argument, axis
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import Read, Reads, along
from cnncalc.layers.shape._movement import Movement
from cnncalc.layers.shapes import Shape, axis_index, batched, shape_text


class Fold(Movement):
    """Makes each position of an axis a sample of the batch, such as windows of a map.

    Input of two axes or more, output without the axis; the batch grows by the axis' size. ``unfold`` is the inverse.
    Flops: 0.
    """

    label_format = "axis {axis}"

    axis = argument(axis, "the axis to move into the batch", 0)

    elsewhere = Elsewhere(compared=True)
    example = Example("fold: 0", inputs=((64, 49, 96),), output=(49, 96))

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the shape without the axis."""
        (shape,) = inputs
        at = axis_index(self.axis, shape)
        if len(shape) < 2:
            raise LayerError(f"would leave no axis of {shape_text(shape)}", hint="reshape: [-1, 1] adds an axis")
        return (*shape[:at], *shape[at + 1 :])

    def times(self, inputs: tuple[Shape, ...], times: int) -> int:
        """Return ``times`` multiplied by the axis' size.  Raises LayerError if there is no batch."""
        if not times:
            raise LayerError(
                "there is no batch into which the axis could be moved", hint="a parameter is the same for all samples"
            )
        return times * inputs[0][axis_index(self.axis, inputs[0])]

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that the axis that goes into the batch is not tracked, and the places of the others."""
        at = axis_index(self.axis, inputs[0])
        return along(*[Read(None, is_exact=False) if i == at else Read(i - (i > at)) for i in range(len(inputs[0]))])

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Move the axis after the batch, and merge both."""
        moved = ops.np.moveaxis(inputs[0], batched(self.axis), 1)
        return moved.reshape(-1, *moved.shape[2:])

    def to_onnx(self, onnx: Onnx) -> str:
        """Transpose and Reshape."""
        rank, at = len(onnx.shapes[0]) + 1, axis_index(self.axis, onnx.shapes[0]) + 1
        order = [0, at, *[axis for axis in range(1, rank) if axis != at]]
        return onnx.reshape(onnx.transpose(onnx.x, order), [-1, *onnx.output])

    def to_torch(self, torch: Torch) -> TensorCode:
        """A move of the axis after the batch, and a flatten of both."""
        at = axis_index(self.axis, torch.shapes[0])
        moved = torch.x if at == 0 else torch.call(".movedim", torch.x, at + 1, 1)
        return torch.call(".flatten", moved, 0, 1)
