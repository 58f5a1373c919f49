"""What flows between a model file's operators: the shape of one sample, where the batch is, and what is known of it.

The shapes of a file are those of a whole batch.  Here each value has the shape of one sample, the place where the batch
axis stands in the file's shape, and how many samples one sample has become.  Shapes that the file computes are computed
as if a batch had :data:`SAMPLES` samples, a prime that no model has as a size, so that the batch is found in them.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from cnncalc.importers.onnx.model import StoredTensor
from cnncalc.importers.onnx.proto import FLOAT, INT64

if TYPE_CHECKING:
    from cnncalc.importers.onnx.call import Call
    from cnncalc.importers.onnx.steps import LayerStep
    from cnncalc.layers.shapes import Shape

SAMPLES = 1_000_003


class Value:
    """A tensor of the file.

    Attributes:
        name: the file's own.
        shape: of one sample, without the batch axis.
        axis: where the batch axis stands in the file's shape; None where the file's shape has none.
        times: how many samples one sample has become; 0 for what is the same for the whole batch.
        dtype: TensorProto.DataType.
        data: its elements where they are known, in the order of memory, SAMPLES standing for the batch.
        leaves: the file's stored tensors that a constant is made of.
        source: what a constant is: stored, or an operator on other constants; None for what depends on an input.
        step: the step that makes a value that depends on an input; None for the inputs themselves, and constants.
        origin: the input that it is, or None.
        fill: the one number that all of a constant's elements are, or None.
        index: which output of its operator a constant is.
        quantum: the scale and the zero point of the integers that the file has for real numbers, or None.
        inner: elements before the batch, where it is the innermost part of an axis: (L·N, E) has L of them.
    """

    __slots__ = (
        "axis",
        "data",
        "dtype",
        "fill",
        "index",
        "inner",
        "leaves",
        "name",
        "origin",
        "quantum",
        "shape",
        "source",
        "step",
        "times",
    )

    def __init__(self, name: str, shape: Shape, dtype: int = FLOAT) -> None:
        """Make a constant of which nothing is known but its shape."""
        self.name = name
        self.shape = shape
        self.dtype = dtype
        self.axis: int | None = None
        self.times = 0
        self.data: tuple[Any, ...] | None = None
        self.leaves: tuple[StoredTensor, ...] = ()
        self.source: StoredTensor | Call | None = None
        self.step: LayerStep | None = None
        self.origin: str | None = None
        self.fill: float | None = None
        self.index = 0
        self.inner: int | None = None
        self.quantum: tuple[float, int] | None = None

    @property
    def is_live(self) -> bool:
        """Whether a layer makes it, or it comes from outside."""
        return self.step is not None or self.origin is not None

    @property
    def dims(self) -> Shape:
        """The file's shape, with SAMPLES for the batch."""
        if self.axis is None:
            return self.shape
        return (*self.shape[: self.axis], SAMPLES * self.times, *self.shape[self.axis :])

    @property
    def sample(self) -> Shape:
        """The sample's shape as layers have it: a single number is a vector of one."""
        return self.shape or (1,)

    @property
    def rank(self) -> int:
        """How many axes the file's shape has."""
        return len(self.shape) + (self.axis is not None)

    @property
    def elements(self) -> int:
        """Elements of one sample."""
        return prod(self.shape)

    @property
    def number(self) -> Any:
        """The only element; None where there are several, or it is not known."""
        if self.data is not None and len(self.data) == 1:
            return self.data[0]
        return self.fill if self.elements == 1 else None

    def own(self, axis: int) -> int | None:
        """Return an axis of the file's shape as one of the sample's; None for the batch axis.

        Raises:
            IndexError: where there is no such axis.
        """
        axis = axis + self.rank if axis < 0 else axis
        if not 0 <= axis < self.rank:
            raise IndexError(f"axis {axis} of {self.rank}")
        if self.axis is None or axis < self.axis:
            return axis
        return None if axis == self.axis else axis - 1


def alias(value: Value, shape: Shape, axis: int | None) -> Value:
    """Return a value that is another one as it is, with its batch, or axes of size 1, in other places."""
    other = Value(value.name, shape, value.dtype)
    other.axis, other.times = axis, value.times
    other.leaves, other.source, other.fill, other.index = value.leaves, value.source, value.fill, value.index
    other.data = value.data if not value.is_live else None
    other.step, other.origin = value.step, value.origin
    other.inner = value.inner if axis is None else None
    return other


def literal(data: tuple[Any, ...], shape: Shape, dtype: int = INT64, name: str = "") -> Value:
    """Return a constant whose elements are known."""
    value = Value(name, shape, dtype)
    value.data = data
    return value


class ValueScope:
    """The values that operators see by name: a graph's own, and those of the graph around it."""

    def __init__(self, around: ValueScope | None = None) -> None:
        self.values: dict[str, Value] = {}
        self.around = around

    def find(self, name: str) -> Value | None:
        """Return a value, or None where none has the name."""
        scope: ValueScope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            scope = scope.around
        return None
