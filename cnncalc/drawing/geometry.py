"""Sizes of parts, bottom up, in integers.

The page's script does the same when a box is opened or closed; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from cnncalc.drawing.letters import multiple_of_four
from cnncalc.drawing.parts import (
    CLOSED,
    Box,
    Card,
    Fork,
    PicturePart,
    Route,
    Stack,
    StackColumns,
    Valley,
    inner,
    walked,
)

GAP, LABEL_GAP, FORK_GAP = 20, 28, 12
"""Distances between two items, between two with a shape written there, and below branches."""

BUS, SPREAD, MERGE = 10, 24, 16
"""Distances from the top of a fork to where its lines part and to its highest branch, and from that to its bottom."""

BESIDE, LANE = 24, 16
"""Distances between branches, and from the last one to the line that passes them."""

HEADER, MARGIN, TRACK = 28, 14, 12
"""Sizes of an open box: its title, its border, and the room for each line beside its inside."""

ACROSS, COLUMN_GAP, TURN = 28, 72, 16
"""Distances at either side of a card across a valley, between columns, and of a line beyond a column's end."""

TRACKS = 40
"""Most tracks for the lines beside the inside of one box; further lines share the last."""


def size(part: PicturePart) -> None:
    """Set width, height and axis of a part and of all parts inside it."""
    if isinstance(part, Box) and not part.is_open:
        part.width, part.height, part.axis = part.closed_width, CLOSED, part.closed_width // 2
        return
    for one in inner(part):
        size(one)
    if isinstance(part, Stack):
        size_stack(part)
    elif isinstance(part, Fork):
        _size_fork(part)
    elif isinstance(part, Box):
        set_routes(part)
        enclose(part)
    elif isinstance(part, Valley):
        _size_valley(part)
    elif isinstance(part, StackColumns):
        set_apart(part)


def enclose(box: Box) -> None:
    """Set the size of an open box whose inside has one."""
    box.axis = max(MARGIN + box.body.axis, multiple_of_four(box.title_width) + 20)
    box.width = box.axis - box.body.axis + box.body.width + MARGIN + lanes_width(box)
    box.height = HEADER + box.body.height + MARGIN


def lanes_width(box: Box) -> int:
    """Return the width of the lines beside the inside of a box."""
    return TRACK * box.tracks + 8 if box.tracks else 0


def size_stack(stack: Stack) -> None:
    """Set the size of a stack whose items have one."""
    tops, top = [], 0
    for place, item in enumerate(stack.items):
        tops.append(top)
        top += item.height
        if place + 1 < len(stack.items):
            top += gap(item, stack.items[place + 1], stack.labels[place])
    stack.tops, stack.height = tops, top
    stack.axis = max([item.axis for item in stack.items], default=0)
    stack.width = stack.axis + max([item.width - item.axis for item in stack.items], default=0)


def gap(above: PicturePart, below: PicturePart, label: str) -> int:
    """Return the distance from an item to the next."""
    if isinstance(above, Fork):
        return FORK_GAP
    if isinstance(below, Fork) and below.reads:
        return 14 if label else 0
    return LABEL_GAP if label else GAP


def _size_fork(fork: Fork) -> None:
    start = 2 * BESIDE if fork.is_trunk else 0
    *fork.lefts, end = accumulate([branch.width + BESIDE for branch in fork.branches], initial=start)
    axes = [left + branch.axis for left, branch in zip(fork.lefts, fork.branches, strict=True)]
    width = max(end - BESIDE, 0)
    heights = [branch.height for branch in fork.branches]
    if fork.is_trunk:
        fork.axis = fork.lane = BESIDE
    elif len(axes) == 1:
        fork.axis = axes[0]
    elif len(axes) == 2 and 3 * min(heights) <= 2 * max(heights):
        fork.axis = axes[heights.index(max(heights))]
    else:
        fork.axis = width // 4 * 2
    fork.width = width
    if fork.passes and not fork.is_trunk:
        room = fork.joint.width - fork.joint.axis if fork.joint else 0
        fork.lane = max(width, fork.axis + room) + LANE
        fork.width = fork.lane + 4
    highest = max(heights, default=0)
    below = MERGE if _meet_below(fork, axes) else 4
    above = SPREAD if fork.reads else 0
    fork.height = above + highest + below
    fork.tops = [above + _rise(branch, highest) for branch in fork.branches]


def _meet_below(fork: Fork, axes: list[int]) -> bool:
    """Whether lines must be joined below the branches."""
    ends = [axis for branch, axis in zip(fork.branches, axes, strict=True) if branch.feeds]
    if fork.passes and fork.joint is None:
        ends.append(fork.lane)
    return len(ends) > 1 or any(axis != fork.axis for axis in ends)


def _rise(branch: Stack, highest: int) -> int:
    """Return the offset of a branch below the beginning of the highest one."""
    if not branch.reads:
        return highest - branch.height
    return (highest - branch.height) // 2 if branch.feeds else 0


def _size_valley(valley: Valley) -> None:
    downs, ups = [step.down for step in valley.steps], [step.up for step in valley.steps]
    across = max([40, *(step.across.width + 2 * ACROSS for step in valley.steps if step.across)])
    valley.left = valley.axis = max(down.axis for down in downs)
    valley.right = valley.left + max(down.width - down.axis for down in downs) + across + max(up.axis for up in ups)
    set_levels(valley, [max(down.height, up.height) for down, up in zip(downs, ups, strict=True)])
    valley.width = max(
        valley.right + max(up.width - up.axis for up in ups), valley_left(valley) + valley.bottom.width + 2 * TURN
    )


def set_levels(valley: Valley, heights: Sequence[int]) -> None:
    """Set the bottom of each level of a valley by the levels' heights, and the valley's own height."""
    bottoms, top = [], 0
    for height in heights:
        bottoms.append(top + height)
        top += height + LABEL_GAP + 8
    valley.bottoms = bottoms
    valley.height = top + 2 * TURN + valley.bottom.height + TURN


def valley_left(valley: Valley) -> int:
    """Return the left edge of a valley's bottom, whose axis is in the middle between the ways down and up."""
    return max((valley.left + valley.right) // 4 * 2 - valley.bottom.axis, 0)


def set_apart(columns: StackColumns) -> None:
    """Set the size of columns whose stacks have one."""
    *columns.lefts, end = accumulate([stack.width + COLUMN_GAP for stack in columns.stacks], initial=0)
    columns.width = end - COLUMN_GAP
    columns.height = max(stack.height for stack in columns.stacks) + 2 * TURN + 12 + (TURN if columns.returns else 0)
    columns.axis = columns.stacks[0].axis


# --- beside the tree -----------------------------------------------------------------------------------------


def shown(part: Card) -> Card | Box:
    """Return the visible tile that holds a card: itself, or the outermost closed box around it."""
    seen: Card | Box = part
    around = part.up
    while around is not None:
        if not around.is_open:
            seen = around
        around = around.up
    return seen


def set_routes(box: Box) -> None:
    """Give each line beside the inside of an open box a track, different tracks for lines that are side by side.

    Lines between the same parts are one line, and a line from a part to the next in its stack is not drawn again.
    """
    if isinstance(box.body, Valley) and any(step.lanes for step in box.body.steps):
        box.routes, box.tracks = [], 0  # they lie across the valley
        return
    direct = _direct(box.body) if box.lanes else set()
    spans: dict[tuple[Card | Box, Card | Box], tuple[int, int]] = {}
    for lane in box.lanes:
        ends = shown(lane.source), shown(lane.target)
        first, last = spans.get(ends, (lane.first, lane.last))
        if ends[0] is not ends[1] and ends not in direct:
            spans[ends] = min(first, lane.first), max(last, lane.last)
    filled: list[int] = []
    box.routes = []
    for (source, target), (first, last) in spans.items():
        track = next((track for track, end in enumerate(filled) if end <= first), min(len(filled), TRACKS - 1))
        if track == len(filled):
            filled.append(0)
        filled[track] = max(filled[track], last)
        box.routes.append(Route(source, target, track))
    box.tracks = len(filled)


def _direct(body: PicturePart) -> set[tuple[PicturePart, PicturePart]]:
    """Return pairs of parts outside inner boxes: the second reads the first and is right below it in a stack."""
    return {
        (above, below)
        for stack in walked(body, lambda part: isinstance(part, Stack | Fork))
        if isinstance(stack, Stack)
        for (above, below), is_linked in zip(pairwise(stack.items), stack.links[1:], strict=False)
        if is_linked and above.feeds and below.reads
    }
