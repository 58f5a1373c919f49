"""The operators that a layer becomes in an ONNX file; see :class:`cnncalc.layers.onnx.Onnx`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, cast

from cnncalc.exporters.onnx.messages import Attribute, TensorMessage, node
from cnncalc.graph import Node
from cnncalc.ground.limits import MAX_EXPORTED_INDICES, MAX_EXPORTED_OPERATORS
from cnncalc.importers.onnx.proto import BOOL, FLOAT, INT64
from cnncalc.layers.arguments import LayerError
from cnncalc.layers.onnx import OpsetError
from cnncalc.layers.shapes import Shape

if TYPE_CHECKING:
    from cnncalc.layers.ops import NumPy

KINDS = {"number": FLOAT, "integer": INT64, "truth": BOOL}

AXES_ARE_INPUTS = {"ReduceSum": 13}
"""The opset from which on a reduction takes its axes as an input; other reductions do from 18 on."""


class Operators:
    """The operators of one layer of a graph.

    Attributes:
        opset: the version of the operator set.
        inputs: the names of the input tensors.
        shapes: their shapes, without the batch axis.
        output: the shape of the output.
        indices: number of the integers in its constants.
    """

    def __init__(self, layer: Node, names: Sequence[str], opset: int) -> None:
        self.opset = opset
        self.inputs = tuple(names)
        self.shapes: tuple[Shape, ...] = tuple([tensor.shape for tensor in layer.inputs])
        self.output = layer.shape
        self._layer = layer
        self._times = [tensor.times for tensor in layer.inputs]
        self._made: list[tuple[str, str, list[str], list[str], dict[str, Attribute]]] = []
        self._count: dict[str, int] = {}
        self.indices = 0

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

    def messages(self, made: str, name: str) -> list[bytes]:
        """Return all operators, with the tensor ``made`` called ``name``."""
        if not any(made in outputs for _, _, _, outputs, _ in self._made):
            made = self.node("Identity", made)

        def named(words: list[str]) -> list[str]:
            return [name if word == made else word for word in words]

        return [node(op, own, named(inputs), named(outputs), values) for op, own, inputs, outputs, values in self._made]

    def node(self, op: str, *inputs: str, **attributes: Attribute) -> str:
        """Add an operator with one output."""
        return self.nodes(op, 1, *inputs, **attributes)[0]

    def nodes(self, op: str, count: int, *inputs: str, **attributes: Attribute) -> list[str]:
        """Add an operator with several outputs."""
        if len(self._made) > MAX_EXPORTED_OPERATORS:
            raise LayerError(f"is made of more than {MAX_EXPORTED_OPERATORS:,} operators")
        number = self._count[op] = self._count.get(op, 0) + 1
        own = f"/{self._layer.name.replace('.', '/')}/{op}" + (f"_{number - 1}" if number > 1 else "")
        outputs = [f"{own}_output_{place}" for place in range(count)]
        self._made.append((op, own, _without_end(inputs), outputs, attributes))
        return outputs

    def has(self, name: str) -> bool:
        """Return whether the layer has such a tensor."""
        return name in self._layer.use.weights

    def weight(self, name: str) -> str:
        """Return the tensor of the layer that owns it."""
        assert self.has(name), name
        return (self._layer.shares or self._layer).key(name)

    def channels(self, name: str) -> str:
        """Return a tensor (C,) as (C, 1, …)."""
        rank = len(self.output)
        return self.weight(name) if rank == 1 else self.reshape(self.weight(name), [-1, *[1] * (rank - 1)])

    def integers(self, values: Sequence[int]) -> str:
        """Return integers as a constant of rank 1.  Raises LayerError for too many."""
        self.indices += len(values)
        if self.indices > MAX_EXPORTED_INDICES:
            raise LayerError(f"takes {self.indices:,} indices, but at most {MAX_EXPORTED_INDICES:,} are exported")
        return self.node("Constant", value=TensorMessage([len(values)], values, INT64))

    def integer(self, value: int) -> str:
        """Return an integer as a constant of rank 0."""
        return self.node("Constant", value=TensorMessage([], [value], INT64))

    def number(self, value: float) -> str:
        """Return a number as a constant of rank 0."""
        return self.node("Constant", value=TensorMessage([], [value], FLOAT))

    def filled(self, value: float, shape: Sequence[int]) -> str:
        """Return a tensor of equal numbers; the file stores a single one."""
        return self.node("ConstantOfShape", self.integers(shape), value=TensorMessage([1], [value], FLOAT))

    def cast(self, x: str, kind: Literal["number", "integer", "truth"]) -> str:
        """Return a tensor cast to real numbers, integers or truth values."""
        return self.node("Cast", x, to=KINDS[kind])

    def reshape(self, x: str, sizes: Sequence[int]) -> str:
        """Return a tensor reshaped; the sizes include the batch's."""
        return self.node("Reshape", x, self.integers(sizes))

    def transpose(self, x: str, order: Sequence[int]) -> str:
        """Return a tensor with its axes, the batch's among them, in another order."""
        return x if list(order) == [*range(len(order))] else self.node("Transpose", x, perm=list(order))

    def reduce(self, op: str, x: str, axes: Sequence[int]) -> str:
        """Return a tensor reduced along axes, which stay with size 1."""
        if self.opset >= AXES_ARE_INPUTS.get(op, 18):
            return self.node(op, x, self.integers(axes), keepdims=1)
        return self.node(op, x, axes=list(axes), keepdims=1)

    def cut(self, x: str, axis: int, start: int, stop: int, step: int = 1) -> str:
        """Return the part of a tensor from ``start`` to before ``stop`` along an axis."""
        ends = [self.integers([figure]) for figure in (start, stop, axis)]
        return self.node("Slice", x, *ends, *[self.integers([step])] * (step != 1))

    def resize(self, x: str, scales: Sequence[float] | None, sizes: Sequence[int], **attributes: Attribute) -> str:
        """Return a map with its spatial axes resized by factors or, without factors, to sizes."""
        if scales is not None:
            factors = self.node("Constant", value=TensorMessage([2 + len(scales)], [1.0, 1.0, *scales], FLOAT))
            return self.node("Resize", x, "", factors, **attributes)
        wanted = self.integers(sizes)
        if self.opset >= 18:
            return self.node("Resize", x, "", "", wanted, axes=[*range(2, len(sizes) + 2)], **attributes)
        first = self.cut(self.node("Shape", x), 0, 0, 2)
        return self.node("Resize", x, "", "", self.node("Concat", first, wanted, axis=0), **attributes)

    def stretched(self, index: int) -> str:
        """Return an input without a batch, repeated for each sample if other inputs have a batch."""
        x = self.inputs[index]
        if self._times[index] or not any(self._times):
            return x
        batched = next(name for name, times in zip(self.inputs, self._times, strict=True) if times)
        batch = self.cut(self.node("Shape", batched), 0, 0, 1)
        return self.node("Expand", x, self.node("Concat", batch, self.integers(self.shapes[index]), axis=0))


def _without_end(inputs: Sequence[str]) -> list[str]:
    """Return inputs without the empty ones at the end."""
    made = list(inputs)
    while made and not made[-1]:
        made.pop()
    return made
