"""Permute the axes."""

from __future__ import annotations

from cnncalc.layers.arguments import LayerError, argument, axis_count, integers
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.reads import Permuted
from cnncalc.layers.shape._rearrangement import Moves, Rearrangement
from cnncalc.layers.shapes import Shape, shape_text


class Permute(Rearrangement):
    """Puts the axes into another order.

    Input of any shape; axis i of the output is axis ``dims[i]`` of the input, counted without the batch.  Flops: 0.
    """

    aliases = True

    dims = argument(integers, "the input's axes in the order of the output")

    example = Example("permute: [1, 2, 0]", inputs=((96, 56, 28),), output=(56, 28, 96))
    elsewhere = Elsewhere(keras="Permute", onnx="Transpose(perm)", others="swapaxes", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the sizes in their new order."""
        (shape,) = inputs
        return tuple([shape[i] for i in self._order(len(shape))])

    def moves(self, shape: Shape) -> Moves:
        """Return the permutation."""
        return (Permuted(tuple(self._order(len(shape)))),)

    def label(self) -> str:
        """Return ``1, 2, 0``."""
        return ", ".join(str(i) for i in self.dims)

    def _order(self, count: int) -> list[int]:
        order = [i + count if i < 0 else i for i in self.dims]
        if sorted(order) != list(range(count)):
            raise LayerError(
                f"dims = {shape_text(self.dims)} does not name each of the input's {axis_count(count)} once",
                argument="dims",
                hint=f"axes are counted without the batch: an order of {shape_text(tuple(range(count)))}",
            )
        return order
