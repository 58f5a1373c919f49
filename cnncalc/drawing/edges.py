"""The lines of a picture as pairs of visible parts, for formats that place boxes themselves."""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.drawing.geometry import shown
from cnncalc.drawing.parts import Box, Card, Fork, PicturePart, Stack
from cnncalc.drawing.valley import walked

Visible = Card | Box


class Edge(NamedTuple):
    """A line from one tile or closed box to another.

    Attributes:
        source, target: its ends.
        is_skip: whether it passes other parts.
        shape: the shape beside it, if the shape changes.
    """

    source: Visible
    target: Visible
    is_skip: bool
    shape: str


def seen_edges(root: Box) -> list[Edge]:
    """Return the lines between the visible parts of a network, each once.

    Equal parts are drawn once, with the line into the first and out of the last.
    """
    found: dict[tuple[Visible, Visible], Edge] = {}
    _walk(root.body, [], found)
    for part in walked(root, lambda part: not isinstance(part, Box) or part.is_open):
        for lane in part.lanes if isinstance(part, Box) and part.is_open else ():
            source, target = shown(lane.source), shown(lane.target)
            if source is not target:
                found.setdefault((source, target), Edge(source, target, True, ""))
    return [*found.values()]


class _Open(NamedTuple):
    source: Visible
    is_skip: bool
    shape: str


def _walk(part: PicturePart, incoming: list[_Open], found: dict[tuple[Visible, Visible], Edge]) -> list[_Open]:
    """Collect the lines of a part into which some lead, and return those that lead out of it."""
    if isinstance(part, Card) or (isinstance(part, Box) and not part.is_open):
        if part.reads:
            for source, is_skip, shape in incoming:
                found.setdefault((source, part), Edge(source, part, is_skip, shape))
        return [_Open(part, False, "")] if part.feeds else []
    if isinstance(part, Box):
        return _walk(part.body, incoming, found)
    if isinstance(part, Fork):
        outgoing = [line for branch in part.branches for line in _walk(branch, incoming, found)]
        return outgoing + ([line._replace(is_skip=not part.is_trunk) for line in incoming] if part.passes else [])
    assert isinstance(part, Stack)
    for item, link, label in zip(part.items, part.links, part.labels, strict=False):
        incoming = _walk(item, incoming if link else [], found)
        if label:
            incoming = [line._replace(shape=line.shape or label) for line in incoming]
    return incoming if part.links[-1] else []
