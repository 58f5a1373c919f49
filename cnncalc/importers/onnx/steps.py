"""What a model file becomes before it is a graph: layers on values, in the order in which they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cnncalc.layers import layer_type

if TYPE_CHECKING:
    from cnncalc.importers.onnx.call import Call
    from cnncalc.importers.onnx.values import Value
    from cnncalc.layers.base import Layer


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


_known: dict[tuple[object, ...], Layer] = {}


def made(name: str, arguments: dict[str, Any]) -> Layer:
    """Return the layer of a type with the given arguments, made once.

    Raises:
        LayerError: where an argument is unfit.
    """
    key = (name, *arguments.items())
    layer = _known.get(key)
    if layer is None:
        cls = layer_type(name)
        assert cls is not None, name
        if len(_known) > 4096:
            _known.clear()
        layer = _known[key] = cls(**arguments)
    return layer
