"""What a layer's `to_onnx` may ask for: operators, constants and its own tensors, as a type.

Tensors go by names.  Those of layers are what arrays are in `forward`, (N, *shape), channels first.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Literal, Protocol

from cnncalc.layers.shapes import Shape

if TYPE_CHECKING:
    from cnncalc.layers.ops import NumPy

Attribute = int | float | str | Sequence[int] | Sequence[str]


class Onnx(Protocol):
    """The operators that one layer becomes."""

    opset: int
    """The version of the operator set that they are of."""

    inputs: tuple[str, ...]
    """The tensors that come in."""

    shapes: tuple[Shape, ...]
    """Their shapes, without the batch axis."""

    output: Shape
    """The shape that is to come out, without the batch axis."""

    @property
    def np(self) -> NumPy:
        """NumPy."""

    @property
    def x(self) -> str:
        """The first of the inputs."""

    def node(self, op: str, *inputs: str, **attributes: Attribute) -> str:
        """Add an operator, and return the tensor that it makes; "" is an input that is left out."""

    def nodes(self, op: str, count: int, *inputs: str, **attributes: Attribute) -> list[str]:
        """Add an operator that makes several tensors, the first ``count`` of which are returned."""

    def has(self, name: str) -> bool:
        """Return whether the layer has a tensor of its own of that name."""

    def weight(self, name: str) -> str:
        """Return a tensor of the layer's own, by the name that `weights` gives it."""

    def channels(self, name: str) -> str:
        """Return a tensor (C,) of the layer's own as (C, 1, …), as it meets the input's channels."""

    def integers(self, values: Sequence[int]) -> str:
        """Return a row of integers."""

    def integer(self, value: int) -> str:
        """Return one integer, which has no axis."""

    def number(self, value: float) -> str:
        """Return one number, which has no axis."""

    def filled(self, value: float, shape: Sequence[int]) -> str:
        """Return a tensor that holds one number everywhere."""

    def cast(self, x: str, kind: Literal["number", "integer", "truth"]) -> str:
        """Cast a tensor's elements to numbers, integers or truth values."""

    def reshape(self, x: str, sizes: Sequence[int]) -> str:
        """Reshape; a size of 0 is kept, one of -1 is inferred."""

    def transpose(self, x: str, order: Sequence[int]) -> str:
        """Permute all axes, batch counted; nothing is added where the order is the same."""

    def reduce(self, op: str, x: str, axes: Sequence[int]) -> str:
        """Reduce axes, batch counted; they stay with size 1."""

    def cut(self, x: str, axis: int, start: int, stop: int, step: int = 1) -> str:
        """Keep a part of an axis, batch counted."""

    def resize(self, x: str, scales: Sequence[float] | None, sizes: Sequence[int], **attributes: Attribute) -> str:
        """Resize the axes behind the channels by factors, or where there are none to sizes."""

    def stretched(self, index: int) -> str:
        """Return an input, repeated for each sample where it is the same for all."""


def clipped(onnx: Onnx, low: float, high: float) -> str:
    """Return the input between two bounds, which may be infinite."""
    bounds = [onnx.number(bound) if abs(bound) < inf else "" for bound in (low, high)]
    return onnx.node("Clip", onnx.x, *bounds)


def standardised(onnx: Onnx, x: str, axes: Sequence[int], eps: float) -> str:
    """Return ``(x − mean) / √(variance + eps)``, statistics taken over axes (batch counted)."""
    centered = onnx.node("Sub", x, onnx.reduce("ReduceMean", x, axes))
    variance = onnx.reduce("ReduceMean", onnx.node("Mul", centered, centered), axes)
    return onnx.node("Div", centered, onnx.node("Sqrt", onnx.node("Add", variance, onnx.number(eps))))


def moved_last(rank: int, axes: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the order of ``rank`` axes in which some stand at the end, and the order that undoes it."""
    order = [axis for axis in range(rank) if axis not in axes] + list(axes)
    return order, [order.index(axis) for axis in range(rank)]
