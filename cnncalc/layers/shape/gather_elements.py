"""Elements chosen one by one along an axis."""

from __future__ import annotations

from cnncalc.layers.arguments import LayerError, argument, axis
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import WHOLE, Along, Read, Reads, sliding
from cnncalc.layers.shape._movement import Movement
from cnncalc.layers.shapes import Shape, axis_index, axis_text, shape_text

_FUNCTION = '''
def gather_elements(x, indices, dim):
    """Return the elements of x at the indices of one axis; their places on the others stay."""
    count = max(len(x), len(indices))
    indices = indices.long().expand(count, *indices.shape[1:]) % x.shape[dim]
    return x.expand(count, *x.shape[1:]).gather(dim, indices)
'''


class GatherElements(Movement):
    """Takes, for each index in the second input, the element of the first input at that index along one axis.

    Two inputs with the same number of axes; on the other axes the indices may be smaller.  Output: the second's shape.
    Flops: 0.
    """

    arity = (2, 2)

    axis = argument(axis, "the axis of the indices", 0)

    example = Example("gather_elements: {axis: 0}", inputs=((900, 4), (300, 4)), output=(300, 4))
    elsewhere = Elsewhere(onnx="GatherElements", others="take_along_axis take_along_dim", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the indices' shape."""
        x, chosen = inputs
        at = axis_index(self.axis, x)
        if len(x) != len(chosen):
            raise LayerError(f"input 1 is {shape_text(x)}, but the indices are {shape_text(chosen)}")
        for i, (size, wanted) in enumerate(zip(x, chosen, strict=True)):
            if i != at and wanted > size:
                raise LayerError(f"the indices have {wanted} {axis_text(i, len(x))}, but input 1 has {size}")
        return chosen

    def below(self, inputs: tuple[Shape, ...]) -> tuple[int | None, ...]:
        """Return the axis' size for the second input."""
        return (None, inputs[0][axis_index(self.axis, inputs[0])])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that an element may come from anywhere on the axis, and the places of the others."""
        at = axis_index(self.axis, inputs[0])
        others = [Read(i) if size == inputs[0][i] else Read(i, sliding(1)) for i, size in enumerate(output)]
        others[at] = WHOLE
        return (Along(tuple(others)),), (Along(tuple([Read(i) for i in range(len(output))])),)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Take the elements."""
        x, chosen = inputs
        np, at = ops.np, axis_index(self.axis, x.shape[1:]) + 1
        count = max(len(x), len(chosen))
        kept = tuple([slice(None) if i == at else slice(size) for i, size in enumerate(chosen.shape) if i])
        x = np.broadcast_to(x, (count, *x.shape[1:]))[(slice(None), *kept)]
        indices = np.broadcast_to(chosen, (count, *chosen.shape[1:])).astype(int)
        return np.take_along_axis(x, indices, at)

    def to_onnx(self, onnx: Onnx) -> str:
        """GatherElements."""
        at = axis_index(self.axis, onnx.shapes[0]) + 1
        return onnx.node("GatherElements", onnx.stretched(0), onnx.cast(onnx.stretched(1), "integer"), axis=at)

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's gather, of indices that may count from the end."""
        at = axis_index(self.axis, torch.shapes[0]) + 1
        torch.define(_FUNCTION)
        return torch.call("gather_elements", torch.x, torch.inputs[1], dim=at)

    def label(self) -> str:
        """Return the axis if it is not the first."""
        return "" if self.axis == 0 else f"axis {self.axis}"
