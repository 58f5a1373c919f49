"""Long pictures in columns, so that they fit a page."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from cnncalc.drawing.geometry import enclose, gap, lanes_width, set_apart, size_stack
from cnncalc.drawing.parts import Box, Fork, Stack, StackColumns, Valley

PAGE_WIDTH, PAGE_HEIGHT = 1000, 1400
"""The size of a page, in pixels."""

FITS = 1.45
"""The largest size of a picture, relative to a page, at which it can still be read on the page."""

FEWER = 1.25
"""The largest size of a picture, relative to the best one, that is accepted for the sake of fewer columns."""

MOST_COLUMNS = 12


class ColumnSetting(NamedTuple):
    """How a picture is drawn.

    Attributes:
        boxes: nested boxes, from the outermost to the one that is cut into columns.
        body: the inside of the last of them.
        excess: the resulting size of the whole, relative to a page.
    """

    boxes: Sequence[Box]
    body: Stack | StackColumns | Valley
    excess: float

    @property
    def columns(self) -> int:
        """The number of columns."""
        return len(self.body.stacks) if isinstance(self.body, StackColumns) else 1


def excess(root: Box, heading: int) -> float:
    """Return the size of a network relative to a page; ``heading`` is the width of its heading."""
    return max(max(root.body.width + lanes_width(root), heading) / PAGE_WIDTH, root.body.height / PAGE_HEIGHT)


def best_columns(root: Box, ways: Sequence[int], heading: int) -> ColumnSetting:
    """Return the box of a sized network to cut into columns, and how, so that the whole suits a page.

    The box is the network itself, or the box that makes up most of it. Among the numbers of columns in ``ways``, the
    smallest that is nearly the best is used.
    """
    nested = _largest_boxes(root)
    tried: list[ColumnSetting] = []
    for depth, box in enumerate(nested):
        whole, boxes = box.body, nested[: depth + 1]
        assert isinstance(whole, Stack)
        for count in ways:
            if count > 1 or not depth:
                body = _in_columns(whole, count, depth > 0)
                put_inside(boxes, body)
                tried.append(ColumnSetting(boxes, body, excess(root, heading)))
        put_inside(boxes, whole)
    best = min(one.excess for one in tried)
    limit = FEWER * best if best > FITS else min(FEWER * best, FITS)
    near = [one for one in tried if one.excess <= limit]
    return min(near, key=lambda one: (one.columns, one.excess))


def put_inside(boxes: Sequence[Box], body: Stack | StackColumns | Valley) -> None:
    """Give the innermost of some nested boxes, listed from the outermost, an inside, and all of them their sizes."""
    *around, last = boxes
    last.body = body
    for outer in reversed(around):
        enclose(last)
        assert isinstance(outer.body, Stack)
        size_stack(outer.body)
        last = outer


def _largest_boxes(root: Box) -> list[Box]:
    """Return a network, the open box that makes up most of its height, and so on inwards."""
    found: list[Box] = []
    box: Box | None = root
    while box is not None:
        found.append(box)
        inside = box.body.items if isinstance(box.body, Stack) else ()
        large = (item for item in inside if isinstance(item, Box) and 2 * item.height > root.body.height)
        box = next((one for one in large if _can_be_cut(one)), None)
    return found


def _can_be_cut(box: Box) -> bool:
    return box.is_open and box.count == 1 and not box.lanes and isinstance(box.body, Stack)


def _in_columns(stack: Stack, count: int, returns: bool) -> Stack | StackColumns:
    """Return a stack cut so that the highest of its columns is as low as can be."""
    if count == 1 or len(stack.items) < 2:
        return stack
    low, high = max(item.height for item in stack.items), stack.height
    while low < high:
        middle = (low + high) // 2
        if len(_cuts(stack, middle)) <= count:
            high = middle
        else:
            low = middle + 1
    cuts = [*_cuts(stack, high), len(stack.items)]
    columns = StackColumns([stack.part(start, end) for start, end in pairwise(cuts)], returns and stack.feeds)
    columns.stacks[0].reads = stack.reads
    for part in columns.stacks:
        size_stack(part)
    set_apart(columns)
    return columns


def _cuts(stack: Stack, height: int) -> list[int]:
    """Return the places of the first items of columns that are not higher than ``height``, where that is possible."""
    starts, filled = [0], stack.items[0].height
    for place, (above, item) in enumerate(pairwise(stack.items), 1):
        filled += gap(above, item, stack.labels[place - 1]) + item.height
        if filled > height and not isinstance(above, Fork):  # what joins branches stays with their lines
            starts.append(place)
            filled = item.height
    return starts
