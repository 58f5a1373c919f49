"""What is drawn: tiles and boxes with their texts and sizes, before they have a place.

A part's ``axis`` is where, seen from its left edge, the line comes in at its top and goes out at its bottom.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

HEAD, STRIP, CIRCLE, PILL, CLOSED = 28, 15, 24, 22, 40
"""Heights: of a card's first strip, of its others, of a sum's circle, of an end, of a closed box."""

NARROWEST, WIDEST = 104, 280
"""Of cards and closed boxes."""


class Strip(NamedTuple):
    """One layer of a card, or a remark on it."""

    text: str
    kind: str
    is_head: bool


class Placed:
    """A part with a size and, after :mod:`cnncalc.drawing.geometry`, a place: its left edge and its top.

    ``mark`` is what has become of it beside another network: ``same``, ``changed``, ``added`` or ``removed``.
    """

    __slots__ = ("axis", "feeds", "height", "mark", "reads", "width", "x", "y")

    def __init__(self) -> None:
        self.mark = ""
        self.width = self.height = self.axis = self.x = self.y = 0
        self.reads = self.feeds = True


class Card(Placed):
    """One box without an inside.

    Attributes:
        form: ``card``, ``circle`` (a sum or product) or ``pill`` (an end).
        strips: what is written on it, from top to bottom.
        value: the measure of all its layers together.
        share: it as part of the network's, as text.
        count: how many equal ones it stands for, one behind the other.
        title: what it says when it is pointed at.
        places: the indexes of its layers, of all copies.
        joins: whether lines may enter it from the side.
        is_flipped: whether its last layer is its uppermost: in the right half of a U.
    """

    __slots__ = ("count", "form", "is_flipped", "joins", "kind", "places", "share", "strips", "title", "up", "value")

    def __init__(self, form: str, kind: str, strips: list[Strip], title: str, places: Sequence[int]) -> None:
        super().__init__()
        self.form = form
        self.kind = kind
        self.strips = strips
        self.title = title
        self.places = places
        self.value = 0.0
        self.share = ""
        self.count = 1
        self.joins = form == "circle" or (kind == "merge" and form == "card")
        self.is_flipped = False
        self.up: Box | None = None


class Lane(NamedTuple):
    """A line beside the tree; ``first`` and ``last`` are where it begins and ends in the running order."""

    source: Card
    target: Card
    first: int
    last: int


class Route(NamedTuple):
    """A lane as it is seen: between tiles or closed boxes, in one of the tracks at the right of a box."""

    source: Card | Box
    target: Card | Box
    track: int


class Box(Placed):
    """A part with an inside: a scope, or equal scopes of which one is drawn.

    Attributes:
        name: what stands on it.
        about: its contents in words.
        path: the dotted name, empty where the box is made up.
        count: how many equal ones it stands for.
        level: how many boxes are around it.
        is_open: whether its inside is drawn.
        closed_width: its width while it is closed.
        title_width: of what stands above its inside while it is open.
        lanes, routes, tracks: the lines beside its inside: all of them, those that are seen, and how many tracks they
            have.
    """

    __slots__ = (
        "about", "body", "closed_width", "count", "is_made_up", "is_open", "lanes", "level", "name", "path", "places",
        "routes", "share", "title", "title_width", "tracks", "up", "value",
    )  # fmt: skip

    def __init__(self, name: str, path: str, body: Stack, level: int, is_made_up: bool) -> None:
        super().__init__()
        self.name = name
        self.path = path
        self.body: Stack | Valley | StackColumns = body
        self.level = level
        self.is_made_up = is_made_up
        self.about = ""
        self.title = ""
        self.share = ""
        self.value = 0.0
        self.count = 1
        self.closed_width = NARROWEST
        self.title_width = 0
        self.is_open = False
        self.lanes: list[Lane] = []
        self.routes: list[Route] = []
        self.tracks = 0
        self.places: Sequence[int] = ()
        self.up: Box | None = None


class Stack(Placed):
    """Parts one below the other.

    Attributes:
        items: from the first to the last.
        links: as :class:`cnncalc.drawing.tree.Series` has them.
        labels: the shape that is written below each item, or nothing.
        tops: where each item begins, from the stack's own beginning.
    """

    __slots__ = ("items", "labels", "links", "tops")

    def __init__(self, items: list[PicturePart], links: list[bool], labels: list[str]) -> None:
        super().__init__()
        self.items = items
        self.links = links
        self.labels = labels
        self.tops: list[int] = []


class Fork(Placed):
    """Stacks side by side.

    Attributes:
        branches: from left to right.
        passes: whether a line leads past them, at ``lane``, into the side of ``joint`` where there is one.
        is_trunk: whether that line is all that comes in, or all that goes on: the branches stand at its side.
    """

    __slots__ = ("branches", "is_trunk", "joint", "lane", "lefts", "passes", "tops")

    def __init__(self, branches: list[Stack], passes: bool) -> None:
        super().__init__()
        self.branches = branches
        self.passes = passes
        ends = [(branch.reads, branch.feeds) for branch in branches]
        self.is_trunk = passes and (not any(feeds for _, feeds in ends) or not any(reads for reads, _ in ends))
        self.joint: Card | None = None
        self.lane = 0
        self.lefts: list[int] = []
        self.tops: list[int] = []


class ValleyLevel(NamedTuple):
    """One level of a valley: the way down, what lies across it, and the way up.

    ``lanes`` are the lines across where they end inside the way up; else there is one, to its first item.
    """

    down: Stack
    across: Card | None
    up: Stack
    lanes: Sequence[Lane] = ()


class Valley(Placed):
    """A U-shaped network: its steps from the top to the bottom, and what lies at the bottom."""

    __slots__ = ("bottom", "bottoms", "left", "right", "steps")

    def __init__(self, steps: list[ValleyLevel], bottom: Stack) -> None:
        super().__init__()
        self.steps = steps
        self.bottom = bottom
        self.left = self.right = 0
        self.bottoms: list[int] = []


class StackColumns(Placed):
    """A long stack in columns from left to right; ``returns`` where a line leads back from the last to the axis."""

    __slots__ = ("lefts", "returns", "stacks")

    def __init__(self, stacks: list[Stack], returns: bool) -> None:
        super().__init__()
        self.stacks = stacks
        self.returns = returns
        self.lefts: list[int] = []


PicturePart: TypeAlias = Card | Box | Stack | Fork | Valley | StackColumns
