"""Long pictures in columns, so that they fit a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.drawing.geometry import beside, enclose, gap, pile, set_apart
from cnncalc.drawing.parts import Box, Fork, Stack, StackColumns, Valley

PAGE_WIDTH, PAGE_HEIGHT = 1000, 1400
"""Of a page in pixels."""

FITS = 1.45
"""How many times as large as a page a picture may be that is still read on it."""

FEWER = 1.25
"""How many times as large as need be a picture may be that has fewer columns for that."""

MOST_COLUMNS = 12


class ColumnSetting(NamedTuple):
    """A box of a picture, the form of its inside, and the resulting size of the whole relative to a page."""

    box: Box
    body: Stack | StackColumns | Valley
    excess: float

    @property
    def columns(self) -> int:
        """The number of columns."""
        return len(self.body.stacks) if isinstance(self.body, StackColumns) else 1


def excess(root: Box, heading: int) -> float:
    """Return the size of a network relative to a page; ``heading`` is the width of its heading."""
    return max(max(root.body.width + beside(root), heading) / PAGE_WIDTH, root.body.height / PAGE_HEIGHT)


def best_columns(root: Box, ways: Sequence[int], heading: int) -> ColumnSetting:
    """Return the box of a sized network to cut into columns, and how, so that the whole suits a page.

    The box is the network itself, or the box that makes up most of it. Among the numbers of columns in ``ways``, the
    smallest that is nearly the best is used.
    """
    boxes = _mainly(root)
    tried: list[ColumnSetting] = []
    for place, box in enumerate(boxes):
        whole = box.body
        assert isinstance(whole, Stack)
        for count in ways:
            if count > 1 or not place:
                body = _in_columns(whole, count, place > 0)
                put(boxes[: place + 1], body)
                tried.append(ColumnSetting(box, body, excess(root, heading)))
        put(boxes[: place + 1], whole)
    best = min(one.excess for one in tried)
    limit = FEWER * best if best > FITS else min(FEWER * best, FITS)
    near = [one for one in tried if one.excess <= limit]
    return min(near, key=lambda one: (one.columns, one.excess))


def apply(root: Box, setting: ColumnSetting) -> None:
    """Draw a network with a setting."""
    boxes = _mainly(root)
    put(boxes[: boxes.index(setting.box) + 1], setting.body)


def put(boxes: Sequence[Box], body: Stack | StackColumns | Valley) -> None:
    """Give the last of some boxes that lie in each other an inside, and all of them their sizes."""
    *around, last = boxes
    last.body = body
    for outer in reversed(around):
        enclose(last)
        assert isinstance(outer.body, Stack)
        pile(outer.body)
        last = outer


def _mainly(root: Box) -> list[Box]:
    """Return a network, the open box that makes up most of its height, and so on inwards."""
    found = [root]
    while isinstance(found[-1].body, Stack):
        inside = [item for item in found[-1].body.items if isinstance(item, Box) and _is_cut(item)]
        inside = [box for box in inside if 2 * box.height > root.body.height]
        if not inside:
            break
        found.append(inside[0])
    return found


def _is_cut(box: Box) -> bool:
    return box.is_open and box.count == 1 and not box.lanes and isinstance(box.body, Stack)


def _in_columns(stack: Stack, count: int, returns: bool) -> Stack | StackColumns:
    """Return a stack cut so that the highest of its columns is as low as can be."""
    low, high = max([item.height for item in stack.items], default=0), stack.height
    if count == 1 or len(stack.items) < 2:
        return stack
    while low < high:
        middle = (low + high) // 2
        if len(_cuts(stack, middle)) <= count:
            high = middle
        else:
            low = middle + 1
    starts = _cuts(stack, high)
    ends = [*starts[1:], len(stack.items)]
    columns = StackColumns(
        [
            Stack(stack.items[start:end], stack.links[start : end + 1], stack.labels[start:end])
            for start, end in zip(starts, ends, strict=True)
        ],
        returns and stack.feeds,
    )
    columns.stacks[0].reads = stack.reads
    for part in columns.stacks:
        pile(part)
    set_apart(columns)
    return columns


def _cuts(stack: Stack, height: int) -> list[int]:
    """Return the beginnings of columns of at most a height."""
    starts, filled = [0], 0
    for place, item in enumerate(stack.items):
        before = gap(stack.items[place - 1], item, stack.labels[place - 1]) if place else 0
        is_joint = place > 0 and isinstance(stack.items[place - 1], Fork)  # stays with the lines that it joins
        if place and filled + before + item.height > height and not is_joint:
            starts.append(place)
            filled = item.height
        else:
            filled += before + item.height
    return starts
