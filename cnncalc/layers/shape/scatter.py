"""Writing of single elements by index along an axis."""

from __future__ import annotations

from math import prod

from cnncalc.layers.arguments import LayerError, argument, axis, choice
from cnncalc.layers.base import Elsewhere, Example, Layer
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import WHOLE, Along, Read, Reads
from cnncalc.layers.shapes import Shape, axis_index, axis_text, shape_text

_FUNCTION = '''
def scatter(x, indices, updates, dim, reduce=None):
    """Return x with the updates at the indices of one axis; their places on the others stay."""
    count = max(len(x), len(indices), len(updates))
    x, updates = x.expand(count, *x.shape[1:]), updates.type_as(x).expand(count, *updates.shape[1:])
    indices = (indices.long() % x.shape[dim]).expand_as(updates)
    if reduce is None:
        return x.scatter(dim, indices, updates)
    return x.scatter_reduce(dim, indices, updates, reduce=reduce)
'''

_FUNCTIONS = {"add": "add", "mul": "multiply", "max": "maximum", "min": "minimum"}
_TORCH = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


class Scatter(Layer):
    """Writes the elements of its third input into the first, each at its index in the second along one axis.

    Three inputs with the same number of axes: the tensor to change, the indices (size 1 on an axis: shared along it),
    and the new elements.  Output: the first's shape.  If indices are equal, the last one wins, or all are reduced.
    Flops: 1 per written element with ``reduce``, else 0.
    """

    kind = "shape"
    arity = (3, 3)

    axis = argument(axis, "the axis of the indices", 0)
    reduce = argument(
        choice("none", "add", "mul", "max", "min"), "how a new element is combined with the existing one", "none"
    )

    example = Example("scatter: {axis: 0}", inputs=((100, 8), (10, 1), (10, 8)), output=(100, 8))
    elsewhere = Elsewhere(onnx="ScatterElements", others="scatter_ index_copy put_along_axis", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the first input's shape."""
        x, chosen, updates = inputs
        at = axis_index(self.axis, x)
        if not len(x) == len(chosen) == len(updates):
            raise LayerError(
                f"the inputs are {shape_text(x)}, {shape_text(chosen)} and {shape_text(updates)}: "
                "the number of axes differs"
            )
        for i, (size, index, update) in enumerate(zip(x, chosen, updates, strict=True)):
            if index not in (1, update):
                raise LayerError(f"{update} {axis_text(i, len(x))} are written, but the indices have {index}")
            if i != at and update > size:
                raise LayerError(f"{update} {axis_text(i, len(x))} are written, but the first input has {size}")
        return x

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One per written element with ``reduce``."""
        return 0 if self.reduce == "none" else prod(inputs[2])

    def below(self, inputs: tuple[Shape, ...]) -> tuple[int | None, ...]:
        """Return the axis' size for the second input."""
        return (None, inputs[0][axis_index(self.axis, inputs[0])], None)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that an element is the one in its place, or any of those written along the axis."""
        at = axis_index(self.axis, output)
        own = Along(tuple([Read(i) for i in range(len(output))]))
        written = Along(tuple([WHOLE if i == at else Read(i) for i in range(len(output))]))
        places = [WHOLE if i == at or inputs[1][i] == 1 else Read(i) for i in range(len(output))]
        return (own,), (Along(tuple(places)),), (written,)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Write."""
        np, at = ops.np, axis_index(self.axis, inputs[0].shape[1:]) + 1
        count = max(map(len, inputs))
        x, chosen, updates = [np.broadcast_to(one, (count, *one.shape[1:])) for one in inputs]
        made = x.copy()
        places = [np.arange(size).reshape(-1, *(1,) * (x.ndim - 1 - i)) for i, size in enumerate(updates.shape)]
        places[at] = np.broadcast_to(chosen, updates.shape).astype(int)
        if self.reduce == "none":
            made[tuple(places)] = updates
        else:
            getattr(np, _FUNCTIONS[self.reduce]).at(made, tuple(places), updates)
        return made

    def to_onnx(self, onnx: Onnx) -> str:
        """ScatterElements, which reduces from opset 16 on, and by all functions from 18 on."""
        onnx.needs({"none": 13, "add": 16, "mul": 16}.get(self.reduce, 18), f"reduce: {self.reduce}")
        at = axis_index(self.axis, onnx.shapes[0]) + 1
        x, updates = onnx.stretched(0), onnx.stretched(2)
        index = onnx.cast(onnx.stretched(1), "integer")
        if onnx.shapes[1] != onnx.shapes[2]:
            index = onnx.node("Expand", index, onnx.node("Shape", updates))
        how = {} if self.reduce == "none" else {"reduction": self.reduce}
        return onnx.node("ScatterElements", x, index, updates, axis=at, **how)

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's scatter, of indices that may count from the end."""
        at = axis_index(self.axis, torch.shapes[0]) + 1
        torch.define(_FUNCTION)
        return torch.call("scatter", *torch.inputs, dim=at, reduce=torch.option(_TORCH.get(self.reduce), None))

    def label(self) -> str:
        """Return the axis if it is not the first, and the reduction."""
        where = "" if self.axis == 0 else f"axis {self.axis}"
        return ", ".join(filter(None, (where, "" if self.reduce == "none" else self.reduce)))
