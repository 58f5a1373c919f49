"""What flows between a model file's operators: the shape of one sample, where the batch is, and what is known of it.

The shapes of a file are those of a whole batch.  Here each value has the shape of one sample, the place where the batch
axis stands in the file's shape, and how many samples one sample has become.  Shapes that the file computes are computed
as if a batch had :data:`SAMPLES` samples, a prime that no model has as a size, so that the batch is found in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import prod
from types import UnionType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from cnncalc.importers.onnx.model import OnnxOperator, StoredTensor
from cnncalc.importers.onnx.proto import FLOAT, INT64
from cnncalc.importers.onnx.wire import MalformedError
from cnncalc.layers.base import LayerError

if TYPE_CHECKING:
    from cnncalc.layers.base import Layer
    from cnncalc.layers.shapes import Shape

SAMPLES = 1_000_003

_T = TypeVar("_T")

MOVES = frozenset({
    "Reshape", "Transpose", "Slice", "Split", "Squeeze", "Unsqueeze", "Gather", "Identity", "Expand", "Tile", "Cast",
    "Flatten",
})  # fmt: skip
"""Operators whose elements are all their first input's."""


class UnfitError(Exception):
    """An operator that can't be what the file says it is."""


UNFIT = (UnfitError, LayerError, MalformedError, LookupError, ValueError, TypeError, ArithmeticError)
"""What comes of numbers in a file that do not fit their operator: they go into its arithmetic as they are."""


class Value:
    """A tensor of the file.

    Attributes:
        name: the file's own.
        shape: of one sample, without the batch axis.
        axis: where the batch axis stands in the file's shape; None if the file's shape has none.
        times: how many samples one sample has become; 0 for what is the same for the whole batch.
        dtype: TensorProto.DataType.
        leaves: the file's stored tensors that a constant is made of.
        source: what a constant is: stored, or an operator on other constants; None for what depends on an input.
        step: the step that makes a value that depends on an input; None for the inputs themselves, and constants.
        origin: the input that it is, or None.
        index: which output of its operator a constant is.
        items: the tensors of a list of them; None for a tensor.
        quantum: the grid of numbers of which the file has the places, as integers; None where it has none.
        rows: how many rows further each sample's are than those of the sample before, which these indices count.
        inner: elements before the batch, where it is the innermost part of an axis: (L·N, E) has L of them.
    """

    __slots__ = (
        "_data", "_fill", "_read", "axis", "dtype", "index", "inner", "items", "leaves", "name",
        "origin", "quantum", "rows", "shape", "source", "step", "times",
    )  # fmt: skip

    def __init__(self, name: str, shape: Shape, dtype: int = FLOAT) -> None:
        """Make a constant of which nothing is known but its shape."""
        self.name = name
        self.shape = shape
        self.dtype = dtype
        self.axis: int | None = None
        self.times = 0
        self._data: tuple[float, ...] | None = None
        self._read: Callable[[], tuple[float, ...] | None] | None = None
        self.leaves: tuple[StoredTensor, ...] = ()
        self.source: StoredTensor | Call | None = None
        self.step: LayerStep | None = None
        self.origin: str | None = None
        self._fill: float | None = None
        self.index = 0
        self.inner: int | None = None
        self.rows: int | None = None
        self.items: tuple[Value, ...] | None = None
        self.quantum: QuantizedGrid | None = None

    @property
    def data(self) -> tuple[float, ...] | None:
        """Its elements where they are known, in the order of memory, SAMPLES standing for the batch."""
        if self._read is not None:
            read, self._read = self._read, None
            self._data = read()
        return self._data

    @data.setter
    def data(self, data: tuple[float, ...]) -> None:
        self._data = data

    def defer(self, read: Callable[[], tuple[float, ...] | None]) -> None:
        """Let the elements be read where somebody asks for them."""
        self._read = read

    def __getstate__(self) -> tuple[None, dict[str, object]]:
        """Return what goes to another process: elements that were not read yet are read."""
        _ = self.data
        return None, {slot: getattr(self, slot) for slot in self.__slots__}

    @property
    def fill(self) -> float | None:
        """The one number that all of a constant's elements are, or None."""
        data = self.data if self._fill is None else None
        if data and data[0] == data[-1] and data.count(data[0]) == len(data):
            self._fill = data[0]
        return self._fill

    @fill.setter
    def fill(self, number: float | None) -> None:
        self._fill = number

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
    def number(self) -> float | None:
        """The only element; None if there are several, or it is not known."""
        if self.data is not None and len(self.data) == 1:
            return self.data[0]
        return self.fill if self.elements == 1 else None

    def own(self, axis: int) -> int | None:
        """Return an axis of the file's shape as one of the sample's; None for the batch axis.

        Raises:
            IndexError: if there is no such axis.
        """
        axis = axis + self.rank if axis < 0 else axis
        if not 0 <= axis < self.rank:
            raise IndexError(f"axis {axis} of {self.rank}")
        if self.axis is None or axis < self.axis:
            return axis
        return None if axis == self.axis else axis - 1


class QuantizedGrid(NamedTuple):
    """A quantised tensor's numbers ``(q − zero) · scale``: one scale, or one for each place, or block, of an axis."""

    scale: Value
    zero: Value | None
    axis: int = 1
    block: int = 0

    @property
    def numbers(self) -> tuple[float, float] | None:
        """The scale and the zero point where there is one of each, and the file has it."""
        step, offset = self.scale.number, 0.0 if self.zero is None else self.zero.number
        return None if step is None or offset is None else (float(step), float(offset))

    def is_that_of(self, other: QuantizedGrid) -> bool:
        """Whether another grid is the same, as far as the file shows."""
        if self.numbers is not None and other.numbers is not None:
            return self.numbers == other.numbers
        return (self.scale.data, self.scale.leaves) == (other.scale.data, other.scale.leaves)


def alias(value: Value, shape: Shape, axis: int | None) -> Value:
    """Return a value that is another one as it is, with its batch, or axes of size 1, in other places."""
    other = Value(value.name, shape, value.dtype)
    other.axis, other.times = axis, value.times
    other.leaves, other.source, other.index = value.leaves, value.source, value.index
    other._fill = value._fill
    if not value.is_live:
        other.defer(lambda: value.data)
    other.step, other.origin = value.step, value.origin
    other.inner = value.inner if axis is None else None
    return other


def whole(data: Iterable[float]) -> tuple[int, ...]:
    """Return elements that are places or sizes as integers."""
    return tuple([int(item) for item in data])


def literal(data: tuple[float, ...], shape: Shape, dtype: int = INT64, name: str = "") -> Value:
    """Return a constant whose elements are known."""
    value = Value(name, shape, dtype)
    value.data = data
    return value


class ValueScope:
    """The values that operators see by name: a graph's own, those stored beside it, and those of the graph around."""

    def __init__(self, around: ValueScope | None = None) -> None:
        self.values: dict[str, Value] = {}
        self.stored: Mapping[str, Value] = {}
        self.around = around

    def find(self, name: str) -> Value | None:
        """Return a value, or None if none has the name."""
        scope: ValueScope | None = self
        while scope is not None:
            found = scope.values.get(name) or scope.stored.get(name)
            if found is not None:
                return found
            scope = scope.around
        return None


class Call:
    """An operator with its inputs.

    Attributes:
        operator: as the file has it.
        inputs: its values; None for one that is left out.
        opset: the version of the operator set that it belongs to.
        scopes: names of the functions' calls that it stands in, from the outside.
    """

    __slots__ = ("inputs", "operator", "opset", "scopes")

    def __init__(self, operator: OnnxOperator, inputs: list[Value | None], opset: int, scopes: tuple[str, ...]) -> None:
        self.operator = operator
        self.inputs = inputs
        self.opset = opset
        self.scopes = scopes

    @property
    def op(self) -> str:
        """The operator's name."""
        return self.operator.op

    def leaves(self) -> tuple[StoredTensor, ...]:
        """Return the stored tensors that the elements of constants are made of, and no sizes and places."""
        values = self.inputs[:1] if self.op in MOVES else self.inputs
        found = {id(leaf): leaf for value in values if value is not None for leaf in value.leaves}
        return tuple(found.values())

    def given(self, index: int) -> Value | None:
        """Return an input that may be left out."""
        return self.inputs[index] if index < len(self.inputs) else None

    def input(self, index: int) -> Value:
        """Return an input.  Raises UnfitError if it is left out."""
        value = self.given(index)
        if value is None:
            raise UnfitError(f"its input {index + 1} is missing")
        return value

    def _attribute(self, name: str, default: _T, kinds: type | UnionType, what: str) -> _T:
        value: Any = self.operator.attributes.get(name, default)
        if not isinstance(value, kinds):
            raise UnfitError(f"{name} is no {what}")
        return cast("_T", value)

    def integer(self, name: str, default: int = 0) -> int:
        """Return an attribute that is an integer."""
        return self._attribute(name, default, int, "integer")

    def number(self, name: str, default: float = 0.0) -> float:
        """Return an attribute that is a number."""
        return float(self._attribute(name, default, int | float, "number"))

    def text(self, name: str, default: str = "") -> str:
        """Return an attribute that is a text."""
        return self._attribute(name, default, str, "text")

    def numbers(self, name: str) -> tuple[float, ...] | None:
        """Return an attribute that is a list of numbers, or None if it is left out."""
        value = self.operator.attributes.get(name)
        if value is None:
            return None
        found = [item for item in value if isinstance(item, int | float)] if isinstance(value, list) else []
        if not isinstance(value, list) or len(found) < len(value):
            raise UnfitError(f"{name} is not a list of numbers")
        return tuple(found)

    def integers(self, name: str) -> tuple[int, ...] | None:
        """Return an attribute that is a list of integers, or None if it is left out."""
        numbers = self.numbers(name)
        found = None if numbers is None else tuple([item for item in numbers if isinstance(item, int)])
        if found is not None and found != numbers:
            raise UnfitError(f"{name} is not a list of integers")
        return found

    def tensor(self, name: str) -> StoredTensor | None:
        """Return an attribute that is a tensor, or None if it is left out."""
        value = self.operator.attributes.get(name)
        return value if isinstance(value, StoredTensor) else None

    def known(self, index: int, name: str) -> tuple[float, ...] | None:
        """Return the elements of an input that decides over what is made; None if it is left out.

        Raises:
            UnfitError: if they are not known.
        """
        value = self.given(index)
        if value is None:
            return None
        if value.data is None:
            raise UnfitError(f"{name} is not known before it runs")
        return value.data

    def sizes(self, index: int, name: str) -> tuple[int, ...] | None:
        """Return the integers of an input that decides over shapes, as :meth:`known`."""
        found = self.known(index, name)
        return None if found is None else whole(found)

    def listed(self, name: str, index: int, since: int) -> tuple[int, ...] | None:
        """Return a list that is an attribute before an opset, and an input from it on."""
        return self.integers(name) if self.opset < since else self.sizes(index, name)


def where(item: OnnxOperator) -> str:
    """Return what an operator is called in messages."""
    return f"{item.op} '{item.name}'" if item.name else f"{item.op} that makes '{(*item.outputs, '')[0]}'"


# --- layers -------------------------------------------------------------------------------------------------


class ConstantInput(NamedTuple):
    """A constant that a step takes in as a tensor of its layer."""

    value: Value
    is_certain: bool = True


class LayerStep:
    """A layer on values.

    Attributes:
        layer: the layer.
        inputs: what it reads.
        output: what it makes.
        held: its constants, by the layer's names for them.
        calls: the operators that it stands for.
    """

    __slots__ = ("calls", "held", "inputs", "layer", "output")

    def __init__(
        self, layer: Layer, inputs: list[Value], output: Value, held: dict[str, ConstantInput], calls: list[Call]
    ) -> None:
        self.layer = layer
        self.inputs = inputs
        self.output = output
        self.held = held
        self.calls = calls

    def __getitem__(self, name: str) -> Any:
        """Return an argument of the layer."""
        return self.layer.__dict__[name]


def rows_of(call: Call) -> int | None:
    """Return how many rows a constant counts for each sample that is made of one that counts them, or None."""
    counts = [value for value in call.inputs if value is not None and value.rows is not None]
    if not counts or call.op not in (*MOVES, "Mul"):
        return None
    factors = [value.number for value in call.inputs if value is not None and value is not counts[0]]
    return (counts[0].rows or 0) * (int(factors[0] or 0) if call.op == "Mul" else 1)
