"""Sizes that follow from the incoming tensor, so that a spec fits inputs of other sizes, too."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod

from cnncalc.graph import Node
from cnncalc.layers.shapes import Shape, axis_index

KEPT = "0"
"""Text of a size that the incoming tensor has on the same axis."""


MOST_PARTS = 8
"""Most equal parts of an axis of which a slice is said to keep some."""


def following(places: Sequence[Node]) -> dict[str, str]:
    """Return the figures that follow from the incoming tensor in the same way at every place of an item.

    The sizes of a shape are called ``shape.0``, ``shape.1``, ….

    Args:
        places: the layers that one item of a block stands for, or one.
    """
    kind, inputs = places[0].layer.type, [node.use.inputs[0] for node in places if node.use.inputs]
    if len({len(shape) for shape in inputs}) != 1:
        return {}
    if kind == "reshape":
        return _reshaped(places, inputs)
    if kind == "slice":
        return _sliced(places, inputs)
    shapes = [node.layer.__dict__.get("shape") or () for node in places]
    if any(len(shape) != len(inputs[0]) for shape in shapes):
        return {}
    columns = zip(zip(*shapes, strict=True), zip(*inputs, strict=True), strict=True)
    axes = [axis for axis, (sizes, incoming) in enumerate(columns) if sizes == incoming]
    return {f"shape.{axis}": f"in_shape[{axis}]" for axis in axes}


def _sliced(places: Sequence[Node], inputs: Sequence[Shape]) -> dict[str, str]:
    """Return the bounds of slices that are counted from the end, or are so many of the equal parts of the axis."""
    axis = axis_index(places[0].layer.__dict__["axis"], inputs[0])
    whole = "in_channels" if axis == 0 else f"in_shape[{axis}]"
    found: dict[str, str] = {}
    for name in ("start", "stop"):
        bounds = [node.layer.__dict__[name] for node in places]
        pairs = [(bound, shape[axis]) for bound, shape in zip(bounds, inputs, strict=True)]
        if any(bound is None or not 0 <= bound <= size for bound, size in pairs):
            continue
        left = {size - bound for bound, size in pairs}
        shares = {Fraction(bound, size) for bound, size in pairs}
        if len(shares) == 1 and 1 < (share := shares.pop()).denominator <= MOST_PARTS:
            times = f"{share.numerator} * " if share.numerator > 1 else ""
            found[name] = f"{times}{whole} // {share.denominator}"
        elif len(left) == 1 and 0 not in left:
            found[name] = str(-left.pop())
    return found


def _reshaped(places: Sequence[Node], inputs: Sequence[Shape]) -> dict[str, str]:
    """Return the sizes of reshapes, and their ``fold``, that are those of one axis or two of the incoming tensor."""
    outputs = [(node.layer.__dict__["fold"], *node.use.output) for node in places]
    unfolded = [node.layer.__dict__["unfold"] for node in places]
    before: dict[tuple[int, ...], list[int]] = {}  # by the number of elements in front of them, axes of the input
    for axis in range(len(inputs[0])):
        front = tuple([unfold * prod(shape[:axis]) for shape, unfold in zip(inputs, unfolded, strict=True)])
        before.setdefault(front, []).append(axis)
    found: dict[str, str] = {}
    for number in range(len(outputs[0])):
        axis = number - 1
        name, sizes = f"shape.{axis}" if number else "fold", [output[number] for output in outputs]
        for start in before.get(tuple([prod(output[:number]) for output in outputs]), ()):
            if sizes == [shape[start] for shape in inputs]:
                found[name] = KEPT if start == axis else f"in_shape[{start}]"
                break
            if sizes == [prod(shape[start : start + 2]) for shape in inputs]:
                found[name] = f"in_shape[{start}] * in_shape[{start + 1}]"
            elif number + 1 < len(outputs[0]) and len({output[number + 1] for output in outputs}) == 1:
                part = outputs[0][number + 1]
                if [size * part for size in sizes] == [shape[start] for shape in inputs]:
                    found[name] = f"in_shape[{start}] // {part}"
    return found
