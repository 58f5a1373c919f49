"""The largest elements."""

from __future__ import annotations

from math import prod

from cnncalc.layers.arguments import LayerError, argument, axis, choice, flag, positive
from cnncalc.layers.base import Elsewhere, Example, Layer
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import Reads, whole
from cnncalc.layers.shapes import Shape, axis_index, axis_text, batched


class Topk(Layer):
    """Returns the ``k`` largest elements along one axis, in descending order, or their indices.

    Any shape, with k on the axis.  Flops for each set of n elements, taking the largest k times:
    (n − 1) + (n − 2) + … + (n − k) comparisons.
    """

    kind = "other"

    k = argument(positive, "number of elements to keep", symbol="k")
    axis = argument(axis, "the axis along which they are compared", 0)
    largest = argument(flag, "whether the largest are kept, or the smallest", True)
    output = argument(choice("values", "indices"), "the result to return", "values")

    example = Example("topk: 5", inputs=((1000,),), output=(5,), flops=999 + 998 + 997 + 996 + 995)
    elsewhere = Elsewhere(onnx="TopK", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the shape with k on the axis."""
        (shape,) = inputs
        at = axis_index(self.axis, shape)
        if self.k > shape[at]:
            raise LayerError(
                f"k = {self.k}, but {axis_text(at, len(shape))} has {shape[at]}",
                argument="k",
                hint=f"{shape[at]} at most",
            )
        return (*shape[:at], self.k, *shape[at + 1 :])

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One for each element that is left, k times."""
        at = axis_index(self.axis, output)
        sets = prod(output[:at] + output[at + 1 :])
        return sets * (self.k * inputs[0][at] - self.k * (self.k + 1) // 2)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that each output element may be any element along the axis."""
        return whole(len(output), axis_index(self.axis, output))

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Sort, and keep the first k."""
        (x,) = inputs
        at = batched(self.axis)
        order = ops.np.argsort(-x if self.largest else x, axis=at, kind="stable")
        first = order.take(range(self.k), axis=at)
        if self.output == "indices":
            return first.astype(x.dtype)
        return ops.np.take_along_axis(x, first, axis=at)

    def to_onnx(self, onnx: Onnx) -> str:
        """TopK, one of whose outputs is used."""
        values, indices = onnx.nodes(
            "TopK", 2, onnx.x, onnx.integers([self.k]), axis=batched(self.axis), largest=int(self.largest)
        )
        return values if self.output == "values" else onnx.cast(indices, "number")

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's method."""
        found = torch.call(".topk", torch.x, self.k, dim=batched(self.axis), **torch.options("largest"))
        if self.output == "values":
            return torch.call(":values", found)
        return torch.call(".type_as", torch.call(":indices", found), torch.x)
