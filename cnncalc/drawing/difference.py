"""Two networks side by side, aligned like the layers in ``compare``; equal parts are pale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.drawing.arrange import arrange
from cnncalc.drawing.describe import Describer
from cnncalc.drawing.geometry import beside, gap, set_levels, set_routes, size
from cnncalc.drawing.lanes import lane_lines
from cnncalc.drawing.measures import LayerFigure, measure
from cnncalc.drawing.parts import Box, Card, PicturePart, Stack
from cnncalc.drawing.picture import BORDER, HEADING, MOST_BOXES, Picture
from cnncalc.drawing.placing import Label, Placing
from cnncalc.drawing.valley import valley_of, visible, walked
from cnncalc.figures.summary import Row, Summary
from cnncalc.graph import Graph, Node
from cnncalc.ground.numbers import counted, short
from cnncalc.layers.shapes import crossed
from cnncalc.studies.compare.diff import ADDED, CHANGED, REMOVED, SAME, LayerDiff

BETWEEN, CAPTION = 56, 22
"""Between the two networks, and above each for its name."""

DEEPEST = 12


class Side(NamedTuple):
    """One of two networks: its label, its graph and its figures."""

    name: str
    graph: Graph
    summary: Summary


def difference(a: Side, b: Side, changes: Sequence[LayerDiff]) -> Picture:
    """Return the picture of two networks; ``changes`` are their aligned layers."""
    kept = [_measured(side) for side in (a, b)]
    left = _described(a, kept[0], [(one.a, one) for one in changes if one.a is not None], b.name)
    right = _described(b, kept[1], [(one.b, one) for one in changes if one.b is not None], a.name)
    for depth in range(DEEPEST, 0, -1):
        shown = max(_open(root, depth) for root in (left, right))
        if shown <= MOST_BOXES:
            break
    height = _as_valleys(left, right) or _as_stacks(left, right, changes)
    placing = Placing()
    x, y = BORDER, BORDER + HEADING + CAPTION
    for side, root in ((a, left), (b, right)):
        placing.place(root.body, x, y)
        placing.texts.append(Label(x, y - 8, f"{side.name}: {_totals(side.summary)}"))
        root.x, root.y = x, y
        root.width = max(root.body.width + beside(root), 260)
        x += root.width + BETWEEN
    placing.lines.extend(lane_lines(placing, [left, right]))
    values = [part.value for part in placing.parts if isinstance(part, Card) or not part.is_open]
    width = max(x - BETWEEN + BORDER, 560)
    about = "pale: the same · outlined: changed, or only on one side · bars: MACs, on one scale"
    return Picture(left, placing, width, height + HEADING + CAPTION + 2 * BORDER, (f"{a.name} and {b.name}", about),
                   kept[0], max(values, default=0.0))  # fmt: skip


def _measured(side: Side) -> LayerFigure:
    found = measure(side.graph, "macs", side.summary.batch, side.summary.dtype)
    return found._replace(values=[row.macs for row in side.summary.rows], total=side.summary.totals.macs)


def _totals(summary: Summary) -> str:
    totals = summary.totals
    layers, params = counted(totals.layers, "layer"), counted(totals.params, "param", True)
    return f"{layers} · {params} · {short(totals.macs)} {summary.figure}"


# --- what has become of each part ----------------------------------------------------------------------------


def _described(side: Side, by: LayerFigure, lined: Sequence[tuple[Row, LayerDiff]], other: str) -> Box:
    """Return a network as parts, each with its mark and its remark."""
    found = {row.index: change for row, change in lined}

    def remark(nodes: Sequence[Node]) -> str:
        return remark_on([found[node.index] for node in nodes], other)

    root = Describer(by, remark).box([arrange(side.graph)], 0)
    root.is_open = True
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
    pairs = [(one.a, one.b) for one in changes if one.a is not None and one.b is not None]
    for figure, word in (("macs", "MACs"), ("params", "params")):
        was, now = sum([getattr(a, figure) for a, _ in pairs]), sum([getattr(b, figure) for _, b in pairs])
        if was != now:
            return f"{short(was)} → {short(now)} {word}"
    for a, b in pairs:
        if a.output_shape != b.output_shape:
            return f"{_dims(a)} → {_dims(b)}"
        if a.label != b.label:
            return f"{a.type} {a.label} → {b.label}"
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


def _as_valleys(left: Box, right: Box) -> int:
    """Draw both networks as a U, the steps of one beside the other's; return their height, 0 where they are none."""
    valleys = [valley_of(root) for root in (left, right)]
    steps = [valley.steps for valley in valleys if valley is not None]
    if len(steps) < 2 or len(steps[0]) != len(steps[1]):
        return 0
    for root, valley in zip((left, right), valleys, strict=True):
        if valley is not None:
            root.body = valley
            size(valley)
            set_routes(root)
    levels = [max(part.height for one in pair for part in (one.down, one.up)) for pair in zip(*steps, strict=True)]
    for valley in valleys:
        if valley is not None:
            set_levels(valley, levels)
    return max(left.body.height, right.body.height)


def _as_stacks(left: Box, right: Box, changes: Sequence[LayerDiff]) -> int:
    """Draw both networks from top to bottom, what stands for each other side by side; return their height."""
    for root in (left, right):
        size(root.body)
        set_routes(root)
    pairs = {one.a.index: one.b.index for one in changes if one.a is not None and one.b is not None}
    return _line_up(left.body, right.body, pairs)


def _line_up(left: PicturePart, right: PicturePart, pairs: dict[int, int]) -> int:
    """Give paired items the same height on both sides; return the total height."""
    assert isinstance(left, Stack)
    assert isinstance(right, Stack)
    partners = _partners(left, right, pairs)
    tops: tuple[list[int], list[int]] = ([], [])
    ends = [0, 0]
    stacks = (left, right)
    place = [0, 0]

    def put(side: int, top: int) -> None:
        stack, number = stacks[side], place[side]
        tops[side].append(top)
        item = stack.items[number]
        place[side] += 1
        ends[side] = top + item.height
        if number + 1 < len(stack.items):
            ends[side] += gap(item, stack.items[number + 1], stack.labels[number])

    for here, there in [*partners, (len(left.items), len(right.items))]:
        while place[0] < here:
            put(0, ends[0])
        while place[1] < there:
            put(1, ends[1])
        if here < len(left.items):
            level = max(ends)
            put(0, level)
            put(1, level)
    for stack, found, end in zip(stacks, tops, ends, strict=True):
        stack.tops, stack.height = found, end
    return max(ends)


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
