"""What is drawn: tiles and boxes with their texts and sizes, before they have a place.

All sizes are in pixels.  A part's ``axis`` is the distance from its left edge to the line that enters at its top and
leaves at its bottom.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias, TypeGuard

HEAD, STRIP, CIRCLE, PILL, CLOSED = 28, 15, 24, 22, 40
"""Heights of a card's first strip, of its other strips, of a sum's circle, of an input or output, of a closed box."""

NARROWEST, WIDEST = 104, 280
"""Widths of cards and closed boxes."""


class Strip(NamedTuple):
    """One layer of a card, or a remark on it."""

    text: str
    kind: str
    is_head: bool


class Placed:
    """A part with a size and, after :mod:`cnncalc.drawing.placing`, a place: its left edge and its top.

    ``reads`` and ``feeds`` say whether a line enters it and leaves it.
    """

    width = height = axis = x = y = 0
    reads = feeds = True


class PictureTile(Placed):
    """What cards and boxes have in common.

    Attributes:
        title: its tooltip.
        places: the indexes of its layers, in all copies.
        value: the measure of all its layers together.
        share: ``value`` as part of the network's, as text.
        count: how many equal parts it stands for, one behind the other.
        up: the box around it.
        mark: its fate beside another network: ``same``, ``changed``, ``added`` or ``removed``; "" without one.
    """

    title = ""
    places: Sequence[int] = ()
    value = 0.0
    share = ""
    count = 1
    up: Box | None = None
    mark = ""


class Card(PictureTile):
    """A tile without an inside.

    Attributes:
        form: ``card``, ``circle`` (a sum or product) or ``pill`` (an input or output).
        kind: the kind of its leading layer, which gives the colour.
        strips: its texts, from top to bottom.
        is_flipped: whether its last layer is its uppermost: in the right half of a U.
    """

    is_flipped = False

    def __init__(self, form: str, kind: str, strips: list[Strip], title: str = "") -> None:
        self.form = form
        self.kind = kind
        self.strips = strips
        self.title = title

    @property
    def joins(self) -> bool:
        """Whether lines may enter it from the side."""
        return self.form == "circle" or (self.kind == "merge" and self.form == "card")


class Lane(NamedTuple):
    """A line beside the tree; ``first`` and ``last`` are the places of its ends in the running order."""

    source: Card
    target: Card
    first: int
    last: int


class Route(NamedTuple):
    """A lane as it is drawn: between visible tiles, in one of the tracks at the right of a box."""

    source: Card | Box
    target: Card | Box
    track: int


class Box(PictureTile):
    """A tile with an inside: a scope, or equal scopes of which one is drawn.

    Attributes:
        name: its caption.
        path: its dotted name; empty if the box is made up.
        about: its contents in words.
        body: its inside.
        level: how many boxes are around it.
        is_made_up: whether no scope of the network stands behind it.
        is_open: whether its inside is drawn.
        closed_width: its width while it is closed.
        title_width: the width of the caption above its inside while it is open.
        lanes, routes, tracks: the lines beside its inside: all of them, those that are drawn, and the number of their
            tracks.
    """

    is_open = False
    closed_width = NARROWEST
    title_width = tracks = 0

    def __init__(self, name: str, path: str, about: str, body: Stack, level: int, is_made_up: bool) -> None:
        self.name = name
        self.path = path
        self.about = about
        self.body: Stack | Valley | StackColumns = body
        self.level = level
        self.is_made_up = is_made_up
        self.lanes: list[Lane] = []
        self.routes: list[Route] = []


class Stack(Placed):
    """Parts one below the other.

    Attributes:
        items: from the first to the last.
        links: as :class:`cnncalc.drawing.tree.Series` has them.
        labels: the shape that is written below each item, or nothing.
        tops: where each item begins, from the stack's own beginning.
    """

    tops: Sequence[int] = ()

    def __init__(self, items: list[PicturePart], links: list[bool], labels: list[str]) -> None:
        self.items = items
        self.links = links
        self.labels = labels

    def part(self, start: int, end: int) -> Stack:
        """Return the items from ``start`` to before ``end`` as a stack."""
        return Stack(self.items[start:end], self.links[start : end + 1], self.labels[start:end])


class Fork(Placed):
    """Stacks side by side.

    Attributes:
        branches: from left to right.
        passes: whether a line leads past them, at the distance ``lane`` from the left edge.
        joint: the card below whose side that line enters; None if it joins the branches' lines.
        is_trunk: whether that line is all that comes in, or all that goes on: the branches stand at its side.
        lefts, tops: the corner of each branch, from the fork's own.
    """

    joint: Card | None = None
    lane = 0
    lefts: Sequence[int] = ()
    tops: Sequence[int] = ()

    def __init__(self, branches: list[Stack], passes: bool) -> None:
        self.branches = branches
        self.passes = passes
        self.is_trunk = passes and not (any(one.reads for one in branches) and any(one.feeds for one in branches))


class ValleyLevel(NamedTuple):
    """One level of a valley: the way down, the card across it, and the way up.

    ``lanes`` are the lines across if they end inside the way up; else there is one line, to its first item.
    """

    down: Stack
    across: Card | None
    up: Stack
    lanes: Sequence[Lane] = ()


class Valley(Placed):
    """A U-shaped network: its levels from the top to the bottom, and what lies at the bottom.

    Attributes:
        left, right: the distances from its left edge to the axes of the ways down and up.
        bottoms: where each level ends, from the valley's top.
    """

    left = right = 0
    bottoms: Sequence[int] = ()

    def __init__(self, steps: list[ValleyLevel], bottom: Stack) -> None:
        self.steps = steps
        self.bottom = bottom


class StackColumns(Placed):
    """A long stack in columns from left to right; ``returns`` if a line leads back from the last to the axis."""

    lefts: Sequence[int] = ()

    def __init__(self, stacks: list[Stack], returns: bool) -> None:
        self.stacks = stacks
        self.returns = returns


PicturePart: TypeAlias = Card | Box | Stack | Fork | Valley | StackColumns


def inner(part: PicturePart) -> Sequence[PicturePart]:
    """Return what a part consists of."""
    if isinstance(part, Box):
        return [part.body]
    if isinstance(part, Stack):
        return part.items
    if isinstance(part, Fork):
        return part.branches
    if isinstance(part, StackColumns):
        return part.stacks
    if isinstance(part, Valley):
        across = [step.across for step in part.steps if step.across]
        return [*(step.down for step in part.steps), *across, part.bottom, *(step.up for step in reversed(part.steps))]
    return ()


def walked(part: PicturePart, into: Callable[[PicturePart], bool] = lambda part: True) -> Iterator[PicturePart]:
    """Yield a part and all that it consists of, from top to bottom.

    ``into`` is called after a part was yielded; it returns whether to go into it.
    """
    pending = [part]
    while pending:
        part = pending.pop()
        yield part
        if into(part):
            pending.extend(reversed(inner(part)))


def is_visible(part: PicturePart) -> TypeGuard[Card | Box]:
    """Return whether a part is a card or a closed box, which are drawn without their inside."""
    return isinstance(part, Card) or (isinstance(part, Box) and not part.is_open)


def visible(root: Box) -> Iterator[Card | Box]:
    """Yield the cards and closed boxes inside a box, from top to bottom; a box that is yielded may be opened."""
    return (part for part in walked(root.body, lambda part: not is_visible(part)) if is_visible(part))
