"""The values that operators of a model file read and write: the shape of one sample, the batch axis, known elements.

The shapes in a file are those of a whole batch.  Here each value has the shape of one sample, the position of the batch
axis in the file's shape, and the number of arrays that one sample has become.  Shapes that the file computes are
computed for a batch of :data:`SAMPLES` samples, so that the size of the batch can be recognised in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from types import UnionType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from cnncalc.importers.onnx.model import OnnxOperator, StoredTensor
from cnncalc.importers.onnx.proto import FLOAT, INT64
from cnncalc.importers.onnx.wire import MalformedError
from cnncalc.layers.base import LayerError

if TYPE_CHECKING:
    from cnncalc.layers.base import Layer, Use
    from cnncalc.layers.shapes import Shape

SAMPLES = 1_000_003
"""The size of the batch while shapes are computed: a prime that no model has as a size."""

_T = TypeVar("_T")

MOVES = frozenset({
    "Reshape", "Transpose", "Slice", "Split", "Squeeze", "Unsqueeze", "Gather", "Identity", "Expand", "Tile", "Cast",
    "Flatten",
})  # fmt: skip
"""Operators whose output consists of elements of their first input."""


class UnfitError(Exception):
    """The inputs or attributes of an operator do not fit it, or what they ask for is not supported."""


UNFIT = (UnfitError, LayerError, MalformedError, LookupError, ValueError, TypeError, ArithmeticError)
"""The errors that an operator may cause whose numbers do not fit it: the file's numbers are used unchecked."""


class Value:
    """A tensor of the file, or a list of tensors.

    Attributes:
        name: its name in the file.
        shape: the shape of one sample, without the batch axis.
        axis: the batch axis in the file's shape; None if the file's shape has none.
        times: how many arrays one sample has become; 0 if the tensor is the same for the whole batch.
        dtype: the element type, a TensorProto.DataType.
        leaves: the stored tensors from which a constant is computed.
        source: where a constant comes from: a stored tensor, or an operator on constants; None for other values.
        step: the layer that computes the tensor; None for inputs of the model and constants.
        input_name: the name of the model's input that it is, or None.
        is_live: whether it is an input of the model or computed from one, not a constant.
        index: which of its operator's outputs a constant is, counted from 0.
        items: the tensors of a list of tensors; None for a tensor.
        grid: the scale and the zero point of a tensor that the file has as integers, or None.
        in_file: the elements for the file's own batch if the number of samples decides them; else None.
        sample_step: for indices, the number that is added to those of one sample for the next one; else None.
        before_batch: L and T if the batch of N, T arrays of each sample, is the inner part of an axis, as in the shape
            (L·N·T, E); else None.
    """

    __slots__ = (
        "_data", "_fill", "_read", "axis", "before_batch", "dtype", "grid", "in_file", "index", "input_name",
        "is_live", "items", "leaves", "name", "sample_step", "shape", "source", "step", "times",
    )  # fmt: skip

    def __init__(self, name: str, shape: Shape, dtype: int = FLOAT) -> None:
        """Make a constant whose elements are not known."""
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
        self.input_name: str | None = None
        self.is_live = False
        self._fill: float | None = None
        self.index = 0
        self.before_batch: tuple[int, int] | None = None
        self.sample_step: int | None = None
        self.items: tuple[Value, ...] | None = None
        self.grid: QuantizedGrid | None = None
        self.in_file: tuple[float, ...] | None = None

    @property
    def data(self) -> tuple[float, ...] | None:
        """The elements in the order of memory, SAMPLES for the size of the batch; None if they are not known."""
        if self._read is not None:
            read, self._read = self._read, None
            self._data = read()
        return self._data

    @data.setter
    def data(self, data: tuple[float, ...]) -> None:
        self._data = data

    def defer(self, read: Callable[[], tuple[float, ...] | None]) -> None:
        """Set a function that returns the elements, which is called when they are first asked for."""
        self._read = read

    def __getstate__(self) -> tuple[None, dict[str, object]]:
        """Return the state that is pickled, with the elements instead of the function that reads them."""
        _ = self.data
        return None, {slot: getattr(self, slot) for slot in self.__slots__}

    @property
    def fill(self) -> float | None:
        """The number that all elements of a constant are equal to, or None."""
        data = self.data if self._fill is None else None
        if data and data[0] == data[-1] and data.count(data[0]) == len(data):
            self._fill = data[0]
        return self._fill

    @fill.setter
    def fill(self, number: float | None) -> None:
        self._fill = number

    def copy(self) -> Value:
        """Return a copy whose description (element type, grid, sample_step) can be changed."""
        return alias(self, self.shape, self.axis)

    @property
    def dims(self) -> Shape:
        """The file's shape, with SAMPLES for the batch."""
        if self.axis is None:
            return self.shape
        return (*self.shape[: self.axis], SAMPLES * self.times, *self.shape[self.axis :])

    @property
    def sample(self) -> Shape:
        """The sample's shape as layers have it: a single number is a vector of one element."""
        return self.shape or (1,)

    @property
    def rank(self) -> int:
        """The number of axes of the file's shape."""
        return len(self.shape) + (self.axis is not None)

    @property
    def elements(self) -> int:
        """The number of elements of one sample."""
        return prod(self.shape)

    @property
    def number(self) -> float | None:
        """The only element; None if there are several elements, or it is not known."""
        if self.data is not None and len(self.data) == 1:
            return self.data[0]
        return self.fill if self.elements == 1 else None

    def sample_axis(self, axis: int) -> int | None:
        """Return the axis of a sample that an axis of the file's shape is; None for the batch axis.

        Raises:
            UnfitError: if there is no such axis.
        """
        axis = axis + self.rank if axis < 0 else axis
        if not 0 <= axis < self.rank:
            raise UnfitError(f"axis {axis} of {self.rank}")
        if self.axis is None or axis < self.axis:
            return axis
        return None if axis == self.axis else axis - 1


class QuantizedGrid(NamedTuple):
    """The numbers ``(q − zero) · scale`` of a quantised tensor.

    Attributes:
        scale: one number, or one for each index of ``axis``, or one for each block of indices.
        zero: the integers that stand for 0, as many as there are scales; None if they are 0.
        axis: the axis of the file's shape along which the scales differ.
        block: how many indices share a scale; 0 if each index has its own scale.
    """

    scale: Value
    zero: Value | None
    axis: int = 1
    block: int = 0

    @property
    def numbers(self) -> tuple[float, float] | None:
        """The scale and the zero point if there is one of each, and both are known; else None."""
        step, offset = self.scale.number, 0.0 if self.zero is None else self.zero.number
        return None if step is None or offset is None else (float(step), float(offset))

    def is_that_of(self, other: QuantizedGrid) -> bool:
        """Whether another grid has the same numbers, as far as the file shows."""
        if self.numbers is not None and other.numbers is not None:
            return self.numbers == other.numbers
        return (self.scale.data, self.scale.leaves) == (other.scale.data, other.scale.leaves)


def alias(value: Value, shape: Shape, axis: int | None) -> Value:
    """Return the same tensor with the batch, or axes of size 1, in other places of its shape."""
    other = Value(value.name, shape, value.dtype)
    other.axis, other.times = axis, value.times
    other.leaves, other.source, other.index = value.leaves, value.source, value.index
    other.step, other.input_name, other.is_live = value.step, value.input_name, value.is_live
    other._fill = value._fill
    if not value.is_live:
        other.sample_step = value.sample_step
        other.defer(lambda: value.data)
    other.before_batch = value.before_batch if axis is None else None
    return other


def before_moves(value: Value) -> Value:
    """Return the value whose elements a value has, which is before the layers that only move them."""
    while value.step is not None and value.step.layer.moves_only and len(value.step.inputs) == 1:
        value = value.step.inputs[0]
    return value


def whole(data: Iterable[float]) -> tuple[int, ...]:
    """Return indices or sizes as integers."""
    return tuple([int(item) for item in data])


def literal(data: tuple[float, ...], shape: Shape, dtype: int = INT64, name: str = "") -> Value:
    """Return a constant whose elements are known."""
    value = Value(name, shape, dtype)
    value.data = data
    return value


class Call(NamedTuple):
    """An operator with its inputs.

    Attributes:
        operator: the operator, as the file has it.
        inputs: the values that it reads; None for an input that is left out.
        opset: the version of the operator set that it belongs to.
        scopes: the names of the functions and subgraphs around it, the outermost first.
    """

    operator: OnnxOperator
    inputs: list[Value | None]
    opset: int = 13
    scopes: tuple[str, ...] = ()

    @property
    def op(self) -> str:
        """The operator's name."""
        return self.operator.op

    def leaves(self) -> tuple[StoredTensor, ...]:
        """Return the stored tensors from which its outputs' elements are computed; shapes and indices do not count."""
        moves = getattr(self.operator.attributes.get("layer"), "moves_only", self.op in MOVES)
        values = self.inputs[:1] if moves else self.inputs
        return tuple({id(leaf): leaf for value in values if value is not None for leaf in value.leaves}.values())

    def given(self, index: int) -> Value | None:
        """Return an input; None if it is left out."""
        return self.inputs[index] if index < len(self.inputs) else None

    def input(self, index: int) -> Value:
        """Return an input.  Raises UnfitError if it is left out."""
        value = self.given(index)
        if value is None:
            raise UnfitError(f"its input {index + 1} is missing")
        return value

    def live_inputs(self) -> list[Value]:
        """Return the inputs that are not constants."""
        return [value for value in self.inputs if value is not None and value.is_live]

    def _attribute(self, name: str, default: _T, kinds: type | UnionType, what: str) -> _T:
        value: object = self.operator.attributes.get(name, default)
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
        """Return an attribute that is a string."""
        return self._attribute(name, default, str, "text")

    def _list(self, name: str, kinds: set[type], what: str) -> tuple[Any, ...] | None:
        value: object = self.operator.attributes.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not kinds.issuperset(map(type, value)):
            raise UnfitError(f"{name} is not a list of {what}")
        return tuple(value)

    def numbers(self, name: str) -> tuple[float, ...] | None:
        """Return an attribute that is a list of numbers, or None if it is left out."""
        return self._list(name, {int, float}, "numbers")

    def integers(self, name: str) -> tuple[int, ...] | None:
        """Return an attribute that is a list of integers, or None if it is left out."""
        return self._list(name, {int}, "integers")

    def known(self, index: int, name: str) -> tuple[float, ...] | None:
        """Return the elements of an input that must be known before the model runs; None if it is left out.

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
        """Return the elements of an input as integers; see :meth:`known`."""
        found = self.known(index, name)
        return None if found is None else whole(found)

    def listed(self, name: str, index: int, since: int) -> tuple[int, ...] | None:
        """Return a list of integers that is an attribute before opset ``since``, and an input from that opset on."""
        return self.integers(name) if self.opset < since else self.sizes(index, name)


class ConstantInput(NamedTuple):
    """A constant that is a tensor of a layer: a weight, a bias, a statistic.

    Attributes:
        value: the constant.
        is_certain: whether its role makes it a parameter; if not, its size and its name decide.
    """

    value: Value
    is_certain: bool = True


class LayerStep:
    """A layer of the network that is being built.

    Attributes:
        layer: the layer.
        inputs: the values that it reads.
        use: the layer applied to the shapes that it reads, for one array.
        output: the value that it computes.
        tensors: its own tensors, by the layer's names for them.
        calls: the operators that it replaces.
    """

    __slots__ = ("calls", "inputs", "layer", "output", "tensors", "use")

    def __init__(
        self, layer: Layer, inputs: list[Value], output: Value, tensors: dict[str, ConstantInput], calls: list[Call],
        use: Use | None = None,
    ) -> None:  # fmt: skip
        """Make the layer the one that computes ``output``."""
        self.put(layer, inputs, use)
        self.output, self.tensors, self.calls = output, tensors, calls
        output.step, output.is_live = self, True

    def put(self, layer: Layer, inputs: list[Value], use: Use | None = None) -> None:
        """Set the layer and the values that it reads; its use is found here unless it is given."""
        self.layer, self.inputs = layer, inputs
        self.use = use or layer.apply(tuple([value.sample for value in inputs]))

    def __getitem__(self, name: str) -> Any:
        """Return an argument of the layer."""
        return self.layer.__dict__[name]

    def leaves(self) -> list[StoredTensor]:
        """Return the stored tensors from which the layer's own tensors are computed."""
        return [leaf for tensor in self.tensors.values() for leaf in tensor.value.leaves]

    @property
    def copies(self) -> int:
        """How many arrays the layer computes for one sample; 1 if it computes one for the whole batch."""
        return self.output.times or 1
