"""The operators that a layer becomes in an ONNX file."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.exporters.onnx.messages import KINDS, node
from cnncalc.graph import Node
from cnncalc.ground.limits import MAX_EXPORTED_OPERATORS
from cnncalc.layers.arguments import LayerError
from cnncalc.layers.onnx import Attribute, Kind, Onnx


class Operators(Onnx):
    """The operators of one layer of a graph."""

    def __init__(self, layer: Node, names: Sequence[str], opset: int) -> None:
        self.opset = opset
        self.inputs = tuple(names)
        self.times = tuple([tensor.times for tensor in layer.inputs])
        self.shapes = tuple([tensor.shape for tensor in layer.inputs])
        self.output = layer.shape
        self.weights = {name: (layer.shares or layer).key(name) for name in layer.use.weights}
        self._scope = layer.name.replace(".", "/")
        self._made: list[tuple[str, str, list[str], list[str], dict[str, Attribute]]] = []
        self._count: dict[str, int] = {}

    def messages(self, made: str, name: str) -> list[bytes]:
        """Return all operators, with the tensor ``made`` called ``name``."""
        if not any(made in outputs for _, _, _, outputs, _ in self._made):
            made = self.node("Identity", made)

        def named(words: list[str]) -> list[str]:
            return [name if word == made else word for word in words]

        return [node(op, own, named(inputs), named(outputs), values) for op, own, inputs, outputs, values in self._made]

    def nodes(self, op: str, count: int, *inputs: str, **attributes: Attribute) -> list[str]:
        """Add an operator. Raises LayerError for too many."""
        if len(self._made) > MAX_EXPORTED_OPERATORS:
            raise LayerError(f"is made of more than {MAX_EXPORTED_OPERATORS:,} operators")
        number = self._count[op] = self._count.get(op, 0) + 1
        own = f"/{self._scope}/{op}" + (f"_{number - 1}" if number > 1 else "")
        outputs = [f"{own}_output_{place}" for place in range(count)]
        given = list(inputs)
        while given and not given[-1]:
            given.pop()
        self._made.append((op, own, given, outputs, attributes))
        return outputs

    def cast(self, x: str, kind: Kind) -> str:
        """Add a cast to float32, int64 or truth values."""
        return self.node("Cast", x, to=KINDS[kind])
