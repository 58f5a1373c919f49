"""The interface for a layer's `to_onnx`: it adds operators, constants and the layer's tensors.

Tensors are referred to by name; as in `forward` they are (N, *shape), channels first.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Literal, Protocol

from cnncalc.layers.arguments import LayerError
from cnncalc.layers.shapes import Shape

if TYPE_CHECKING:
    from cnncalc.layers.ops import NumPy

Attribute = int | float | str | Sequence[int] | Sequence[str]


class OpsetError(LayerError):
    """A layer that an operator set does not express; ``since`` is the first that does."""

    def __init__(self, opset: int, since: int, what: str = "") -> None:
        super().__init__(f"needs opset {since}{what and ' for '}{what}, not {opset}")
        self.since = since


class Onnx(Protocol):
    """The ONNX operators of one layer."""

    opset: int
    """The version of the operator set."""

    inputs: tuple[str, ...]
    """The input tensors."""

    shapes: tuple[Shape, ...]
    """The shapes of the inputs, without the batch axis."""

    output: Shape
    """The shape of the output, without the batch axis."""

    @property
    def np(self) -> NumPy:
        """NumPy."""

    @property
    def x(self) -> str:
        """The first of the inputs."""

    def needs(self, opset: int, what: str = "") -> None:
        """Raise OpsetError if the operator set is before one, which is needed for ``what``."""

    def node(self, op: str, *inputs: str, **attributes: Attribute) -> str:
        """Add an operator, and return its output tensor; "" is an input that is left out."""

    def nodes(self, op: str, count: int, *inputs: str, **attributes: Attribute) -> list[str]:
        """Add an operator with several outputs, and return the first ``count``."""

    def has(self, name: str) -> bool:
        """Return whether the layer owns a tensor of that name."""

    def weight(self, name: str) -> str:
        """Return a tensor of the layer by its name in `weights`."""

    def channels(self, name: str) -> str:
        """Return a tensor (C,) of the layer as (C, 1, …), which broadcasts to the input."""

    def integers(self, values: Sequence[int]) -> str:
        """Return a constant vector of integers."""

    def integer(self, value: int) -> str:
        """Return a constant integer without axes."""

    def number(self, value: float) -> str:
        """Return a constant number without axes."""

    def filled(self, value: float, shape: Sequence[int]) -> str:
        """Return a tensor that holds one number everywhere."""

    def cast(self, x: str, kind: Literal["number", "integer", "truth"]) -> str:
        """Cast a tensor's elements to numbers, integers or truth values."""

    def reshape(self, x: str, sizes: Sequence[int]) -> str:
        """Reshape; a size of 0 is kept, one of -1 is inferred."""

    def transpose(self, x: str, order: Sequence[int]) -> str:
        """Permute all axes, batch counted; adds nothing if the order is the same."""

    def reduce(self, op: str, x: str, axes: Sequence[int]) -> str:
        """Reduce axes, batch counted; they stay with size 1."""

    def cut(self, x: str, axis: int, start: int, stop: int, step: int = 1) -> str:
        """Keep a part of an axis, batch counted."""

    def resize(self, x: str, scales: Sequence[float] | None, sizes: Sequence[int], **attributes: Attribute) -> str:
        """Resize the spatial axes by factors or, without factors, to sizes."""

    def stretched(self, index: int) -> str:
        """Return an input, repeated for each sample if it is the same for all."""


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
    """Return the order of ``rank`` axes that moves some to the end, and its inverse."""
    order = [axis for axis in range(rank) if axis not in axes] + list(axes)
    return order, [order.index(axis) for axis in range(rank)]
