"""The base class of layer types: arguments, checks, and the costs of one use.

A layer type is one file with one subclass of :class:`Layer`.  Shapes are tuples of integers without the
batch axis, channels first: ``(F,)``, ``(C, L)``, ``(C, H, W)`` or ``(C, D, H, W)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import ClassVar

from cnncalc.ground.limits import MAX_INTEGER, MAX_RANK
from cnncalc.ground.named import NamedTuple
from cnncalc.ground.numbers import counted
from cnncalc.layers.arguments import Argument, per_rank
from cnncalc.layers.arguments import LayerError as LayerError
from cnncalc.layers.interfaces import Array, Contraction, Element, Onnx, Ops, Reads, Sliding, TensorCode, Torch
from cnncalc.layers.shapes import Shape, crossed, shape_text

KINDS = ("conv", "fc", "matmul", "recurrent", "norm", "pool", "activation", "merge", "shape", "other")


class Weight(NamedTuple):
    """A tensor that a layer owns; trainable ones are ``params``, the others ``buffers``."""

    shape: Shape
    trainable: bool = True

    def __repr__(self) -> str:
        return f"Weight({self.shape}{'' if self.trainable else ', trainable=False'})"


class Example(NamedTuple):
    """An item of a spec with figures computed by hand; shown by ``cnncalc layers``, and tested."""

    item: str
    inputs: tuple[Shape, ...]
    output: Shape
    params: int = 0
    macs: int = 0
    flops: int = 0


class Elsewhere(NamedTuple):
    """A layer type's names in other frameworks, for hints and exporters; empty if there is no counterpart.

    A call lists the framework's words for our arguments, in order: ``Dense(units)``. ``{d}`` stands for the number of
    spatial axes; ``size=scale_factor`` maps the word ``size`` to our argument ``scale_factor``.

    Attributes:
        torch: PyTorch's module.
        keras: Keras' layer.
        onnx: ONNX' operator.
        others: more names, separated by blanks: of functions, of other frameworks and of papers.
        function: PyTorch's function of the inputs, if it is all that an export needs: ``F.elu(alpha)``.
        compared: whether other tools' counts were compared for this type; otherwise their figures are unknown.
    """

    torch: str = ""
    keras: str = ""
    onnx: str = ""
    others: str = ""
    function: str = ""
    compared: bool = False


class Use:
    """A layer applied to given input shapes: its output shape and all counts, per sample. ``elements`` is the number of
    output elements.  ``flops`` is None if the type does not define them; such types are named in every output.
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
        self.params = self.buffers = 0
        for weight in weights.values():
            if weight.trainable:
                self.params += prod(weight.shape)
            else:
                self.buffers += prod(weight.shape)
        self.macs = layer.macs(inputs, output)
        self.flops = layer.flops(inputs, output)

    def text(self) -> str:
        """Return ``conv [3, 224, 224] → [64, 112, 112]``, with at most three inputs."""
        read = [shape_text(shape) for shape in self.inputs[:3]] + ["…"] * (len(self.inputs) > 3)
        return f"{self.layer.type} {', '.join(read)} → {shape_text(self.output)}"

    def __repr__(self) -> str:
        return f"<Use {self.text()}>"


class Layer:
    """A layer's definition: its arguments, independent of its position in a network. It is immutable.

    Subclasses declare arguments as class attributes made by :func:`cnncalc.layers.arguments.argument`, in the
    order in which they are documented; the first is the *principal* one (``- linear: 4096``).

    Attributes:
        kind: the row of the contrast table that the layer belongs to, one of :data:`KINDS`.
        stem: default name of items, before the running number (``conv1``).
        arity: minimum and maximum number of inputs (None: any number).
        operations: floating-point operations per output element, if each costs the same: exp, log, division and
            comparison are 1 each, and both branches of a case are counted. None: see `flops`.
        label_format: the label, made of arguments: ``{num_groups} groups``.
        only_checked: an argument that is compared with the input and has no other effect, so that it is not shown.
        example: a tested example for the documentation.
        elsewhere: other frameworks' names for the type.
        of_several: the type that does the same elementwise to several tensors, if this one takes one tensor.
        slides: whether it slides a window over its input, given by ``kernel_size``, ``stride`` and ``padding``.
        sums: whether an element of its output is a sum, or a share, of elements of its input, and may be far smaller.
        moves_only: whether every element of its output is an element of its input (at inference).
        pointwise: whether each element of its output is a function of that same element of its input alone.
        aliases: whether its output is a view of its input's memory, for any memory order.
        is_view: whether its output is its input, at most in another shape, so that nothing is computed or moved.
        one_kernel: whether its `forward` is a single operation of `ops`, on its inputs as they are.
    """

    type: ClassVar[str] = ""
    kind: ClassVar[str] = "other"
    stem: ClassVar[str] = ""
    arity: ClassVar[tuple[int, int | None]] = (1, 1)
    arguments: ClassVar[Mapping[str, Argument[object]]] = {}
    by_axis: ClassVar[dict[str, str]] = {}
    operations: ClassVar[int | None] = None
    label_format: ClassVar[str] = ""
    only_checked: ClassVar[str] = ""
    slides: ClassVar[bool] = False
    sums: ClassVar[bool] = False
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
        cls.by_axis = {name: argument.axes for name, argument in cls.arguments.items() if argument.axes}
        cls.type = cls.__module__.rpartition(".")[2]
        cls.stem = vars(cls).get("stem", cls.type)
        cls.elsewhere = vars(cls).get("elsewhere", Elsewhere())

    def __init__(self, **values: object) -> None:
        """Check and normalise the arguments.

        Raises:
            LayerError: for an unknown, missing or unfit argument.
        """
        own, arguments = self.__dict__, self.arguments
        own["_uses"] = {}
        for name in values:
            if name not in arguments:
                raise LayerError(f"unknown argument '{name}'", argument=name, near=tuple(arguments))
        for name, argument in arguments.items():
            own[name] = argument.take(name, values[name]) if name in values else argument.absent(name)
        self.check()
        own.update(self.derived())

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"layers are immutable: {self.type}.{name}")

    def check(self) -> None:
        """Raise LayerError for arguments that contradict each other for every input."""

    def derived(self) -> Mapping[str, object]:
        """Return values for missing arguments that follow from others."""
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
        """Return the products that `macs` counts, as an accelerator's loops; empty if there are none, or no rule."""
        return []

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int | None:
        """Return all floating-point operations, per sample; None if they are not defined."""
        return None if self.operations is None else self.operations * prod(output)

    def times(self, inputs: tuple[Shape, ...], times: int) -> int:
        """Return the number of output samples per sample of the batch, from the input's ``times``.

        It is usually 1, more after windows of a map became samples, and 0 for tensors without a batch.
        """
        return times

    def window(self, inputs: tuple[Shape, ...]) -> Sliding | None:
        """Return the layer's window: on its input if the type `slides`, else on its output."""
        return None

    def sliding(self, inputs: tuple[Shape, ...]) -> Sliding | None:
        """Return the window that the layer slides over its input; None if it has none."""
        return self.window(inputs) if self.slides else None

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads | None:
        """Return which input elements each output element reads; None: only the one in the same place."""
        return None

    def clamps(self) -> tuple[float, float] | None:
        """Return the bounds if the layer only clips its input; None if it does anything else."""
        return None

    def below(self, inputs: tuple[Shape, ...]) -> tuple[int | None, ...]:
        """Return the exclusive bound of each input's indices; None for inputs that hold no indices."""
        return (None,) * len(inputs)

    def terms(self, largest: Sequence[float]) -> float:
        """Return the size of the terms of an element, whose sum may be smaller, from the largest element of each input.

        Rounding errors are proportional to it. 0: no term is larger than the element itself.
        """
        return largest[0] if self.sums else 0.0

    def is_affine(self) -> bool:
        """Return whether the layer multiplies each channel by a number and adds another, independent of the input."""
        return False

    def as_affine(self, weights: Mapping[str, Array]) -> tuple[Array, Array]:
        """Return the factor and the constant (C,) of each channel, if `is_affine`."""
        raise LayerError(f"'{self.type}' is not a factor and a constant per channel")

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Compute the output of arrays (N, C, …) from the arrays alone, without inferred shapes."""
        raise LayerError(f"'{self.type}' can't be run")

    def element(self, ops: Ops, at: Shape, inputs: Sequence[Array], weights: Mapping[str, Array]) -> Element:
        """Compute one output element tap by tap.

        Args:
            ops: the operations on tensors.
            at: the element's indices, without the batch axis.
            inputs: arrays without their batch axis, in float64.
            weights: the layer's tensors, in float64.

        Raises:
            LayerError: if elements of this type can't be traced.
        """
        raise LayerError(f"is of type {self.type}, which can't be traced")

    def to_onnx(self, onnx: Onnx) -> str:
        """Add the ONNX operators of the layer, and return the output tensor.

        By default it is the operator that ``elsewhere`` names, with the attributes in brackets after it: ``Relu``,
        ``Elu(alpha)``, ``LeakyRelu(alpha=slope)``.

        Raises:
            LayerError: if there is no counterpart, or the name does not account for all arguments.
        """
        name, attributes = _called(self.elsewhere.onnx)
        if not name or {*attributes.values()} != {*self.arguments} or self.weights(*onnx.shapes):
            raise LayerError("has no counterpart in ONNX")
        return onnx.node(name, *onnx.inputs, **{word: self.__dict__[own] for word, own in attributes.items()})

    def to_torch(self, torch: Torch) -> TensorCode:
        """Return this use as PyTorch code: by default the function that ``elsewhere`` names.

        Raises:
            LayerError: if PyTorch can't express it; the message continues a sentence that begins with "PyTorch".
        """
        name, words = _called(self.elsewhere.function)
        if not name:
            raise LayerError("has no counterpart")
        return torch.call(name, *torch.inputs, **torch.options(**words))

    # --- output ------------------------------------------------------------------------------------------

    def label(self) -> str:
        """Return the main arguments in a few characters (``3×3/2, 64``)."""
        if not self.label_format:
            return ""
        own = self.__dict__
        values = {name: crossed(own[name]) if isinstance(own[name], tuple) else own[name] for name in self.arguments}
        return self.label_format.format_map(values)

    def described(self, *inputs: Shape) -> dict[str, object]:
        """Return every argument as the JSON output shows it, one value per axis, with ``same`` resolved to numbers."""
        described = {name: self.__dict__[name] for name in self.arguments if name != self.only_checked}
        window = self.window(inputs)
        return described if window is None else described | {"padding": window.pads}

    def key(self) -> tuple[object, ...]:
        """Return the type and the arguments' values, which are equal where layers are."""
        return (type(self), *map(self.__dict__.__getitem__, self.arguments))

    @classmethod
    def takes_nothing(cls) -> bool:
        """Whether the layer has no input, so that it does not read the item above it."""
        return cls.arity[1] == 0

    # --- use ----------------------------------------------------------------------------------------------

    def apply(self, inputs: tuple[Shape, ...]) -> Use:
        """Return this layer's use on the given input shapes, checked, counted and cached.

        Raises:
            LayerError: if the inputs don't fit the layer.
        """
        try:
            use = self._uses.get(inputs)
        except TypeError:  # shapes of a sweep's traced numbers can't be keys of the cache
            return self._applied(inputs)
        if use is None:
            if len(self._uses) >= 64:  # a sweep over resolutions must not fill the memory
                self._uses.clear()
            use = self._uses[inputs] = self._applied(inputs)
        return use

    def _applied(self, inputs: tuple[Shape, ...]) -> Use:
        self._check_arity(len(inputs))
        return Use(self.resolved(self.map_axes(inputs)), inputs)

    def map_axes(self, inputs: tuple[Shape, ...]) -> int:
        """Return the number of spatial axes for which its arguments are spelled out."""
        return len(inputs[0]) - 1 if inputs else 0

    def resolved(self, rank: int) -> Layer:
        """Return the layer with its arguments spelled out for ``rank`` spatial axes (3 becomes (3, 3))."""
        if not self.by_axis:
            return self
        layer: Layer = object.__new__(type(self))
        own = layer.__dict__
        own.update(self.__dict__)
        for name, axes in self.by_axis.items():
            own[name] = per_rank(name, own[name], rank, axes)
        return layer

    def _check_arity(self, count: int) -> None:
        least, most = self.arity
        if count < least or (most is not None and count > most):
            bound = "" if most == least else "at least " if count < least else "at most "
            wanted = counted(least if most is None else min(max(count, least), most), "input")
            few, many = "give 'paths', or 'from' with several names", "merge them first, with add or concat"
            if self.of_several:
                many = f"for several tensors use {self.of_several}"
            raise LayerError(
                f"takes {bound}{wanted}, but {count} come{'s' if count == 1 else ''} in",
                hint=many if count > least else few,
            )

    def __repr__(self) -> str:
        own = self.__dict__
        shown = ", ".join([f"{name}={own[name]!r}" for name in self.arguments])
        return f"{type(self).__name__}({shown})"


def _called(text: str) -> tuple[str, dict[str, str]]:
    """Return the name in ``Name(word, other=argument)``, and our argument for each word in brackets."""
    name, _, words = text.rstrip(")").partition("(")
    pairs = [word.strip().partition("=") for word in words.split(",") if word]
    return name, {word: argument or word for word, _, argument in pairs}


def with_axes(x: Array, rank: int) -> Array:
    """Return an array (N, …) with axes of 1 behind the batch, so that it has ``rank`` axes and broadcasts to others."""
    return x.reshape(len(x), *(1,) * (rank - x.ndim), *x.shape[1:])


def per_channel(weight: Array, x: Array) -> Array:
    """Return a weight (C,) in a shape that broadcasts to an array (N, C, …)."""
    return weight.reshape(-1, *(1,) * (x.ndim - 2))
