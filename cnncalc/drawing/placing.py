"""Places of parts, top down, and the lines and texts between them, in integers.

The page's script does the same when a box is opened or closed; a test compares the two.
"""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.drawing.geometry import BUS, COLUMN_GAP, HEADER, LABEL_GAP, MARGIN, TURN, valley_left
from cnncalc.drawing.parts import Box, Card, Fork, PicturePart, Stack, StackColumns, Valley, is_visible

XY = tuple[int, int]


class Polyline(NamedTuple):
    """A line of horizontal and vertical pieces.

    Attributes:
        points: its corners and ends.
        is_skip: whether it passes other parts.
        arrow: whether it ends in an arrow.
    """

    points: list[XY]
    is_skip: bool
    arrow: bool


class Label(NamedTuple):
    """A shape beside a line; (x, y) is the beginning of its baseline."""

    x: int
    y: int
    text: str


class Placing:
    """Gives parts their places, and collects lines and texts.

    Attributes:
        lines, texts: what is drawn between parts.
        parts: the cards and boxes, in the order in which they were placed.
        beside: the boxes with lines beside their inside.
    """

    def __init__(self) -> None:
        self.lines: list[Polyline] = []
        self.texts: list[Label] = []
        self.parts: list[Card | Box] = []
        self.beside: list[Box] = []

    def place(self, part: PicturePart, x: int, y: int, up: bool = False) -> None:
        """Place a part whose left edge is ``x`` and whose flow begins at height ``y``, and goes up if ``up``."""
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

    def _line(self, points: list[XY], to: PicturePart | None = None) -> None:
        """Add a line; it ends in an arrow if the part that it leads ``to`` begins with a visible part."""
        self.lines.append(Polyline(points, False, to is not None and ends_in_arrow(to)))

    def _skip(self, points: list[XY], arrow: bool = True) -> None:
        """Add a line that passes other parts."""
        self.lines.append(Polyline(points, True, arrow))

    def _label(self, x: int, y: int, text: str) -> None:
        if text:
            self.texts.append(Label(x, y, text))

    def _box(self, box: Box, x: int, y: int, up: bool) -> None:
        self.parts.append(box)
        if not box.is_open:
            return
        sign, body, first = -1 if up else 1, box.body, MARGIN if up else HEADER
        self.place(body, x + box.axis - body.axis, y + sign * first, up)
        axis, top, bottom = x + box.axis, y + sign * first, y + sign * box.height
        if box.reads:
            self._line([(axis, y), (axis, top)], body)
        if box.feeds:
            self._line([(axis, top + sign * body.height), (axis, bottom)])
        if box.routes:
            self.beside.append(box)

    def _stack(self, stack: Stack, x: int, y: int, up: bool) -> None:
        sign, axis = -1 if up else 1, x + stack.axis
        for place, item in enumerate(stack.items):
            top = y + sign * stack.tops[place]
            self.place(item, axis - item.axis, top, up)
            if place + 1 == len(stack.items):
                break
            below, end, then = stack.items[place + 1], top + sign * item.height, y + sign * stack.tops[place + 1]
            beside = item if isinstance(item, Fork) and item.joint is not None else None
            is_straight = beside is None or any(branch.feeds for branch in beside.branches)
            if is_straight and stack.links[place + 1] and item.feeds and below.reads:
                self._line([(axis, end), (axis, then)], below)
            self._label(axis + 6, end + sign * (6 if up else 12), stack.labels[place])
            if beside is not None:
                bus, lane = top + sign * BUS, axis - item.axis + beside.lane
                middle, edge = then + sign * (below.height // 2), axis + below.width - below.axis
                self._skip([(axis, top), (axis, bus), (lane, bus), (lane, middle), (edge, middle)])

    def _fork(self, fork: Fork, x: int, y: int, up: bool) -> None:
        sign, middle = -1 if up else 1, x + fork.axis
        bus, meet, bottom = y + sign * BUS, y + sign * (fork.height - BUS), y + sign * fork.height
        for branch, left, below in zip(fork.branches, fork.lefts, fork.tops, strict=True):
            axis, top = x + left + branch.axis, y + sign * below
            self.place(branch, x + left, top, up)
            if branch.reads:
                self._line([(middle, y), (middle, bus), (axis, bus), (axis, top)], branch)
            if branch.feeds:
                corners = [] if axis == middle else [(axis, meet), (middle, meet)]
                self._line([(axis, top + sign * branch.height), *corners, (middle, bottom)])
        if fork.is_trunk:
            self._line([(middle, y), (middle, bottom)])
        elif fork.passes and fork.joint is None:
            lane = x + fork.lane
            self._skip([(middle, y), (middle, bus), (lane, bus), (lane, meet), (middle, meet), (middle, bottom)], False)

    def _columns(self, columns: StackColumns, x: int, y: int) -> None:
        top, bottom = y + TURN + 12, y + columns.height - (TURN if columns.returns else 0)
        first = columns.stacks[0]
        if first.reads:
            self._line([(x + columns.axis, y), (x + columns.axis, top)], first)
        for place, (stack, left) in enumerate(zip(columns.stacks, columns.lefts, strict=True)):
            self.place(stack, x + left, top)
            if place + 1 == len(columns.stacks):
                break
            after, then = columns.stacks[place + 1], columns.lefts[place + 1]
            if not (stack.links[-1] and after.links[0] and stack.items[-1].feeds and after.items[0].reads):
                continue
            here, there = x + left + stack.axis, x + then + after.axis
            middle, end = x + then - COLUMN_GAP // 2, top + stack.height
            self._line([(here, end), (here, bottom), (middle, bottom), (middle, y), (there, y), (there, top)], after)
            self._label(here + 6, end + 12, stack.labels[-1])
        if columns.returns:
            last, end = columns.stacks[-1], y + columns.height - 4
            here, there = x + columns.lefts[-1] + last.axis, x + columns.axis
            self._line([(here, top + last.height), (here, end), (there, end), (there, y + columns.height)])

    def _valley(self, valley: Valley, x: int, y: int) -> None:
        left, right = x + valley.left, x + valley.right
        for place, (step, bottom) in enumerate(zip(valley.steps, valley.bottoms, strict=True)):
            down, up, end = step.down, step.up, y + bottom
            self.place(down, left - down.axis, end - down.height)
            self.place(up, right - up.axis, end, up=True)
            if not step.lanes:
                self._across(step.across, down, up, (left + right) // 4 * 2)
            self._label(left + 6, end + 12, down.labels[-1])
            if place + 1 < len(valley.steps):
                after, next_end = valley.steps[place + 1], y + valley.bottoms[place + 1]
                top = next_end - after.up.height
                self._line([(left, end), (left, next_end - after.down.height)], after.down)
                self._line([(right, top), (right, end)], up)
                self._label(right + 6, top - 6, after.up.labels[-1])
        self._bottom(valley, x, y)

    def _across(self, across: Card | None, down: Stack, up: Stack, middle: int) -> None:
        joint, source = up.items[0], down.items[-1]
        height = joint.y + joint.height // 2
        start, end = source.x + source.width, joint.x
        if across is not None:
            self.place(across, middle - across.width // 2, height - across.height // 2)
            self._skip([(start, height), (across.x, height)])
            start = across.x + across.width
        self._skip([(start, height), (end, height)])

    def _bottom(self, valley: Valley, x: int, y: int) -> None:
        inner, up = valley.bottom, valley.steps[-1].up
        left, right = x + valley.left, x + valley.right
        end = y + valley.bottoms[-1]
        top = end + LABEL_GAP + 2 * TURN
        turn = top - TURN
        inner_x = x + valley_left(valley)
        self.place(inner, inner_x, top)
        axis, below = inner_x + inner.axis, top + inner.height
        self._line([(left, end), (left, turn), (axis, turn), (axis, top)], inner)
        side, under = inner_x + inner.width + TURN, below + TURN
        self._line([(axis, below), (axis, under), (side, under), (side, turn), (right, turn), (right, end)], up)


def ends_in_arrow(part: PicturePart) -> bool:
    """Return whether a line that reaches a part ends there, and not further inside."""
    if isinstance(part, Stack):
        return bool(part.items) and ends_in_arrow(part.items[0])
    if isinstance(part, Valley):
        return ends_in_arrow(part.steps[0].down)
    if isinstance(part, StackColumns):
        return not part.stacks[0].reads and ends_in_arrow(part.stacks[0])
    return is_visible(part)
