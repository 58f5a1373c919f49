"""A network as a Mermaid flowchart that GitHub draws: the deepest level that its limits allow.

GitHub refuses diagrams of more than 500 edges or 50,000 characters (Mermaid's ``maxEdges`` and ``maxTextSize``, which a
diagram can't set).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cnncalc.drawing.colours import COLOURS, FRAME_LINE, INK
from cnncalc.drawing.geometry import shown
from cnncalc.drawing.parts import Box, Card, Fork, PicturePart, Stack, inner, is_visible, visible, walked
from cnncalc.drawing.picture import open_to
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.numbers import counted
from cnncalc.ground.terminal_safe import printable

MOST_EDGES, MOST_CHARACTERS = 480, 45_000
LONGEST_LABEL = 120
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:/+-_()%×·…→")


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


def flowchart(root: Box, depth: int | None = None) -> str:
    """Return a network as a flowchart within GitHub's limits, open to a depth of at most ``depth``.

    Raises:
        CnncalcError: if it does not fit with every block closed.
    """
    levels = max([part.level for part in walked(root.body) if isinstance(part, Box)], default=0) + 1
    edges = 0
    for level in range(levels if depth is None else min(depth, levels), 0, -1):
        open_to(root, level)
        edges = len(seen_edges(root))
        if edges > MOST_EDGES:
            continue
        text = "".join(_lines(root, note(root) if level < levels else ""))
        if len(text) <= MOST_CHARACTERS:
            return text
    raise CnncalcError(
        f"the network has {edges:,} edges with all blocks closed; GitHub draws at most 500, in 50,000 characters",
        "an SVG has no such limit, and neither has DOT",
    )


def note(root: Box) -> str:
    """Return a sentence on the closed boxes; "" if all are open."""
    closed = [part for part in visible(root) if isinstance(part, Box)]
    if not closed:
        return ""
    layers = sum(len(box.places) for box in closed)
    names = ", ".join([box.name for box in closed[:6]]) + (", …" if len(closed) > 6 else "")
    return f"{counted(len(closed), 'block')} with {layers:,} layers drawn closed: {names}"


def _lines(root: Box, folded: str) -> Iterator[str]:
    names: dict[Visible, str] = {}
    yield "flowchart TD\n"
    if folded:
        yield f"  %% {_comment(folded)}\n"
        yield f'  note["{_text(folded)}"]:::note\n'
    frames: list[str] = []
    yield from _part(root.body, names, frames, "  ")
    for edge in seen_edges(root):
        arrow = "-.->" if edge.is_skip else "-->"
        label = f'|"{_text(edge.shape)}"|' if edge.shape else ""
        yield f"  {names[edge.source]} {arrow}{label} {names[edge.target]}\n"
    kinds: dict[str, list[str]] = {kind: [] for kind in COLOURS}
    for part, name in names.items():
        kinds[part.kind if isinstance(part, Card) else "box"].append(name)
    for kind, (tint, border) in COLOURS.items():
        if kinds[kind] or (kind == "note" and folded):
            yield f"  classDef {kind} fill:{tint},stroke:{border},color:{INK}\n"
        if kinds[kind]:
            yield f"  class {','.join(kinds[kind])} {kind}\n"
    if frames:
        yield f"  classDef frame fill:#f5f7f9,stroke:{FRAME_LINE},color:{INK}\n  class {','.join(frames)} frame\n"


def _part(part: PicturePart, names: dict[Visible, str], frames: list[str], indent: str) -> Iterator[str]:
    if isinstance(part, Card):
        names[part] = name = f"n{len(names)}"
        yield f"{indent}{name}{_tile(part)}\n"
    elif isinstance(part, Box) and not part.is_open:
        names[part] = name = f"n{len(names)}"
        yield f'{indent}{name}["{_joined([_title(part), part.about, part.share])}"]\n'
    elif isinstance(part, Box):
        frames.append(f"s{len(frames)}")
        yield f'{indent}subgraph {frames[-1]}["{_text(_title(part))}"]\n'
        yield from _part(part.body, names, frames, indent + "  ")
        yield f"{indent}end\n"
    else:
        for within in inner(part):
            yield from _part(within, names, frames, indent)


def _title(box: Box) -> str:
    return f"{box.name} ×{box.count}" if box.count > 1 else box.name


def _tile(tile: Card) -> str:
    texts = [strip.text for strip in tile.strips]
    if tile.form == "pill":
        return f'(["{_joined(texts)}"])'
    if tile.form == "circle":
        return f'(("{_text("+" if texts[0].startswith("add") else "×")}"))'
    first = f"{texts[0]} ×{tile.count}" if tile.count > 1 else texts[0]
    return f'["{_joined([first, *texts[1:], tile.share])}"]'


def _joined(texts: list[str]) -> str:
    return "<br/>".join([_text(text) for text in texts if text])


def _text(text: str) -> str:
    """Return an untrusted text quoted for Mermaid: entities for all but plain letters."""
    text = printable(text)
    if len(text) > LONGEST_LABEL:
        text = text[:LONGEST_LABEL] + "…"
    return "".join([letter if letter in _PLAIN else f"#{ord(letter)};" for letter in text])


def _comment(text: str) -> str:
    """Return a text for a comment, which ends with its line and must not look like a directive."""
    return printable(text).replace("{", "(").replace("}", ")")


# --- edges --------------------------------------------------------------------------------------------------


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
