"""The base class of layers that merge tensors element by element."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import ClassVar

from cnncalc.layers.arguments import LayerError
from cnncalc.layers.base import Layer
from cnncalc.layers.interfaces import Array, Element, NumPy, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.shapes import Shape, axis_text, shape_text


class ElementwiseMerge(Layer):
    """Merges tensors of equal shape, one pair after the other; axes of size 1 are broadcast.

    Attributes:
        ufunc: NumPy's name of the operation; "" if the type defines `compute` or `forward`.
        onnx_of_many: ONNX's operator for any number of inputs; "" if there is none.
    """

    kind = "merge"
    ufunc: ClassVar[str] = ""
    onnx_of_many: ClassVar[str] = ""
    arity: ClassVar[tuple[int, int | None]] = (2, None)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the common shape."""
        for i, shape in enumerate(inputs[1:], 2):
            if len(shape) != len(inputs[0]):
                raise LayerError(
                    f"input 1 is {shape_text(inputs[0])}, but input {i} is {shape_text(shape)}: "
                    "the number of axes differs",
                    hint="reshape makes a vector [C] a map [C, 1, 1]; flatten makes a map a vector",
                )
        return tuple([self._common(axis, inputs) for axis in range(len(inputs[0]))])

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int | None:
        """One per output element and merged pair."""
        return (len(inputs) - 1) * prod(output)

    def terms(self, largest: Sequence[float]) -> float:
        """Return the inputs' largest element, if they are added."""
        return max(largest) if self.ufunc in ("add", "subtract") else 0.0

    def compute(self, np: NumPy, a: Array, b: Array) -> Array:
        """Return one pair merged."""
        merge: Callable[..., Array] = getattr(np, self.ufunc)
        return merge(a, b)

    def element(self, ops: Ops, at: Shape, inputs: Sequence[Array], weights: Mapping[str, Array]) -> Element:
        """Merge the elements in the same place; an axis of size 1 has only place 0."""
        if not self.ufunc:
            return super().element(ops, at, inputs, weights)
        from cnncalc.layers.element import Element

        places = [[0 if size == 1 else place for place, size in zip(at, x.shape, strict=True)] for x in inputs]
        values = [float(x[tuple(place)]) for x, place in zip(inputs, places, strict=True)]
        terms = {f"x{number}": value for number, value in enumerate(values, 1)}
        result = values[0]
        for value in values[1:]:
            result = float(getattr(ops.np, self.ufunc)(result, value))
        return Element(f"{self.ufunc}: {', '.join(terms)}", result, sum(map(abs, values)) + abs(result), terms)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Merge the inputs from the first to the last."""
        merged, *others = inputs
        for other in others:
            merged = self.compute(ops.np, merged, other)
        return merged

    def to_onnx(self, onnx: Onnx) -> str:
        """The operator that ``elsewhere`` names, pair by pair, or one operator for all inputs if there is one."""
        if self.onnx_of_many and len(onnx.inputs) > 2:
            return onnx.node(self.onnx_of_many, *onnx.inputs)
        merged, *others = onnx.inputs
        for other in others:
            merged = onnx.node(self.elsewhere.onnx, merged, other)
        return merged

    def to_torch(self, torch: Torch) -> TensorCode:
        """An operator between all inputs, or a function of two, once for each further input."""
        if not self.elsewhere.function.startswith("torch."):
            return super().to_torch(torch)
        merged = torch.x
        for other in torch.inputs[1:]:
            merged = torch.call(self.elsewhere.function, merged, other)
        return merged

    def _common(self, axis: int, inputs: tuple[Shape, ...]) -> int:
        size, first = inputs[0][axis], 0
        for i, shape in enumerate(inputs):
            if size == 1 != shape[axis]:
                size, first = shape[axis], i
            elif shape[axis] not in (1, size):
                raise LayerError(
                    f"input {first + 1} is {shape_text(inputs[first])}, "
                    f"but input {i + 1} is {shape_text(shape)}: "
                    f"{axis_text(axis, len(shape))} {size} and {shape[axis]} differ",
                    hint="sizes must be equal or 1; a 1×1 conv changes the channels, its stride the size",
                )
        return size
