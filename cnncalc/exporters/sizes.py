"""Sizes of a reshape that follow from the incoming tensor, so that its spec fits inputs of other sizes, too."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cnncalc.graph import Node

KEPT = "0"
"""Text of a size that the incoming tensor has on the same axis."""


def following(places: Sequence[Node]) -> dict[str, str]:
    """Return the sizes that one axis or two of the incoming tensor have at every place of a reshape.

    They are called ``fold``, ``shape.0``, ``shape.1``, ….

    Args:
        places: the reshapes that one item of a block stands for, or one; of equal numbers of axes.
    """
    inputs = [node.use.inputs[0] for node in places]
    if len({len(shape) for shape in inputs}) > 1:
        return {}
    outputs = [(node.layer.__dict__["fold"], *node.use.output) for node in places]
    unfolded = [node.layer.__dict__["unfold"] for node in places]
    is_plain = all(output[0] == unfold == 1 for output, unfold in zip(outputs, unfolded, strict=True))
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
                found[name] = KEPT if is_plain and start == axis else f"in_shape[{start}]"
                break
            if sizes == [prod(shape[start : start + 2]) for shape in inputs]:
                found[name] = f"in_shape[{start}] * in_shape[{start + 1}]"
            elif number + 1 < len(outputs[0]) and len({output[number + 1] for output in outputs}) == 1:
                part = outputs[0][number + 1]
                if [size * part for size in sizes] == [shape[start] for shape in inputs]:
                    found[name] = f"in_shape[{start}] // {part}"
    return found
