"""Sizes bottom up, places top down, and the lines between: integers throughout.

The script of the page does the same when a box is opened or closed; a test holds the two equal.
"""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.drawing.letters import even
from cnncalc.drawing.parts import CLOSED, Box, Card, Fork, Part, Stack, StackColumns, Valley

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

Point = tuple[int, int]


class Polyline(NamedTuple):
    """A line of horizontal and vertical pieces; ``is_skip`` for what passes other parts, ``arrow`` at its end."""

    points: list[Point]
    is_skip: bool
    arrow: bool


class Label(NamedTuple):
    """A shape beside a line."""

    x: int
    y: int
    text: str


# --- sizes ---------------------------------------------------------------------------------------------------


def size(part: Part) -> None:
    """Set width, height and axis of a part and of all that is drawn in it."""
    if isinstance(part, Stack):
        _size_stack(part)
    elif isinstance(part, Fork):
        _size_fork(part)
    elif isinstance(part, Box):
        _size_box(part)
    elif isinstance(part, Valley):
        _size_valley(part)
    elif isinstance(part, StackColumns):
        _size_columns(part)


def _size_box(box: Box) -> None:
    if not box.is_open:
        box.width, box.height, box.axis = box.closed_width, CLOSED, box.closed_width // 2
        return
    size(box.body)
    box.axis = max(MARGIN + box.body.axis, even(box.title_width) + 20)
    box.width = box.axis - box.body.axis + box.body.width + MARGIN + (TRACK * box.tracks + 8 if box.tracks else 0)
    box.height = HEADER + box.body.height + MARGIN


def _size_stack(stack: Stack) -> None:
    top = 0
    stack.tops = []
    for place, item in enumerate(stack.items):
        size(item)
        stack.tops.append(top)
        top += item.height
        if place + 1 < len(stack.items):
            top += gap(item, stack.items[place + 1], stack.labels[place])
    stack.height = top
    stack.axis = max([item.axis for item in stack.items], default=0)
    stack.width = stack.axis + max([item.width - item.axis for item in stack.items], default=0)


def gap(above: Part, below: Part, label: str) -> int:
    """Return how far an item is from the next."""
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
    """Whether lines must be led together below the branches."""
    ends = [axis for branch, axis in zip(fork.branches, axes, strict=True) if branch.feeds]
    if fork.passes and fork.joint is None:
        ends.append(fork.lane)
    return len(ends) > 1 or any(axis != fork.axis for axis in ends)


def _rise(branch: Stack, highest: int) -> int:
    """Return how far below the highest a branch begins: at the end where it hangs, else in the middle."""
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
    top = 0
    valley.bottoms = []
    for step in valley.steps:
        top += max(step.down.height, step.up.height)
        valley.bottoms.append(top)
        top += LABEL_GAP + 8
    valley.height = top + 2 * TURN + valley.bottom.height + TURN
    valley.axis = valley.left
    valley.width = max(
        valley.right + max(step.up.width - step.up.axis for step in valley.steps),
        valley_left(valley) + valley.bottom.width + 2 * TURN,
    )


def valley_left(valley: Valley) -> int:
    """Return where the bottom of a valley begins: in the middle between the ways down and up."""
    return max((valley.left + valley.right) // 4 * 2 - valley.bottom.axis, 0)


def _size_columns(columns: StackColumns) -> None:
    left = 0
    columns.lefts = []
    for stack in columns.stacks:
        size(stack)
        columns.lefts.append(left)
        left += stack.width + COLUMN_GAP
    columns.width = left - COLUMN_GAP
    columns.height = max(stack.height for stack in columns.stacks) + 2 * TURN + 12
    columns.axis = columns.stacks[0].axis


# --- places --------------------------------------------------------------------------------------------------


class Placing:
    """Gives parts their places and collects lines and texts; where ``up``, a part flows upwards."""

    def __init__(self) -> None:
        self.lines: list[Polyline] = []
        self.texts: list[Label] = []
        self.parts: list[Card | Box] = []
        self.lanes: list[Box] = []

    def place(self, part: Part, x: int, y: int, up: bool = False) -> None:
        """Place a part whose left edge is ``x`` and whose flow begins at height ``y``."""
        part.x, part.y = x, y - part.height if up else y
        if isinstance(part, Card):
            part.is_flipped = up
            self.parts.append(part)
        elif isinstance(part, Stack):
            self._stack(part, x, y, up)
        elif isinstance(part, Fork):
            self._fork(part, x, y, up)
        elif isinstance(part, Valley):
            self._valley(part, x, y)
        elif isinstance(part, StackColumns):
            self._columns(part, x, y)
        else:
            self._box(part, x, y, up)

    def _line(self, x: int, y: int, up: bool, points: list[Point], is_skip: bool = False, arrow: bool = False) -> None:
        """Add a line of points that are counted from (x, y) along the flow."""
        sign = -1 if up else 1
        self.lines.append(Polyline([(x + dx, y + sign * dy) for dx, dy in points], is_skip, arrow))

    def _box(self, box: Box, x: int, y: int, up: bool) -> None:
        self.parts.append(box)
        if not box.is_open:
            return
        body, first = box.body, MARGIN if up else HEADER
        self.place(body, x + box.axis - body.axis, y - first if up else y + first, up)
        if box.reads:
            self._line(x, y, up, [(box.axis, 0), (box.axis, first)], arrow=ends_in_arrow(body))
        if box.feeds:
            self._line(x, y, up, [(box.axis, first + body.height), (box.axis, box.height)])
        if box.lanes:
            self.lanes.append(box)

    def _stack(self, stack: Stack, x: int, y: int, up: bool) -> None:
        sign = -1 if up else 1
        for place, (item, top) in enumerate(zip(stack.items, stack.tops, strict=True)):
            self.place(item, x + stack.axis - item.axis, y + sign * top, up)
            if place + 1 == len(stack.items):
                break
            below, end, then = stack.items[place + 1], top + item.height, stack.tops[place + 1]
            if stack.links[place + 1] and item.feeds and below.reads:
                is_side = isinstance(item, Fork) and item.joint is not None
                if not is_side or any(branch.feeds for branch in item.branches):  # type: ignore[union-attr]
                    self._line(x, y, up, [(stack.axis, end), (stack.axis, then)], arrow=ends_in_arrow(below))
            if stack.labels[place]:
                self.texts.append(
                    Label(x + stack.axis + 6, y + sign * (end + 8 + (4 if not up else -2)), stack.labels[place])
                )
            if isinstance(item, Fork) and item.joint is not None:
                left, lane = stack.axis - item.axis, stack.axis - item.axis + item.lane
                middle = then + below.height // 2
                edge = left + item.axis + below.width - below.axis
                points = [(stack.axis, top), (stack.axis, top + BUS), (lane, top + BUS), (lane, middle), (edge, middle)]
                self._line(x, y, up, points, True, True)

    def _fork(self, fork: Fork, x: int, y: int, up: bool) -> None:
        sign = -1 if up else 1
        meet = fork.height - BUS
        for branch, left, top in zip(fork.branches, fork.lefts, fork.tops, strict=True):
            self.place(branch, x + left, y + sign * top, up)
            axis, end = left + branch.axis, top + branch.height
            if branch.reads:
                self._line(x, y, up, [(fork.axis, 0), (fork.axis, BUS), (axis, BUS), (axis, top)],
                           arrow=ends_in_arrow(branch))  # fmt: skip
            if branch.feeds:
                self._line(x, y, up, [(axis, end), (axis, meet), (fork.axis, meet), (fork.axis, fork.height)])
        if fork.is_trunk:
            self._line(x, y, up, [(fork.axis, 0), (fork.axis, fork.height)])
        elif fork.passes and fork.joint is None:
            self._line(x, y, up, [(fork.axis, 0), (fork.axis, BUS), (fork.lane, BUS), (fork.lane, meet),
                                  (fork.axis, meet), (fork.axis, fork.height)], True)  # fmt: skip

    def _columns(self, columns: StackColumns, x: int, y: int) -> None:
        top, bottom = y + TURN + 12, y + columns.height
        for place, (stack, left) in enumerate(zip(columns.stacks, columns.lefts, strict=True)):
            self.place(stack, x + left, top)
            if place + 1 == len(columns.stacks):
                break
            after, then = columns.stacks[place + 1], columns.lefts[place + 1]
            if not (stack.links[-1] and after.links[0] and stack.items[-1].feeds and after.items[0].reads):
                continue
            here, there = x + left + stack.axis, x + then + after.axis
            middle = x + then - COLUMN_GAP // 2
            points = [
                (here, top + stack.height),
                (here, bottom),
                (middle, bottom),
                (middle, y),
                (there, y),
                (there, top),
            ]
            self.lines.append(Polyline(points, False, ends_in_arrow(after)))
            if stack.labels[-1]:
                self.texts.append(Label(here + 6, top + stack.height + 12, stack.labels[-1]))

    def _valley(self, valley: Valley, x: int, y: int) -> None:
        left, right = x + valley.left, x + valley.right
        for place, (step, bottom) in enumerate(zip(valley.steps, valley.bottoms, strict=True)):
            down, up, end = step.down, step.up, y + bottom
            self.place(down, left - down.axis, end - down.height)
            self.place(up, right - up.axis, end, up=True)
            self._across(step.across, down, up, (left + right) // 4 * 2)
            if down.labels[-1]:
                self.texts.append(Label(left + 6, end + 12, down.labels[-1]))
            if place + 1 < len(valley.steps):
                after, next_end = valley.steps[place + 1], y + valley.bottoms[place + 1]
                self.lines.append(Polyline([(left, end), (left, next_end - after.down.height)], False,
                                       ends_in_arrow(after.down)))  # fmt: skip
                self.lines.append(
                    Polyline([(right, next_end - after.up.height), (right, end)], False, ends_in_arrow(up))
                )
                if after.up.labels[-1]:
                    self.texts.append(Label(right + 6, next_end - after.up.height - 6, after.up.labels[-1]))
        self._bottom(valley, x, y)

    def _across(self, across: Card | None, down: Stack, up: Stack, middle: int) -> None:
        joint, source = up.items[0], down.items[-1]
        height = joint.y + joint.height // 2
        start, end = source.x + source.width, joint.x
        if across is None:
            self.lines.append(Polyline([(start, height), (end, height)], True, True))
            return
        self.place(across, middle - across.width // 2, height - across.height // 2)
        self.lines.append(Polyline([(start, height), (across.x, height)], True, True))
        self.lines.append(Polyline([(across.x + across.width, height), (end, height)], True, True))

    def _bottom(self, valley: Valley, x: int, y: int) -> None:
        inner, last = valley.bottom, valley.steps[-1]
        left, right = x + valley.left, x + valley.right
        end = y + valley.bottoms[-1]
        top = end + LABEL_GAP + 2 * TURN
        turn = top - TURN
        inner_x = x + valley_left(valley)
        self.place(inner, inner_x, top)
        axis, below = inner_x + inner.axis, top + inner.height
        self.lines.append(Polyline([(left, end), (left, turn), (axis, turn), (axis, top)], False, ends_in_arrow(inner)))
        side = inner_x + inner.width + TURN
        points = [(axis, below), (axis, below + TURN), (side, below + TURN), (side, turn), (right, turn), (right, end)]
        self.lines.append(Polyline(points, False, ends_in_arrow(last.up)))


def ends_in_arrow(part: Part) -> bool:
    """Return whether a line that reaches a part ends there, not further inside."""
    if isinstance(part, Stack):
        return bool(part.items) and ends_in_arrow(part.items[0])
    if isinstance(part, Valley):
        return ends_in_arrow(part.steps[0].down)
    if isinstance(part, StackColumns):
        return ends_in_arrow(part.stacks[0])
    return isinstance(part, Card) or (isinstance(part, Box) and not part.is_open)


# --- beside the tree -----------------------------------------------------------------------------------------


def shown(part: Card) -> Card | Box:
    """Return what is seen of a tile: itself, or the outermost closed box that it lies in."""
    seen: Card | Box = part
    around = part.up
    while around is not None:
        if not around.is_open:
            seen = around
        around = around.up
    return seen


def lane_lines(boxes: list[Box]) -> list[Polyline]:
    """Return the lines beside the tree of open boxes, each from side to side."""
    found = []
    for box in boxes:
        for lane in box.lanes:
            source, target = shown(lane.source), shown(lane.target)
            if source is target:
                continue
            x = box.x + box.width - 8 - TRACK * lane.track
            start, end = source.y + source.height - 8, target.y + 8
            points = [(source.x + source.width, start), (x, start), (x, end), (target.x + target.width, end)]
            found.append(Polyline(points, True, True))
    return found
