"""The base class of layers that reduce whole axes."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import ClassVar

from cnncalc.layers.arguments import LayerError, argument, axes, flag
from cnncalc.layers.base import Layer
from cnncalc.layers.interfaces import Array, ModuleCall, NumPy, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import WHOLE, Read, Reads, along
from cnncalc.layers.shapes import Shape, axis_index


def axis_indices(chosen: tuple[int, ...] | None, shape: Shape) -> list[int]:
    """Return the chosen axes counted from the front, all where none is chosen.

    Raises:
        LayerError: if an axis is not there, or is named twice.
    """
    if chosen is None:
        return list(range(len(shape)))
    indices = sorted([axis_index(axis, shape) for axis in chosen])
    if len(set(indices)) < len(indices):
        raise LayerError("axis names an axis twice", argument="axis", hint="list each axis once")
    return indices


class Reduction(Layer):
    """Reduces all elements along the given axes to one number.

    Attributes:
        ufunc: NumPy's name of the operation; "" if the type defines `reduce`.
        torch_method: PyTorch's name of it.
        of_element: floating-point operations for each element, the first of a set being in one fewer.
        of_set: further operations for each set of elements that becomes one.
    """

    kind = "pool"
    ufunc: ClassVar[str] = ""
    torch_method: ClassVar[str]
    of_element: ClassVar[int] = 1
    of_set: ClassVar[int] = 0

    axis = argument(axes, "the axis, or list of axes, to reduce; default: all", None)
    keepdims = argument(flag, "whether the axes stay, with size 1", False)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the shape without the axes, or with 1 on them; (1,) if nothing would be left."""
        (shape,) = inputs
        over = axis_indices(self.axis, shape)
        if self.keepdims:
            return tuple([1 if i in over else size for i, size in enumerate(shape)])
        return tuple([size for i, size in enumerate(shape) if i not in over]) or (1,)

    def members(self, shape: Shape) -> int:
        """Return the number of elements per output element."""
        return prod([shape[i] for i in axis_indices(self.axis, shape)])

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """``of_element`` for each element, less 1, and ``of_set``."""
        return prod(output) * (self.of_element * self.members(inputs[0]) - 1 + self.of_set)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that the axes are read whole, and the places of the others."""
        over = axis_indices(self.axis, inputs[0])
        places = [i if self.keepdims else sum([j not in over for j in range(i)]) for i in range(len(inputs[0]))]
        return along(*[WHOLE if i in over else Read(place) for i, place in enumerate(places)])

    def reduce(self, np: NumPy, x: Array, axis: tuple[int, ...]) -> Array:
        """Return the result along axes (batch counted), which stay with size 1."""
        function: Callable[..., Array] = getattr(np, self.ufunc)
        return function(x, axis=axis, keepdims=True)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Summarise."""
        (x,) = inputs
        over = axis_indices(self.axis, x.shape[1:])
        y: Array = self.reduce(ops.np, x, tuple([i + 1 for i in over]))
        if self.keepdims:
            return y
        return y.reshape(len(x), *([size for i, size in enumerate(x.shape[1:]) if i not in over] or [1]))

    def to_onnx(self, onnx: Onnx) -> str:
        """The operator that ``elsewhere`` names, and a Reshape unless the axes stay."""
        over = [axis + 1 for axis in axis_indices(self.axis, onnx.shapes[0])]
        made = onnx.reduce(self.elsewhere.onnx, onnx.x, over)
        return made if self.keepdims else onnx.reshape(made, [0, *onnx.output])

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's method; if a single number is left, the tensor is flattened first."""
        over = [i + 1 for i in axis_indices(self.axis, torch.shapes[0])]
        if self.keepdims or len(over) < len(torch.shapes[0]):
            return self.torch_reduced(torch, torch.x, over, self.keepdims)
        x = torch.x if len(over) == 1 else torch.call(".flatten", torch.x, 1)
        return self.torch_reduced(torch, x, [1], True)

    def torch_reduced(self, torch: Torch, x: TensorCode, over: list[int], keepdims: bool) -> ModuleCall:
        """Return PyTorch's call on a tensor along some of its axes (batch counted)."""
        axes = over[0] if len(over) == 1 else tuple(over)
        return torch.call(f".{self.torch_method}", x, axes, keepdim=torch.option(keepdims, False))

    def label(self) -> str:
        """Return the axes."""
        return "" if self.axis is None else f"axis {', '.join(str(i) for i in self.axis)}"
