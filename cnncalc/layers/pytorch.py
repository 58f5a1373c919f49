"""A use of a layer as PyTorch code, in the form of data: calls whose numbers stay numbers until they are printed.

A layer type that corresponds to one PyTorch function names it in ``Elsewhere.function``; other types have a method
``to_torch``. An exporter prints the calls, and may replace a number that differs from use to use by a name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from cnncalc.ground.named import NamedTuple
from cnncalc.layers.arguments import LayerError

if TYPE_CHECKING:
    from cnncalc.layers.shapes import Shape


T = TypeVar("T")


class InputPlace(NamedTuple):
    """An input of the layer, counted from 0; -1 is the layer's own module."""

    number: int


class Code(str):
    """Python code that is printed unchanged."""

    __slots__ = ()


class Option(NamedTuple):
    """A keyword argument, left out if it has its default."""

    name: str
    value: object
    default: object


class Or(NamedTuple):
    """The value of an option, and the default for which it is left out."""

    value: object
    default: object


class ModuleCall(NamedTuple):
    """Something that is applied to arguments.

    Attributes:
        name: ``F.pad`` for a function, ``.flatten`` for a method of the first argument, ``+`` for an operator between
            all arguments, ``[]`` for the first argument at an index made of the others, ``list`` and ``tuple``.
        args: places, calls, pieces of code, slices of an index, or plain values.
        options: keyword arguments.
    """

    name: str
    args: tuple[object, ...]
    options: tuple[Option, ...] = ()


TensorCode: TypeAlias = ModuleCall | InputPlace
"""An expression for a tensor."""


class Torch(NamedTuple):
    """A use of a layer in PyTorch.

    Attributes:
        value: the expression in ``forward``; a bare `InputPlace` passes the input on.
        module: the module made in ``__init__``, whose parameters have the layer's names; None if there are none.
        helpers: source text of classes and functions that the code needs in addition to PyTorch's.
    """

    value: TensorCode
    module: ModuleCall | None = None
    helpers: tuple[str, ...] = ()


class Flow(NamedTuple):
    """The inputs and the output of a layer's use.

    Attributes:
        inputs: shapes without the batch axis.
        output: the output's shape.
        once: for each input, whether it is shared by all samples of the batch.
    """

    inputs: tuple[Shape, ...]
    output: Shape
    once: tuple[bool, ...]


X = InputPlace(0)
Y = InputPlace(1)
MODULE = InputPlace(-1)


def call(name: str, *args: object, **options: object) -> ModuleCall:
    """Return a call; an option is its value, or a pair of the value and the default for which it is left out."""
    made = [
        Option(key, *value) if type(value) is Or else Option(key, value, ModuleCall) for key, value in options.items()
    ]
    return ModuleCall(name, args, tuple(made))


def applied(module: ModuleCall, *helpers: str) -> Torch:
    """Return a module that is applied to the only input."""
    return Torch(call("()", MODULE, X), module, helpers)


def short(values: tuple[T, ...]) -> T | tuple[T, ...]:
    """Return one number if all axes have the same."""
    return values[0] if len(set(values)) == 1 else values


def pad(x: TensorCode, pads: Sequence[tuple[int, int]], value: object = 0, mode: str = "constant") -> TensorCode:
    """Return a tensor with borders (before, after) on its last axes; unchanged if there are none."""
    if not any(before or after for before, after in pads):
        return x
    flat = tuple([side for pair in reversed(pads) for side in pair])
    options = {"mode": Or(mode, "constant"), "value": Or(value, 0)}
    return call("F.pad", x, flat, **options)


def to_last(x: TensorCode, axis: int, rank: int) -> TensorCode:
    """Return a tensor with an axis (batch not counted) moved to the end."""
    return x if axis == rank - 1 else call(".movedim", x, axis + 1, -1)


def from_last(x: TensorCode, axis: int, rank: int) -> TensorCode:
    """Return a tensor with its last axis moved to another place."""
    return x if axis == rank - 1 else call(".movedim", x, -1, axis + 1)


def index(x: TensorCode, axis: int, at: object) -> ModuleCall:
    """Return a tensor at an index, or a slice, of one axis (batch not counted)."""
    return call("[]", x, *[slice(None)] * (axis + 1), at)


def dims(axes: Sequence[int]) -> int | tuple[int, ...]:
    """Return axes as PyTorch counts them, with the batch first; a single axis as an integer."""
    return axes[0] + 1 if len(axes) == 1 else tuple([axis + 1 for axis in axes])


def mapped(shape: Shape, what: str) -> int:
    """Return the number of spatial axes of a map. Raises LayerError if PyTorch's functions support fewer."""
    if len(shape) > 4:
        raise LayerError(f"has no {what} on {len(shape) - 1} spatial axes")
    return len(shape) - 1


def over_last(x: TensorCode, over: Sequence[int], rank: int, inner: Callable[[TensorCode], ModuleCall]) -> ModuleCall:
    """Return a function of the last axes applied to other axes (batch not counted)."""
    if list(over) == list(range(rank - len(over), rank)):
        return inner(x)
    places = dims(over)
    last = tuple(range(-len(over), 0)) if len(over) > 1 else -1
    return call(".movedim", inner(call(".movedim", x, places, last)), last, places)
