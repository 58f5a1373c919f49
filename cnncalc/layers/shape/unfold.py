"""An axis out of the batch."""

from __future__ import annotations

from cnncalc.layers.arguments import LayerError, argument, axis_count, integer, positive
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import Read, Reads, along
from cnncalc.layers.shape._movement import Movement
from cnncalc.layers.shapes import Shape, shape_text


class Unfold(Movement):
    """Joins each ``size`` samples, which ``fold`` has made of one, along a new axis.

    Input of any shape, output with the axis put in.  Flops: 0.
    """

    size = argument(positive, "number of samples that become one", symbol="U")
    axis = argument(integer, "position of the new axis in the output", 0)

    elsewhere = Elsewhere(compared=True)
    example = Example("unfold: 1", inputs=((49, 96),), output=(1, 49, 96))

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the shape with the new axis."""
        (shape,) = inputs
        at = self._index(len(shape))
        return (*shape[:at], self.size, *shape[at:])

    def times(self, inputs: tuple[Shape, ...], times: int) -> int:
        """Return ``times`` divided by ``size``.  Raises LayerError if it does not divide."""
        if times % self.size or not times:
            raise LayerError(
                f"size = {self.size}, but one sample has become only {times}",
                argument="size",
                hint="put a fold before it",
            )
        return times // self.size

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that the axes after the new one move by one."""
        at = self._index(len(inputs[0]))
        return along(*[Read(i + (i >= at)) for i in range(len(inputs[0]))])

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Split the batch, and move the new axis to its place."""
        (x,) = inputs
        split = x.reshape(-1, self.size, *x.shape[1:])
        return ops.np.moveaxis(split, 1, self._index(x.ndim - 1) + 1)

    def to_onnx(self, onnx: Onnx) -> str:
        """Reshape and Transpose."""
        rank, at = len(onnx.output) + 1, self._index(len(onnx.shapes[0])) + 1
        split = onnx.reshape(onnx.x, [-1, self.size, *onnx.shapes[0]])
        return onnx.transpose(split, [0, *range(2, at + 1), 1, *range(at + 1, rank)])

    def to_torch(self, torch: Torch) -> TensorCode:
        """A split of the batch into two axes, and a move of the second to its place."""
        at = self._index(len(torch.shapes[0]))
        split = torch.call(".unflatten", torch.x, 0, (-1, self.size))
        return split if at == 0 else torch.call(".movedim", split, 1, at + 1)

    def label(self) -> str:
        """Return the size, with the axis where it is not the first."""
        return f"{self.size}" if self.axis == 0 else f"{self.size}, axis {self.axis}"

    def _index(self, count: int) -> int:
        if not -count - 1 <= self.axis <= count:
            raise LayerError(
                f"axis = {self.axis}, but the output has {axis_count(count + 1)}",
                argument="axis",
                hint=f"0 is the first, {count} or -1 the last: {shape_text(tuple(range(count + 1)))}",
            )
        return self.axis if self.axis >= 0 else self.axis + count + 1
