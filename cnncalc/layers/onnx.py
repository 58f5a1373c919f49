"""What a layer's `to_onnx` gets: it adds operators and constants, and has the layer's tensors.

Tensors are referred to by name; as in `forward` they are (N, *shape), channels first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from cnncalc.ground.limits import MAX_EXPORTED_INDICES
from cnncalc.layers.arguments import LayerError
from cnncalc.layers.shapes import Shape

if TYPE_CHECKING:
    from cnncalc.layers.ops import NumPy

Kind = Literal["number", "integer", "truth"]


class ConstantTensor(NamedTuple):
    """A tensor of integers or of other numbers."""

    shape: Sequence[int]
    elements: Sequence[int] | Sequence[float]
    kind: Kind


Attribute = int | float | str | ConstantTensor | Sequence[int] | Sequence[float] | Sequence[str]

AXES_ARE_INPUTS = {"ReduceSum": 13}
"""The opset from which on a reduction takes its axes as an input; other reductions do from 18 on."""


class OpsetError(LayerError):
    """A layer that an operator set does not express; ``since`` is the first that does."""

    def __init__(self, opset: int, since: int, what: str = "") -> None:
        super().__init__(f"needs opset {since}{what and ' for '}{what}, not {opset}")
        self.since = since


class Onnx:
    """The ONNX operators of one layer, and its tensors.

    Attributes:
        opset: the version of the operator set.
        inputs: the input tensors.
        times: how many samples each has for one of the network; 0 without a batch.
        shapes: their shapes, without the batch axis.
        output: the shape of the output, without the batch axis.
        weights: the tensors in the file that the layer's own are, by their names in `weights`.
        indices: number of the integers in constants.
    """

    opset: int
    inputs: tuple[str, ...]
    times: tuple[int, ...]
    shapes: tuple[Shape, ...]
    output: Shape
    weights: Mapping[str, str]
    indices = 0

    # --- made by the writer of the file ---------------------------------------------------------------------

    def nodes(self, op: str, count: int, *inputs: str, **attributes: Attribute) -> list[str]:
        """Add an operator, and return its first ``count`` outputs; "" is an input that is left out."""
        raise NotImplementedError

    def cast(self, x: str, kind: Kind) -> str:
        """Cast a tensor's elements to numbers, integers or truth values."""
        raise NotImplementedError

    # --- made of these --------------------------------------------------------------------------------------

    @property
    def np(self) -> NumPy:
        """NumPy."""
        import numpy

        return cast("NumPy", numpy)

    @property
    def x(self) -> str:
        """The first of the inputs."""
        return self.inputs[0]

    def needs(self, opset: int, what: str = "") -> None:
        """Raise OpsetError if the operator set is before one, which is needed for ``what``."""
        if self.opset < opset:
            raise OpsetError(self.opset, opset, what)

    def node(self, op: str, *inputs: str, **attributes: Attribute) -> str:
        """Add an operator with one output, and return that."""
        return self.nodes(op, 1, *inputs, **attributes)[0]

    def has(self, name: str) -> bool:
        """Return whether the layer has a tensor of that name."""
        return name in self.weights

    def weight(self, name: str) -> str:
        """Return a tensor of the layer by its name in `weights`."""
        return self.weights[name]

    def channels(self, name: str) -> str:
        """Return a tensor (C,) of the layer as (C, 1, …), which broadcasts to the input."""
        rank = len(self.output)
        return self.weight(name) if rank == 1 else self.reshape(self.weight(name), [-1, *[1] * (rank - 1)])

    def integers(self, values: Sequence[int]) -> str:
        """Return a constant vector of integers. Raises LayerError for too many."""
        self.indices += len(values)
        if self.indices > MAX_EXPORTED_INDICES:
            raise LayerError(f"takes {self.indices:,} indices, but at most {MAX_EXPORTED_INDICES:,} are exported")
        return self.node("Constant", value=ConstantTensor([len(values)], values, "integer"))

    def integer(self, value: int) -> str:
        """Return a constant integer without axes."""
        return self.node("Constant", value=ConstantTensor([], [value], "integer"))

    def number(self, value: float) -> str:
        """Return a constant number without axes."""
        return self.node("Constant", value=ConstantTensor([], [value], "number"))

    def filled(self, value: float, shape: Sequence[int]) -> str:
        """Return a tensor that holds one number everywhere; the file stores a single one."""
        return self.node("ConstantOfShape", self.integers(shape), value=ConstantTensor([1], [value], "number"))

    def reshape(self, x: str, sizes: Sequence[int]) -> str:
        """Reshape; a size of 0 is kept, one of -1 is inferred."""
        return self.node("Reshape", x, self.integers(sizes))

    def transpose(self, x: str, order: Sequence[int]) -> str:
        """Permute all axes, batch counted; adds nothing if the order is the same."""
        return x if list(order) == [*range(len(order))] else self.node("Transpose", x, perm=list(order))

    def aligned(self, x: str, shape: Shape, rank: int) -> str:
        """Insert axes of 1 behind the batch of a tensor of a shape, so that it has ``rank`` axes, batch counted."""
        missing = [*range(1, rank - len(shape))]
        return self.node("Unsqueeze", x, self.integers(missing)) if missing else x

    def reduce(self, op: str, x: str, axes: Sequence[int]) -> str:
        """Reduce axes, batch counted; they stay with size 1."""
        if self.opset >= AXES_ARE_INPUTS.get(op, 18):
            return self.node(op, x, self.integers(axes), keepdims=1)
        return self.node(op, x, axes=list(axes), keepdims=1)

    def cut(self, x: str, axis: int, start: int, stop: int, step: int = 1) -> str:
        """Keep a part of an axis, batch counted."""
        ends = [self.integers([figure]) for figure in (start, stop, axis)]
        steps = [self.integers([step])] if step != 1 else []
        return self.node("Slice", x, *ends, *steps)

    def resize(self, x: str, scales: Sequence[float] | None, sizes: Sequence[int], **attributes: Attribute) -> str:
        """Resize the spatial axes by factors or, without factors, to sizes."""
        if scales is not None:
            factors = ConstantTensor([2 + len(scales)], [1.0, 1.0, *scales], "number")
            return self.node("Resize", x, "", self.node("Constant", value=factors), **attributes)
        wanted = self.integers(sizes)
        if self.opset >= 18:
            return self.node("Resize", x, "", "", wanted, axes=[*range(2, len(sizes) + 2)], **attributes)
        first = self.cut(self.node("Shape", x), 0, 0, 2)
        return self.node("Resize", x, "", "", self.node("Concat", first, wanted, axis=0), **attributes)

    def stretched(self, index: int) -> str:
        """Return an input, repeated for each sample if it is the same for all and other inputs are not."""
        x = self.inputs[index]
        if self.times[index] or not any(self.times):
            return x
        batched = next(name for name, times in zip(self.inputs, self.times, strict=True) if times)
        batch = self.cut(self.node("Shape", batched), 0, 0, 1)
        return self.node("Expand", x, self.node("Concat", batch, self.integers(self.shapes[index]), axis=0))


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
