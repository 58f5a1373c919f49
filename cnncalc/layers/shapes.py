"""Shapes: their axes, the names of axes, and their text.

A shape is a tuple of integers without the batch axis, channels first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnncalc.layers.arguments import LayerError, axis_count

Shape = tuple[int, ...]

AXIS_NAMES: Mapping[int, tuple[str, ...]] = {
    1: ("F",),
    2: ("C", "L"),
    3: ("C", "H", "W"),
    4: ("C", "D", "H", "W"),
}


def spatial(shape: Shape, type_name: str = "layer") -> Shape:
    """Return the spatial axes of a map.  Raises LayerError for a vector, which has none."""
    if len(shape) < 2:
        raise LayerError(
            f"needs a map [C, …], but its input is a vector {shape_text(shape)}",
            hint=f"'{type_name}' belongs before flatten, where its input is [C, …]",
        )
    return shape[1:]


def axis_index(axis: int, shape: Shape) -> int:
    """Return an axis counted from the front.  Raises LayerError if the shape has no such axis."""
    if not -len(shape) <= axis < len(shape):
        raise LayerError(
            f"axis = {axis}, but the input {shape_text(shape)} has {axis_count(len(shape))}",
            argument="axis",
            hint="axes are counted without the batch: 0 or 'channels' is the first, -1 the last",
        )
    return axis if axis >= 0 else len(shape) + axis


def batched(axis: int) -> int:
    """Return an axis as arrays count it, with the batch first."""
    return axis + 1 if axis >= 0 else axis


def axis_text(axis: int, count: int) -> str:
    """Return the name of an axis of a shape with ``count`` axes: ``channels``, ``H``."""
    return "channels" if axis == 0 else axis_names(count)[axis]


def axis_names(count: int) -> tuple[str, ...]:
    """Return the letters of a shape's axes: C, H, W."""
    return AXIS_NAMES.get(count) or tuple([f"A{i}" for i in range(count)])


def check_divides(name: str, groups: int, channels: int, of: str = "in_channels") -> None:
    """Raise LayerError if the number of groups, an argument, does not divide the number of channels."""
    if channels % groups:
        divisors = ", ".join(str(d) for d in range(1, min(channels, 4096) + 1) if channels % d == 0)
        raise LayerError(
            f"{name} = {groups} does not divide {of} = {channels}",
            argument=name,
            hint=f"divisors of {channels} are {divisors}",
        )


def shape_text(shape: Shape) -> str:
    """Return a shape as specs write it: ``[64, 56, 56]``."""
    return "[" + ", ".join(str(size) for size in shape) + "]"


def crossed(shape: Sequence[object], layout: str = "chw") -> str:
    """Return a shape for tables, ``64×112×112``, ``·`` for None; with the channels last if ``layout`` is hwc."""
    if layout == "hwc":
        shape = (*shape[1:], *shape[:1])
    return "×".join(["·" if size is None else str(size) for size in shape])


def beside_sizes(name: str) -> str:
    """Return a tensor's name, in quotes if it would look like a size: PyTorch's exporter names outputs by numbers."""
    return f"'{name}'" if name[:1].isdigit() else name


def typed(shape: Shape) -> str:
    """Return a shape as on the command line: ``3x224x224``."""
    return "x".join([str(size) for size in shape])
