"""The interface for a layer's `to_torch`: it makes calls, modules and tensors of PyTorch.

They are data whose numbers stay numbers until they are printed: an exporter may replace a number that differs from use
to use by a name. A layer type that corresponds to one PyTorch function names it in ``Elsewhere.function``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import dropwhile
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from cnncalc.ground.named import NamedTuple
from cnncalc.layers.arguments import LayerError

if TYPE_CHECKING:
    from cnncalc.layers.shapes import Shape
    from cnncalc.layers.state_form import StateForm

T = TypeVar("T")


class InputPlace(NamedTuple):
    """An input of the layer, counted from 0; -1 is the layer's own module; -2, -3 … are tensors without one."""

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


MODULE = InputPlace(-1)


def call(name: str, *args: object, **options: object) -> ModuleCall:
    """Return a call; an option is its value, or a pair of the value and the default for which it is left out."""
    made = [
        Option(key, *value) if type(value) is Or else Option(key, value, ModuleCall) for key, value in options.items()
    ]
    return ModuleCall(name, args, tuple(made))


class Torch:
    """The PyTorch code of one use of a layer.

    Attributes:
        arguments: the layer's arguments, each with its default.
        shapes: shapes of the inputs, without the batch axis.
        output: the shape of the output, without the batch axis.
        once: for each input, whether it is shared by all samples of the batch.
        loose: shapes of the layer's tensors if they are attributes of the module around it, which has no module for
            the layer, by their names in `weights`; else empty.
        forms: those of these tensors that the module has in another form.
        inputs: the input tensors.
        x: the first of the inputs.
        value: the layer's expression in ``forward``, once it is known; a bare `InputPlace` passes the input on.
        made: the call that makes the module; None if there is none.
        as_module: PyTorch's module of the same function, if it is another type's in `elsewhere`; else None.
        held: the calls that make the loose tensors, by their names in `weights`.
        helpers: source text of classes and functions that the code needs in addition to PyTorch's.
    """

    value: TensorCode
    call = staticmethod(call)
    option = Or
    code = Code

    def __init__(
        self,
        arguments: Mapping[str, Or],
        shapes: tuple[Shape, ...],
        output: Shape,
        once: tuple[bool, ...],
        loose: Mapping[str, Shape],
        forms: Mapping[str, StateForm],
    ) -> None:
        self.arguments = arguments
        self.shapes = shapes
        self.output = output
        self.once = once
        self.loose = loose
        self.forms = forms
        self.inputs: tuple[TensorCode, ...] = tuple([InputPlace(number) for number in range(len(shapes))])
        self.x: TensorCode = InputPlace(0)
        self.made: ModuleCall | None = None
        self.as_module: ModuleCall | None = None
        self.held: dict[str, ModuleCall] = {}
        self.helpers: tuple[str, ...] = ()

    def module(self, name: str, *args: object, **options: object) -> Callable[..., ModuleCall]:
        """Make the layer's module, whose parameters have the layer's names; return a function that calls it."""
        self.made = call(name, *args, **options)
        return partial(call, "()", MODULE)

    def options(self, *names: str, **others: str) -> dict[str, Or]:
        """Return arguments of the layer as PyTorch's, whose defaults are the same; ``others`` have other names here."""
        words = {name: name for name in names} | others
        found = {word: self.arguments[own] for word, own in words.items()}
        return {
            word: one._replace(value=self.short(one.value)) if isinstance(one.value, tuple) else one
            for word, one in found.items()
        }

    def define(self, text: str) -> None:
        """Add the source of a class or a function that the code needs in addition to PyTorch's."""
        self.helpers = (*self.helpers, text)

    def weight(self, name: str, fill: float = 0) -> TensorCode:
        """Return a loose tensor, which has one number everywhere before training."""
        shape = self._held_shape(name)
        if fill in (0, 1):
            self.held[name] = call("torch.ones" if fill else "torch.zeros", *(shape or [()]))
        else:
            self.held[name] = call("torch.full", call("tuple", *shape), fill)
        place = InputPlace(-1 - len(self.held))
        return call(".t", place) if name in self.forms and self.forms[name].is_transposed else place

    def met(self, name: str, by_channel: bool, fill: float = 0) -> TensorCode:
        """Return a loose tensor, with one number per channel or the input's axes, so that it broadcasts to that."""
        own = self.loose[name]
        shape = (*own, *[1] * (len(self.shapes[0]) - 1)) if by_channel else own
        held, weight = self._held_shape(name), self.weight(name, fill)
        if _without_leading_ones(held) == _without_leading_ones(shape) and len(held) <= len(shape) + 1:
            return weight
        return call(".view", weight, *([-1, *shape[1:]] if by_channel else shape))

    def batched(self, name: str) -> TensorCode:
        """Return a loose tensor with a batch axis of 1."""
        weight = self.weight(name)
        return weight if self._held_shape(name) == (1, *self.loose[name]) else call("[]", weight, None)

    def _held_shape(self, name: str) -> Shape:
        return self.forms[name].shape if name in self.forms else self.loose[name]

    def weighted(self, function: str, x: TensorCode, **options: object) -> ModuleCall:
        """Return a function of a tensor and of all loose tensors, of which the first is random before training."""
        places = [self.weight(name) for name in self.loose]
        first = next(iter(self.loose))
        self.held[first] = call("nn.init.xavier_uniform_", call("torch.empty", *self._held_shape(first)))
        return call(function, x, *places, **options)

    def mapped(self, what: str) -> int:
        """Return the number of spatial axes of the input.  Raises LayerError if PyTorch's functions support fewer."""
        axes = len(self.shapes[0]) - 1
        if axes > 3:
            raise LayerError(f"has no {what} on {axes} spatial axes")
        return axes

    @staticmethod
    def short(values: tuple[T, ...]) -> T | tuple[T, ...]:
        """Return one number if all axes have the same."""
        return values[0] if len(set(values)) == 1 else values

    @staticmethod
    def dims(axes: Sequence[int]) -> int | tuple[int, ...]:
        """Return axes as PyTorch counts them, with the batch first; a single axis as an integer."""
        return axes[0] + 1 if len(axes) == 1 else tuple([axis + 1 for axis in axes])

    @staticmethod
    def pad(x: TensorCode, pads: Sequence[tuple[int, int]], value: object = 0, mode: str = "constant") -> TensorCode:
        """Return a tensor with borders (before, after) on its last axes; unchanged if there are none."""
        if not any(before or after for before, after in pads):
            return x
        flat = tuple([side for pair in reversed(pads) for side in pair])
        return call("F.pad", x, flat, mode=Or(mode, "constant"), value=Or(value, 0))

    @staticmethod
    def widened(x: TensorCode, count: int) -> TensorCode:
        """Return a tensor with ``count`` axes of 1 after the batch."""
        for _ in range(count):
            x = call(".unsqueeze", x, 1)
        return x

    @staticmethod
    def transposed(x: TensorCode) -> ModuleCall:
        """Return a tensor whose last two axes have changed places."""
        return call(".transpose", x, -1, -2)

    @staticmethod
    def index(x: TensorCode, axis: int, at: object) -> ModuleCall:
        """Return a tensor at an index, or a slice, of one axis (batch not counted)."""
        return call("[]", x, *[slice(None)] * (axis + 1), at)

    def moved(self, x: TensorCode, source: int, target: int) -> TensorCode:
        """Return a tensor with as many axes as the input, with one of them (batch counted) moved to another place."""
        axes = len(self.shapes[0]) + 1
        return x if source % axes == target % axes else call(".movedim", x, source, target)

    def over_last(self, over: Sequence[int], inner: Callable[[TensorCode], TensorCode]) -> TensorCode:
        """Return a function of the last axes applied to other axes of the input (batch not counted)."""
        rank = len(self.shapes[0])
        if list(over) == list(range(rank - len(over), rank)):
            return inner(self.x)
        places = self.dims(over)
        last = tuple(range(-len(over), 0)) if len(over) > 1 else -1
        return call(".movedim", inner(call(".movedim", self.x, places, last)), last, places)


def _without_leading_ones(shape: Shape) -> Shape:
    return tuple(dropwhile(lambda size: size == 1, shape))
