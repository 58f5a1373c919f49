"""Two networks side by side, aligned like the layers in ``compare``; equal parts are pale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.drawing.arrange import arrange
from cnncalc.drawing.describe import Describer
from cnncalc.drawing.geometry import gap, lanes_width, set_levels, set_routes, size
from cnncalc.drawing.lanes import lane_lines
from cnncalc.drawing.measures import counted_macs
from cnncalc.drawing.parts import Box, Card, PicturePart, Stack, visible, walked
from cnncalc.drawing.picture import BORDER, HEADING, MOST_BOXES, Picture
from cnncalc.drawing.placing import Label, Placing
from cnncalc.drawing.valley import valley_of
from cnncalc.figures.summary import Row, Summary
from cnncalc.graph import Graph, Node
from cnncalc.ground.numbers import counted, short
from cnncalc.layers.shapes import crossed
from cnncalc.studies.compare.diff import ADDED, CHANGED, REMOVED, SAME, LayerDiff, pairs_of

BETWEEN, CAPTION = 56, 22
"""Room between the two networks, and above each for its name."""

DEEPEST = 12


class Side(NamedTuple):
    """One of two networks: its label, its graph and its figures."""

    name: str
    graph: Graph
    summary: Summary


def difference(a: Side, b: Side, changes: Sequence[LayerDiff]) -> Picture:
    """Return the picture of two networks; ``changes`` are their aligned layers."""
    left = _described(a, [(one.a, one) for one in changes if one.a is not None], b.name)
    right = _described(b, [(one.b, one) for one in changes if one.b is not None], a.name)
    for depth in range(DEEPEST, 0, -1):
        shown = max(_open(root, depth) for root in (left, right))
        if shown <= MOST_BOXES:
            break
    height = _sized(left, right, changes)
    placing = Placing()
    x, y = BORDER, BORDER + HEADING + CAPTION
    for side, root in ((a, left), (b, right)):
        placing.place(root.body, x, y)
        placing.texts.append(Label(x, y - 8, f"{side.name}: {_totals(side.summary)}"))
        root.x, root.y = x, y
        root.width = max(root.body.width + lanes_width(root), 260)
        x += root.width + BETWEEN
    placing.lines.extend(lane_lines(placing, [left, right]))
    width = max(x - BETWEEN + BORDER, 560)
    about = "pale: the same · outlined: changed, or only on one side · bars: MACs, on one scale"
    heading = (f"{a.name} and {b.name}", about)
    return Picture(left, placing, width, height + HEADING + CAPTION + 2 * BORDER, heading)


def _totals(summary: Summary) -> str:
    totals = summary.totals
    layers, params = counted(totals.layers, "layer"), counted(totals.params, "param", True)
    return f"{layers} · {params} · {short(totals.macs)} {summary.figure}"


# --- what has become of each part ----------------------------------------------------------------------------


def _described(side: Side, lined: Sequence[tuple[Row, LayerDiff]], other: str) -> Box:
    """Return a network as parts, each with its mark and its remark; ``other`` is the other network's name."""
    found = {row.index: change for row, change in lined}

    def remark(nodes: Sequence[Node]) -> str:
        return remark_on([found[node.index] for node in nodes], other)

    root = Describer(counted_macs(side.summary), remark).box([arrange(side.graph)], 0)
    for part in walked(root):
        if isinstance(part, Card | Box) and part.places:
            kinds = {found[place].change for place in part.places}
            part.mark = kinds.pop() if len(kinds) == 1 else CHANGED
    return root


def remark_on(changes: Sequence[LayerDiff], other: str) -> str:
    """Return a short remark on the change of some layers, with both figures if they differ."""
    kinds = {one.change for one in changes}
    if kinds == {SAME}:
        return ""
    if kinds <= {ADDED, REMOVED}:
        return f"not in {other}"
    pairs = pairs_of(changes)
    for figure, word in (("macs", "MACs"), ("params", "params")):
        was, now = sum([getattr(a, figure) for a, _ in pairs]), sum([getattr(b, figure) for _, b in pairs])
        if was != now:
            return f"{short(was)} → {short(now)} {word}"
    for a, b in pairs:
        if a.output_shape != b.output_shape:
            return f"{_dims(a)} → {_dims(b)}"
        if a.label != b.label:
            return f"{a.type} {a.label} → {b.label}"
        if argument := next((name for name, value in a.args.items() if b.args.get(name) != value), ""):
            return f"{argument} differs"
    alone = sum(one.a is None or one.b is None for one in changes)
    return f"{alone} of {len(changes)} layers not in {other}" if alone else "reads from elsewhere"


def _dims(row: Row) -> str:
    return crossed(row.output_shape[1:])


def _open(root: Box, depth: int) -> int:
    """Open boxes with a change, no deeper than ``depth``; return the number of visible tiles and closed boxes."""
    for part in walked(root.body):
        if isinstance(part, Box):
            part.is_open = part.mark == CHANGED and part.level < depth
    return len(list(visible(root)))


# --- side by side --------------------------------------------------------------------------------------------


def _sized(left: Box, right: Box, changes: Sequence[LayerDiff]) -> int:
    """Give all parts of two networks their sizes, and parts that stand for each other one height; return the whole's.

    The networks are drawn as a U if both are one, with equally many levels.
    """
    valleys = [valley for root in (left, right) if (valley := valley_of(root)) is not None]
    are_valleys = len(valleys) == 2 and len(valleys[0].steps) == len(valleys[1].steps)
    for place, root in enumerate((left, right)):
        root.body = valleys[place] if are_valleys else root.body
        size(root.body)
        set_routes(root)
    if are_valleys:
        steps = zip(*[valley.steps for valley in valleys], strict=True)
        levels = [max(stack.height for step in pair for stack in (step.down, step.up)) for pair in steps]
        for valley in valleys:
            set_levels(valley, levels)
        return max(valley.height for valley in valleys)
    assert isinstance(left.body, Stack)
    assert isinstance(right.body, Stack)
    return _line_up(left.body, right.body, {a.index: b.index for a, b in pairs_of(changes)})


def _line_up(left: Stack, right: Stack, pairs: dict[int, int]) -> int:
    """Give paired items of two stacks the same top, and the stacks the same height, which is returned."""
    stacks, tops = (left, right), ([0], [0])  # the last top is that of the item to come, or where the stack ends
    for ends in [*_partners(left, right, pairs), (len(left.items), len(right.items))]:
        for stack, found, end in zip(stacks, tops, ends, strict=True):
            while len(found) <= end:
                found.append(_below(stack, len(found) - 1, found[-1]))
        tops[0][-1] = tops[1][-1] = max(tops[0][-1], tops[1][-1])
    for stack, (*found, height) in zip(stacks, tops, strict=True):
        stack.tops, stack.height = found, height
    return left.height


def _below(stack: Stack, place: int, top: int) -> int:
    """Return where the item after one with a given top begins, or where the stack ends."""
    end = top + stack.items[place].height
    is_last = place + 1 == len(stack.items)
    return end if is_last else end + gap(stack.items[place], stack.items[place + 1], stack.labels[place])


def _partners(left: Stack, right: Stack, pairs: dict[int, int]) -> list[tuple[int, int]]:
    """Return the pairs of items, in order: those with the most paired layers."""
    owner = {place: number for number, item in enumerate(right.items) for place in _places(item)}
    found: list[tuple[int, int]] = []
    last = -1
    for number, item in enumerate(left.items):
        votes: dict[int, int] = {}
        for place in _places(item):
            partner = owner.get(pairs.get(place, -1))
            if partner is not None and partner > last:
                votes[partner] = votes.get(partner, 0) + 1
        if votes:
            last = max(votes, key=lambda partner: (votes[partner], -partner))
            found.append((number, last))
    return found


def _places(part: PicturePart) -> list[int]:
    """Return the layers of a part."""
    found = walked(part, lambda one: not isinstance(one, Box))
    return [place for one in found if isinstance(one, Card | Box) for place in one.places]
