"""In which form a module has the tensors that a file's layers have in their own."""

from __future__ import annotations

from cnncalc.importers.onnx.model import StoredTensor
from cnncalc.importers.onnx.values import Call, LayerStep, Value
from cnncalc.layers.shapes import Shape
from cnncalc.layers.state_form import StateForm

VIEWS = ("Reshape", "Squeeze", "Unsqueeze", "Identity", "Flatten", "Cast", "Expand")
"""Operators that keep the order of the elements; a tensor that is expanded is a view only if that is to the batch."""

FORMED = ("linear", "parameter", "scale", "shift")
"""Types whose tensor may be an attribute of any module."""


def state_form(step: LayerStep, name: str) -> StateForm | None:
    """Return how the module has a tensor of a layer; None if it has the layer's shape, or that is not known.

    A class token is (1, 1, C) in the module, where the batch comes first; the matrix of ``x @ self.proj`` is the
    transposed one of a linear layer.
    """
    if step.layer.type not in FORMED or name != "weight":
        return None
    value, shape = step.tensors[name].value, step.use.weights[name].shape
    stored, axes = _origin(value)
    order = [axis for axis in axes if axis is not None]
    if stored is None or (step.layer.type == "linear" and (len(stored.shape) != 2 or None in axes)):
        return None
    if order == sorted(order):
        return StateForm(stored.shape) if stored.shape != shape else None
    return StateForm(stored.shape, True) if step.layer.type == "linear" else None


def _origin(value: Value) -> tuple[StoredTensor | None, list[int | None]]:
    """Return the stored tensor that a constant is a view of, and the axis of it that each axis is, None for one of 1.

    The tensor is None if the constant is computed in another way.
    """
    views: list[tuple[Call, Shape]] = []
    while isinstance(value.source, Call):
        if value.source.op not in (*VIEWS, "Transpose"):
            return None, []
        views.append((value.source, value.shape))
        value = value.source.input(0)
    stored = value.source
    if stored is None:
        return None, []
    axes = _spread([axis for axis, size in enumerate(stored.shape) if size != 1], stored.shape, value.shape)
    for call, shape in reversed(views):
        if axes is not None and call.op == "Transpose":
            perm = call.integers("perm") or range(len(axes))[::-1]
            axes = [axes[place] for place in perm] if sorted(perm) == [*range(len(axes))] else None
        if axes is not None:
            axes = _spread([axis for axis in axes if axis is not None], stored.shape, shape)
    return (stored, axes) if axes is not None else (None, [])


def _spread(axes: list[int], sizes: Shape, shape: Shape) -> list[int | None] | None:
    """Return axes of some sizes as those of a shape that has further axes of 1; None if it has other sizes."""
    if [sizes[axis] for axis in axes] != [size for size in shape if size != 1]:
        return None
    left = iter(axes)
    return [None if size == 1 else next(left) for size in shape]
