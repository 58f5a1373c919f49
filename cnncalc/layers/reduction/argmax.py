"""Index of the maximum."""

from __future__ import annotations

from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, NumPy, Onnx, TensorCode, Torch
from cnncalc.layers.reduction._reduction import Reduction, axis_indices


class Argmax(Reduction):
    """Returns the index of the largest element along one axis, the first if several are equal.

    Any shape; the axis disappears, or stays with size 1.  Flops for each set of n elements: n − 1 comparisons.
    """

    torch_method = "argmax"
    example = Example("argmax: channels", inputs=((21, 32, 32),), output=(32, 32), flops=32 * 32 * 20)
    elsewhere = Elsewhere(onnx="ArgMax", compared=True)

    def reduce(self, np: NumPy, x: Array, axis: tuple[int, ...]) -> Array:
        """Return the index, as a number of the input's type."""
        kept = [i for i in range(x.ndim) if i not in axis]
        lines = x.transpose(*kept, *axis).reshape(*[x.shape[i] for i in kept], -1)
        shape = [1 if i in axis else size for i, size in enumerate(x.shape)]
        return np.argmax(lines, axis=-1).reshape(shape).astype(x.dtype)

    def to_onnx(self, onnx: Onnx) -> str:
        """ArgMax of a line: several axes are laid out as one."""
        shape = onnx.shapes[0]
        over = [axis + 1 for axis in axis_indices(self.axis, shape)]
        kept = [axis for axis in range(len(shape) + 1) if axis not in over]
        lines = onnx.reshape(onnx.transpose(onnx.x, [*kept, *over]), [0, *[shape[axis - 1] for axis in kept[1:]], -1])
        found = onnx.cast(onnx.node("ArgMax", lines, axis=-1, keepdims=0), "number")
        return onnx.reshape(found, [-1, *onnx.output])

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's method along one axis, as numbers; several axes are laid out as one first."""
        shape = torch.shapes[0]
        over = [i + 1 for i in axis_indices(self.axis, shape)]
        if len(over) == 1 or len(over) == len(shape):
            return torch.call(".type_as", super().to_torch(torch), torch.x)
        others = [i for i in range(len(shape) + 1) if i not in over]
        lines = torch.call(".flatten", torch.call(".permute", torch.x, *others, *over), len(others))
        found = torch.call(".type_as", torch.call(".argmax", lines, -1), torch.x)
        return torch.call(".reshape", found, -1, *torch.output)
