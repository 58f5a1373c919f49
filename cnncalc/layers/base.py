"""The base class of layer types: arguments, checks, and the costs of one use.

A layer type is one file with one subclass of :class:`Layer`.  Shapes are tuples of integers without the
batch axis, channels first: ``(F,)``, ``(C, L)``, ``(C, H, W)`` or ``(C, D, H, W)``.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from cnncalc.ground.limits import MAX_INTEGER, MAX_RANK
from cnncalc.ground.named import NamedTuple
from cnncalc.layers.arguments import Argument, per_rank
from cnncalc.layers.arguments import LayerError as LayerError
from cnncalc.layers.shapes import Shape, shape_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnncalc.layers.contractions import Contraction
    from cnncalc.layers.element import Element
    from cnncalc.layers.onnx import Onnx
    from cnncalc.layers.ops import Array, NumPy, Ops
    from cnncalc.layers.pytorch import Flow, Torch
    from cnncalc.layers.reads import Reads
    from cnncalc.layers.window import Sliding

KINDS = ("conv", "fc", "matmul", "recurrent", "norm", "pool", "activation", "merge", "shape", "other")


class Weight(NamedTuple):
    """A tensor that a layer owns; trainable ones are ``params``, the others ``buffers``."""

    shape: Shape
    trainable: bool = True

    def __repr__(self) -> str:
        return f"Weight({self.shape}{'' if self.trainable else ', trainable=False'})"


class Example(NamedTuple):
    """An item as a spec has it, with figures worked out by hand; shown by ``cnncalc layers``, and tested."""

    item: str
    inputs: tuple[Shape, ...]
    output: Shape
    params: int = 0
    macs: int = 0
    flops: int = 0


class Elsewhere(NamedTuple):
    """What a layer type is called elsewhere, so that a hint can translate it; empty where there is no counterpart.

    A call names the arguments by their places, in the framework's words: ``Dense(units)``.  ``{d}`` stands for the
    number of spatial axes, and ``size=scale_factor`` for a word that means another argument here.

    Attributes:
        torch: PyTorch's module.
        keras: Keras' layer.
        onnx: ONNX' operator.
        others: more names, separated by blanks: of functions, of other frameworks and of papers.
        function: PyTorch's function of the inputs where nothing more is to be said: ``F.elu(alpha)``.
        compared: whether the type was held against the tools that count; of any other their figures are not known.
    """

    torch: str = ""
    keras: str = ""
    onnx: str = ""
    others: str = ""
    function: str = ""
    compared: bool = False


class Use:
    """A layer applied to given input shapes: its output shape and everything that is counted, per sample.

    ``elements`` are those of the output.  ``flops`` is None if the type does not define them; such types are named
    in every output.
    """

    __slots__ = ("buffers", "elements", "flops", "inputs", "layer", "macs", "output", "params", "weights")

    def __init__(self, layer: Layer, inputs: tuple[Shape, ...]) -> None:
        """Infer and count.  Raises LayerError if the inputs don't fit the layer."""
        self.layer = layer
        self.inputs = inputs
        self.output = output = layer.output_shape(*inputs)
        if len(output) > MAX_RANK:
            raise LayerError(f"the output has {len(output)} axes; at most {MAX_RANK} are allowed")
        self.elements = prod(output)
        if self.elements > MAX_INTEGER:
            raise LayerError(f"the output {shape_text(output)} has more than {MAX_INTEGER:,} elements")
        self.weights = weights = layer.weights(*inputs)
        self.params = sum([prod(weight.shape) for weight in weights.values() if weight.trainable])
        self.buffers = sum([prod(weight.shape) for weight in weights.values() if not weight.trainable])
        self.macs = layer.macs(inputs, output)
        self.flops = layer.flops(inputs, output)

    def text(self) -> str:
        """Return ``conv [3, 224, 224] → [64, 112, 112]``, of many inputs the first three."""
        read = [shape_text(shape) for shape in self.inputs[:3]] + ["…"] * (len(self.inputs) > 3)
        return f"{self.layer.type} {', '.join(read)} → {shape_text(self.output)}"

    def __repr__(self) -> str:
        return f"<Use {self.text()}>"


class Layer:
    """A layer's definition: its arguments, independent of where it stands.  It never changes.

    Subclasses declare arguments as class attributes made by :func:`cnncalc.layers.arguments.argument`, in the
    order in which they are documented; the first is the *principal* one (``- linear: 4096``).

    Attributes:
        kind: the row of the contrast table that the layer belongs to, one of :data:`KINDS`.
        stem: what items are called by default, before the running number (``conv1``).
        arity: how many inputs it takes, at least and at most (None: any number).
        example: a tested example for the documentation.
        elsewhere: what other frameworks call the type.
        of_several: what does the same to several tensors, element by element, where the type takes one.
        slides: whether it slides a window over its input, as ``kernel_size``, ``stride`` and ``padding`` say.
        moves_only: whether every element of its output is an element of its input (at inference).
        pointwise: whether each element of its output is a function of that same element of its input alone.
        aliases: whether its output is a view of its input's memory, whatever the order of that.
        is_view: whether its output is its input, in another shape at most, so that nothing is done at all.
        one_kernel: whether its `forward` is a single operation of `ops`, on its inputs as they are.
    """

    type: ClassVar[str] = ""
    kind: ClassVar[str] = "other"
    stem: ClassVar[str] = ""
    arity: ClassVar[tuple[int, int | None]] = (1, 1)
    arguments: ClassVar[dict[str, Argument[Any]]] = {}
    slides: ClassVar[bool] = False
    moves_only: ClassVar[bool] = False
    pointwise: ClassVar[bool] = False
    aliases: ClassVar[bool] = False
    is_view: ClassVar[bool] = False
    one_kernel: ClassVar[bool] = False
    example: ClassVar[Example]
    elsewhere: ClassVar[Elsewhere] = Elsewhere()
    of_several: ClassVar[str] = ""
    _uses: dict[tuple[Shape, ...], Use]

    def __init_subclass__(cls) -> None:
        declared = {name: value for name, value in vars(cls).items() if isinstance(value, Argument)}
        cls.arguments = {**cls.arguments, **declared}
        cls.type = cls.__module__.rpartition(".")[2]
        cls.stem = vars(cls).get("stem", cls.type)
        cls.elsewhere = vars(cls).get("elsewhere", Elsewhere())

    def __init__(self, **values: object) -> None:
        """Check and normalise the arguments.

        Raises:
            LayerError: for an unknown, missing or unfit argument.
        """
        self.__dict__["_uses"] = {}
        for name in values:
            if name not in self.arguments:
                raise LayerError(f"unknown argument '{name}'", argument=name, near=tuple(self.arguments))
        for name, argument in self.arguments.items():
            given = name in values
            self.__dict__[name] = argument.take(name, values[name]) if given else argument.absent(name)
        self.check()
        self.__dict__.update(self.derived())

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a layer does not change: {self.type}.{name}")

    def check(self) -> None:
        """Refuse arguments that can't stand together, whatever the input.  Raises LayerError."""

    def derived(self) -> Mapping[str, object]:
        """Return the arguments that follow from others where they are not given."""
        return {}

    # --- the rules, each a pure function of shapes ---------------------------------------------------------

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the output's shape.  Raises LayerError if the inputs don't fit."""
        return inputs[0]

    def weights(self, *inputs: Shape) -> dict[str, Weight]:
        """Return names and shapes of the tensors that the layer owns, in PyTorch's names and order."""
        return {}

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Return the multiply-accumulates of contractions, per sample."""
        return 0

    def contractions(self, inputs: tuple[Shape, ...], output: Shape) -> list[Contraction]:
        """Return the products that `macs` counts, as an accelerator's loops; empty where there are none, or no rule."""
        return []

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int | None:
        """Return all floating-point operations, per sample; None if nobody has defined them."""
        return None

    def times(self, inputs: tuple[Shape, ...], times: int) -> int:
        """Return how many samples one sample of the batch has become, of ``times`` that come in.

        It is 1 nearly everywhere, more where windows of a map were made samples, and 0 where there is no batch at all.
        """
        return times

    def window(self, inputs: tuple[Shape, ...]) -> Sliding | None:
        """Return the layer's window, which lies on its input where the type `slides`, else on its output."""
        return None

    def sliding(self, inputs: tuple[Shape, ...]) -> Sliding | None:
        """Return the window that the layer slides over its input; None if it slides none."""
        return self.window(inputs) if self.slides else None

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads | None:
        """Return which elements of its inputs each output element reads; None: the one in its own place alone."""
        return None

    def clamps(self) -> tuple[float, float] | None:
        """Return the bounds that the layer only clips its input to; None if it does anything else."""
        return None

    def below(self, inputs: tuple[Shape, ...]) -> tuple[int | None, ...]:
        """Return below which number the indices of each input are; None for one that holds none."""
        return (None,) * len(inputs)

    def terms(self, largest: Sequence[float]) -> float:
        """Return how large the terms of an element are whose sum may be small, by the largest element of each input.

        Rounding is in proportion to them.  0: no term is larger than the elements themselves.
        """
        return 0.0

    def is_affine(self) -> bool:
        """Return whether the layer multiplies each channel by one figure and adds another, whatever the input."""
        return False

    def as_affine(self, weights: Mapping[str, Array]) -> tuple[Array, Array]:
        """Return the factor and the constant (C,) of each channel, where `is_affine`."""
        raise LayerError(f"'{self.type}' is not a factor and a constant for each channel")

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Compute the output of arrays (N, C, …) from the arrays alone; inferred shapes are not looked at."""
        raise LayerError(f"'{self.type}' can't be run")

    def element(
        self, np: NumPy, at: Shape, inputs: Sequence[Array], weights: Mapping[str, Array], output: Shape
    ) -> Element:
        """Work out one output element tap by tap.

        Args:
            np: NumPy.
            at: the element's place, batch not counted.
            inputs: arrays without their batch axis, in float64.
            weights: the layer's tensors, in float64.
            output: the output's shape.

        Raises:
            LayerError: if elements of this type are not worked out.
        """
        raise LayerError(f"is of type {self.type}, whose elements are not traced")

    def to_onnx(self, onnx: Onnx) -> str:
        """Say by which of ONNX' operators the layer is made, and return the tensor that comes out.

        By default it is the operator that ``elsewhere`` names, with the attributes that stand behind it in brackets:
        ``Relu``, ``Elu(alpha)``, ``LeakyRelu(alpha=slope)``.

        Raises:
            LayerError: if there is no counterpart, or the name does not say what all arguments mean.
        """
        name, attributes = _called(self.elsewhere.onnx)
        if not name or {*attributes.values()} != {*self.arguments} or self.weights(*onnx.shapes):
            raise LayerError("has no counterpart in ONNX")
        return onnx.node(name, *onnx.inputs, **{word: self.__dict__[own] for word, own in attributes.items()})

    def to_torch(self, flow: Flow) -> Torch:
        """Return how this use is written in PyTorch: by default as the function that ``elsewhere`` names.

        Raises:
            LayerError: if PyTorch can't express it; the message is what follows "PyTorch".
        """
        from cnncalc.layers.pytorch import InputPlace, Option, Torch, call

        name, words = _called(self.elsewhere.function)
        if not name:
            raise LayerError("has no counterpart")
        value = call(name, *[InputPlace(number) for number in range(len(flow.inputs))])
        options = [Option(word, self.__dict__[own], self.arguments[own].default) for word, own in words.items()]
        return Torch(value._replace(options=tuple(options)))

    # --- what is shown ------------------------------------------------------------------------------------

    def label(self) -> str:
        """Return the main arguments in a few characters (``3×3/2, 64``)."""
        return ""

    def described(self, *inputs: Shape) -> dict[str, object]:
        """Return every argument as the JSON output shows it, one figure per axis."""
        return {name: self.__dict__[name] for name in self.arguments}

    @classmethod
    def takes_nothing(cls) -> bool:
        """Whether the layer has no input, so that the item above it does not come in."""
        return cls.arity[1] == 0

    # --- use ----------------------------------------------------------------------------------------------

    def apply(self, inputs: tuple[Shape, ...]) -> Use:
        """Return this layer's use on the given input shapes, checked, counted and remembered.

        Raises:
            LayerError: if the inputs don't fit the layer.
        """
        try:
            use = self._uses.get(inputs)
        except TypeError:  # shapes of a sweep's traced numbers, which nothing is looked up by
            return self._applied(inputs)
        if use is None:
            if len(self._uses) >= 64:  # a sweep over resolutions must not fill the memory
                self._uses.clear()
            use = self._uses[inputs] = self._applied(inputs)
        return use

    def _applied(self, inputs: tuple[Shape, ...]) -> Use:
        self._check_arity(len(inputs))
        return Use(self.resolved(len(inputs[0]) - 1 if inputs else 0), inputs)

    def resolved(self, rank: int) -> Layer:
        """Return the layer with its arguments spelled out for ``rank`` spatial axes (3 becomes (3, 3))."""
        if not any(argument.axes for argument in self.arguments.values()):
            return self
        layer: Layer = object.__new__(type(self))
        for name, argument in self.arguments.items():
            value = self.__dict__[name]
            layer.__dict__[name] = per_rank(name, value, rank, argument.axes) if argument.axes else value
        layer.__dict__["_uses"] = self._uses
        return layer

    def _check_arity(self, count: int) -> None:
        least, most = self.arity
        if count < least or (most is not None and count > most):
            wanted = f"{least}" if most == least else f"at least {least}"
            plural = "" if wanted == "1" else "s"
            few, many = "give 'paths', or 'from' with several names", "merge them first, with add or concat"
            if self.of_several:
                many = f"of several tensors it is {self.of_several}"
            raise LayerError(
                f"takes {wanted} input{plural}, but {count} come{'s' if count == 1 else ''} in",
                hint=many if count > least else few,
            )

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={self.__dict__[name]!r}" for name in self.arguments)
        return f"{type(self).__name__}({shown})"


def _called(text: str) -> tuple[str, dict[str, str]]:
    """Return the name in ``Name(word, other=argument)``, and which of our arguments each word in brackets means."""
    name, _, words = text.rstrip(")").partition("(")
    pairs = [word.strip().partition("=") for word in words.split(",") if word]
    return name, {word: argument or word for word, _, argument in pairs}


def per_channel(weight: Array, x: Array) -> Array:
    """Return a weight (C,) as it meets an array (N, C, …)."""
    return weight.reshape(-1, *(1,) * (x.ndim - 2))
