"""How layers are made from a type and arguments, and how constants become their tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from cnncalc.importers.onnx.values import ConstantInput, Value
from cnncalc.layers import layer_type
from cnncalc.layers.shapes import axis_index

if TYPE_CHECKING:
    from cnncalc.importers.onnx.values import LayerStep
    from cnncalc.layers.base import Layer
    from cnncalc.layers.shapes import Shape


_known: dict[tuple[object, ...], Layer] = {}


def layer_of(name: str, arguments: Mapping[str, object]) -> Layer:
    """Return the layer of a type with the given arguments; equal layers are one object.

    Raises:
        LayerError: if an argument does not fit the type.
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


OwnTensors: TypeAlias = "dict[str, ConstantInput]"
"""The tensors of a layer, by the layer's names for them."""


def own_tensors(**values: Value | None) -> OwnTensors:
    """Return constants as tensors of a layer, by the layer's names for them; those that are None are left out."""
    return {name: ConstantInput(value) for name, value in values.items() if value is not None}


def channel_axis(step: LayerStep) -> int:
    """Return the axis of the output of a convolution or a linear layer along which a bias differs."""
    axis = 0 if step.layer.type == "conv" else step["axis"] or 0
    return int(axis % len(step.output.shape))


def reshape_layer(value: Value, shape: Shape) -> tuple[str, Value, dict[str, object]]:
    """Return the type, the input and the arguments of a layer that gives a value's samples another shape.

    Earlier reshapes are skipped.  If the value is a slice of one index, and only its axis is removed, the layer is a
    select.
    """
    step = value.step
    while step is not None and step.layer.type == "reshape" and step.inputs[0].times == value.times:
        value = step.inputs[0]
        step = value.step
    if step is not None and step.layer.type == "slice":
        cut = step.output.sample
        at = axis_index(step["axis"], cut)
        if cut[at] == 1 and step["step"] == 1 and step["start"] >= 0 and shape == (*cut[:at], *cut[at + 1 :]):
            return "select", step.inputs[0], {"axis": at, "index": step["start"]}
    return "reshape", value, {"shape": shape}
