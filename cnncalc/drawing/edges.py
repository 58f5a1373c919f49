"""The lines of a picture as pairs of visible parts, for formats that place boxes themselves."""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.drawing.geometry import shown
from cnncalc.drawing.parts import Box, Card, Fork, PicturePart, Stack, is_visible, walked

Visible = Card | Box


class Edge(NamedTuple):
    """A line from one card or closed box to another.

    Attributes:
        source, target: its ends.
        is_skip: whether it passes other parts.
        shape: the shape beside it, if the shape changes.
    """

    source: Visible
    target: Visible
    is_skip: bool
    shape: str


Edges = dict[tuple[Visible, Visible], Edge]

OpenLine = tuple[Visible, bool, str]
"""A line without a target yet: the other attributes of an :class:`Edge`."""


def seen_edges(root: Box) -> list[Edge]:
    """Return the lines between the visible parts of a network, each once.

    Equal parts are drawn once, with the line into the first and out of the last.
    """
    found: Edges = {}
    _walk(root.body, [], found)
    for box in walked(root, lambda part: not is_visible(part)):
        for lane in box.lanes if isinstance(box, Box) and box.is_open else ():
            source, target = shown(lane.source), shown(lane.target)
            if source is not target:
                found.setdefault((source, target), Edge(source, target, True, ""))
    return [*found.values()]


def _walk(part: PicturePart, incoming: list[OpenLine], found: Edges) -> list[OpenLine]:
    """Collect the lines of a part into which some lead, and return those that lead out of it."""
    if is_visible(part):
        for source, is_skip, shape in incoming if part.reads else ():
            found.setdefault((source, part), Edge(source, part, is_skip, shape))
        return [(part, False, "")] if part.feeds else []
    if isinstance(part, Box):
        return _walk(part.body, incoming, found)
    if isinstance(part, Fork):
        outgoing = [line for branch in part.branches for line in _walk(branch, incoming, found)]
        passing = incoming if part.passes else []
        return outgoing + [(source, not part.is_trunk, shape) for source, _, shape in passing]
    assert isinstance(part, Stack)
    for item, link, label in zip(part.items, part.links, part.labels, strict=False):
        incoming = _walk(item, incoming if link else [], found)
        incoming = [(source, is_skip, shape or label) for source, is_skip, shape in incoming]
    return incoming if part.links[-1] else []
