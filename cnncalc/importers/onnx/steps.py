"""Layers for the values of a model file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cnncalc.layers import layer_type
from cnncalc.layers.shapes import axis_index

if TYPE_CHECKING:
    from cnncalc.importers.onnx.values import Value
    from cnncalc.layers.base import Layer
    from cnncalc.layers.shapes import Shape


_known: dict[tuple[object, ...], Layer] = {}


def made(name: str, arguments: Mapping[str, object]) -> Layer:
    """Return the layer of a type with the given arguments, made once.

    Raises:
        LayerError: if an argument is unfit.
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


def laid_out(value: Value, shape: Shape) -> tuple[str, Value, dict[str, Any]]:
    """Return by which layer, of what, and with which arguments a value gets another shape.

    What is laid out anew twice is laid out once, and one position of an axis that is cut out is selected.
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
