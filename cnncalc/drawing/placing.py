"""Places top down, and the lines and texts between: integers throughout.

The script of the page does the same when a box is opened or closed; a test holds the two equal.
"""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.drawing.geometry import BUS, COLUMN_GAP, HEADER, LABEL_GAP, MARGIN, TURN, valley_left
from cnncalc.drawing.parts import Box, Card, Fork, PicturePart, Stack, StackColumns, Valley

XY = tuple[int, int]


class Polyline(NamedTuple):
    """A line of horizontal and vertical pieces; ``is_skip`` for what passes other parts, ``arrow`` at its end."""

    points: list[XY]
    is_skip: bool
    arrow: bool


class Label(NamedTuple):
    """A shape beside a line."""

    x: int
    y: int
    text: str


class Placing:
    """Gives parts their places and collects lines and texts; where ``up``, a part flows upwards."""

    def __init__(self) -> None:
        self.lines: list[Polyline] = []
        self.texts: list[Label] = []
        self.parts: list[Card | Box] = []
        self.beside: list[Box] = []

    def place(self, part: PicturePart, x: int, y: int, up: bool = False) -> None:
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

    def _line(self, x: int, y: int, up: bool, points: list[XY], is_skip: bool = False, arrow: bool = False) -> None:
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
        if box.routes:
            self.beside.append(box)

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
                corners = [] if axis == fork.axis else [(axis, meet), (fork.axis, meet)]
                self._line(x, y, up, [(axis, end), *corners, (fork.axis, fork.height)])
        if fork.is_trunk:
            self._line(x, y, up, [(fork.axis, 0), (fork.axis, fork.height)])
        elif fork.passes and fork.joint is None:
            self._line(x, y, up, [(fork.axis, 0), (fork.axis, BUS), (fork.lane, BUS), (fork.lane, meet),
                                  (fork.axis, meet), (fork.axis, fork.height)], True)  # fmt: skip

    def _columns(self, columns: StackColumns, x: int, y: int) -> None:
        top, bottom = y + TURN + 12, y + columns.height - (TURN if columns.returns else 0)
        first = columns.stacks[0]
        if first.reads:
            self.lines.append(Polyline([(x + columns.axis, y), (x + columns.axis, top)], False, ends_in_arrow(first)))
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
        if columns.returns:
            last, end = columns.stacks[-1], y + columns.height - 4
            here, there = x + columns.lefts[-1] + last.axis, x + columns.axis
            points = [(here, top + last.height), (here, end), (there, end), (there, y + columns.height)]
            self.lines.append(Polyline(points, False, False))

    def _valley(self, valley: Valley, x: int, y: int) -> None:
        left, right = x + valley.left, x + valley.right
        for place, (step, bottom) in enumerate(zip(valley.steps, valley.bottoms, strict=True)):
            down, up, end = step.down, step.up, y + bottom
            self.place(down, left - down.axis, end - down.height)
            self.place(up, right - up.axis, end, up=True)
            if not step.lanes:
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


def ends_in_arrow(part: PicturePart) -> bool:
    """Return whether a line that reaches a part ends there, not further inside."""
    if isinstance(part, Stack):
        return bool(part.items) and ends_in_arrow(part.items[0])
    if isinstance(part, Valley):
        return ends_in_arrow(part.steps[0].down)
    if isinstance(part, StackColumns):
        return not part.stacks[0].reads and ends_in_arrow(part.stacks[0])
    return isinstance(part, Card) or (isinstance(part, Box) and not part.is_open)
