"""Sizes of parts, bottom up, in integers.

The page's script does the same when a box is opened or closed; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from cnncalc.drawing.letters import even
from cnncalc.drawing.parts import CLOSED, Box, Card, Fork, PicturePart, Route, Stack, StackColumns, Valley

GAP, LABEL_GAP, FORK_GAP = 20, 28, 12
"""Between two items, with a shape written there, and behind branches."""

BUS, SPREAD, MERGE = 10, 24, 16
"""Where branches part, below the top; where they begin at the earliest; what they need to meet again."""

BESIDE, LANE = 24, 16
"""Between branches, and from the last one to the line that passes them."""

HEADER, MARGIN, TRACK = 28, 14, 12
"""Of an open box: its title, its border, and each line beside its inside."""

ACROSS, COLUMN_GAP, TURN = 28, 72, 16
"""Either side of what lies across a valley; between columns; how far a line goes beyond a column's end."""

TRACKS = 40
"""Lines beside the inside of one box that have a track of their own; more share them."""


def size(part: PicturePart) -> None:
    """Set width, height and axis of a part and of all parts inside it."""
    if isinstance(part, Stack):
        for item in part.items:
            size(item)
        pile(part)
    elif isinstance(part, Fork):
        _size_fork(part)
    elif isinstance(part, Box):
        _size_box(part)
    elif isinstance(part, Valley):
        _size_valley(part)
    elif isinstance(part, StackColumns):
        for stack in part.stacks:
            size(stack)
        set_apart(part)


def _size_box(box: Box) -> None:
    if not box.is_open:
        box.width, box.height, box.axis = box.closed_width, CLOSED, box.closed_width // 2
        return
    size(box.body)
    set_routes(box)
    enclose(box)


def enclose(box: Box) -> None:
    """Set the size of an open box whose inside has one."""
    box.axis = max(MARGIN + box.body.axis, even(box.title_width) + 20)
    box.width = box.axis - box.body.axis + box.body.width + MARGIN + beside(box)
    box.height = HEADER + box.body.height + MARGIN


def beside(box: Box) -> int:
    """Return the room for the lines beside the inside of a box."""
    return TRACK * box.tracks + 8 if box.tracks else 0


def pile(stack: Stack) -> None:
    """Set the size of a stack whose items have one."""
    top = 0
    stack.tops = []
    for place, item in enumerate(stack.items):
        stack.tops.append(top)
        top += item.height
        if place + 1 < len(stack.items):
            top += gap(item, stack.items[place + 1], stack.labels[place])
    stack.height = top
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
    left = 2 * BESIDE if fork.is_trunk else 0
    fork.lefts = []
    for branch in fork.branches:
        size(branch)
        fork.lefts.append(left)
        left += branch.width + BESIDE
    axes = [left + branch.axis for left, branch in zip(fork.lefts, fork.branches, strict=True)]
    width = max(left - BESIDE, 0)
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
    below = MERGE if _meet(fork, axes) else 4
    above = SPREAD if fork.reads else 0
    fork.height = above + highest + below
    fork.tops = [above + _rise(branch, highest) for branch in fork.branches]


def _meet(fork: Fork, axes: list[int]) -> bool:
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
    size(valley.bottom)
    across = 40
    for step in valley.steps:
        size(step.down)
        size(step.up)
        across = max(across, step.across.width + 2 * ACROSS if step.across else 0)
    valley.left = max(step.down.axis for step in valley.steps)
    width = valley.left + max(step.down.width - step.down.axis for step in valley.steps)
    right = max(step.up.axis for step in valley.steps)
    valley.right = width + across + right
    set_levels(valley, [max(step.down.height, step.up.height) for step in valley.steps])
    valley.axis = valley.left
    valley.width = max(
        valley.right + max(step.up.width - step.up.axis for step in valley.steps),
        valley_left(valley) + valley.bottom.width + 2 * TURN,
    )


def set_levels(valley: Valley, heights: Sequence[int]) -> None:
    """Set how deep the steps of a valley reach, each as high as is given, and with that the valley's height."""
    top = 0
    valley.bottoms = []
    for height in heights:
        valley.bottoms.append(top + height)
        top += height + LABEL_GAP + 8
    valley.height = top + 2 * TURN + valley.bottom.height + TURN


def valley_left(valley: Valley) -> int:
    """Return where the bottom of a valley begins: in the middle between the ways down and up."""
    return max((valley.left + valley.right) // 4 * 2 - valley.bottom.axis, 0)


def set_apart(columns: StackColumns) -> None:
    """Set the size of columns whose stacks have one."""
    left = 0
    columns.lefts = []
    for stack in columns.stacks:
        columns.lefts.append(left)
        left += stack.width + COLUMN_GAP
    columns.width = left - COLUMN_GAP
    columns.height = max(stack.height for stack in columns.stacks) + 2 * TURN + 12 + (TURN if columns.returns else 0)
    columns.axis = columns.stacks[0].axis


# --- beside the tree -----------------------------------------------------------------------------------------


def shown(part: Card) -> Card | Box:
    """Return the visible part of a tile: itself, or the outermost closed box around it."""
    seen: Card | Box = part
    around = part.up
    while around is not None:
        if not around.is_open:
            seen = around
        around = around.up
    return seen


def set_routes(box: Box) -> None:
    """Give each line beside the inside of an open box a track, different tracks for lines side by side.

    Lines between the same parts are one, and none is drawn beside the line from a part to the next.  Where there are
    too many tracks, lines share the last.
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
    """Return the parts that a line leads to from the part above in the same stack, each with that part."""
    found: set[tuple[PicturePart, PicturePart]] = set()
    pending = [body]
    while pending:
        part = pending.pop()
        if isinstance(part, Fork):
            pending.extend(part.branches)
        elif isinstance(part, Stack):
            for (above, below), is_linked in zip(pairwise(part.items), part.links[1:], strict=False):
                if is_linked and above.feeds and below.reads:
                    found.add((above, below))
            pending.extend(item for item in part.items if isinstance(item, Fork))
    return found
