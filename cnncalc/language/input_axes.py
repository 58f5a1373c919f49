"""Warnings about input shapes that are legal but look like channels-last shapes or shapes with a batch axis.

The rules are tuned on real networks: there must be no warning about shipped networks, volumes, clips of a few frames,
small maps of many channels, or intended maps of one column.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from cnncalc.ground.named import NamedTuple
from cnncalc.language.document import Document, Item, LayerItem, SpecValue, walked_through_blocks
from cnncalc.language.findings import Finding
from cnncalc.layers.shapes import Shape, crossed, shape_text

if TYPE_CHECKING:
    from cnncalc.ground.values import Value

PICTURE = (1, 3, 4)
"""Numbers of channels of pictures: grey, colour, colour with transparency."""

SIDE = 16
"""Fewest pixels of an axis that looks like the side of a picture; for two equal axes five are enough."""

FOUR = 64
"""The same for sides after an axis of 4, which may also be the frames of a map inside a network for videos."""

SAMPLES = 100
"""Least length of the first of two axes that looks like time rather than channels."""


_MENDS = {
    "channels-last": "channels come first",
    "batch-axis": "shapes have no batch axis",
    "no-channels": "a grey picture has one channel",
}


class AxisDoubt(NamedTuple):
    """A doubt about a shape: the rule, its words, and the shape that is probably meant."""

    rule: str
    looks: str
    meant: Shape


def axis_doubt(shape: Shape, kernel: Value = None) -> AxisDoubt | None:
    """Return the doubt about an input's shape, or None.

    Args:
        shape: channels first, without the batch axis.
        kernel: the network's first window, as in its spec; None if that is an expression.
    """
    axes = len(shape)
    listed = kernel if isinstance(kernel, tuple) else ()
    if len(listed) == axes - 1 and (axes == 4 or listed[-1:] == (1,)):
        return None  # a kernel with a number for each axis: its author has counted the axes
    width = listed[-1] if listed else kernel
    fits = isinstance(width, int) and width < max(2, shape[-1])
    overhangs = isinstance(width, int) and width > shape[-1]
    if axes == 2 and shape[0] >= SAMPLES and (overhangs or (shape[1] <= 3 and not fits)):
        return _last(shape)
    if axes == 2 and shape[0] == shape[1] >= SIDE and isinstance(width, int) and width > 1 and len(listed) != 1:
        return AxisDoubt("no-channels", "like a picture without an axis of channels", (1, *shape))
    if axes == 3 and shape[-1] in PICTURE and shape[0] > max(PICTURE) and _picture(shape[0], shape[1]):
        return _last(shape)
    side = FOUR if axes >= 4 and shape[1] == 4 else SIDE
    if axes >= 4 and shape[1] in PICTURE and shape[0] != 3 and _picture(shape[-2], shape[-1], side):
        return AxisDoubt("batch-axis", "as if it began with a batch axis", shape[1:])
    if axes >= 4 and shape[-1] in PICTURE and shape[0] not in range(2, 5) and _picture(shape[-3], shape[-2]):
        return _last(shape[1:] if shape[0] == 1 else shape)
    return None


def _last(shape: Shape) -> AxisDoubt:
    return AxisDoubt("channels-last", "as if its channels came last", (*shape[-1:], *shape[:-1]))


def _picture(height: int, width: int, side: int = SIDE) -> bool:
    """Whether two axes look like the sides of a picture."""
    return min(height, width) >= side or (side == SIDE and height == width > max(PICTURE))


def findings(
    document: Document, shapes: Mapping[str, Shape], stated: Mapping[str, SpecValue], given: Iterable[str]
) -> Iterator[Finding]:
    """Find the inputs of a network whose axes seem to be in another order.

    Args:
        document: the spec.
        shapes: the inputs' shapes.
        stated: the shapes in the spec.
        given: the names of inputs whose shapes are not from the spec, so that they have no place there.
    """
    if any(isinstance(item, LayerItem) and item.type_name == "permute" for item in document.items[:1]):
        return  # the spec itself reorders the axes
    kernel = _first_kernel(document.items)
    for name, shape in shapes.items():
        found = axis_doubt(shape, kernel)
        if found is None:
            continue
        value = stated[name] if name not in given else None
        channels = f"{shape[0]:,} channel{'' if shape[0] == 1 else 's'}"
        map_size = f"length {shape[1]}" if len(shape) == 2 else crossed(shape[1:])
        message = f"the input {shape_text(shape)} looks {found.looks}: it is read as {channels} of {map_size}"
        hint = f"{_MENDS[found.rule]}: {shape_text(found.meant)}"
        finding = Finding(found.rule, message, value.origin if value else None, hint)
        if not finding.allowed:
            yield finding


def _first_kernel(items: list[Item]) -> Value:
    """Return the first window of some items: a number, a list with one for each axis, or None for an expression.

    Without any window it is 1: each position is read separately.
    """
    for item in walked_through_blocks(items):
        if isinstance(item, LayerItem) and item.layer_class.slides and "kernel_size" in item.arguments:
            return item.arguments["kernel_size"].constant
    return 1
