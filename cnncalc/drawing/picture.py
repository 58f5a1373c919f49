"""A network as parts with places: its depth, the number of its columns, and whether it is a U."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.drawing.arrange import arrange, two_sides
from cnncalc.drawing.columns import FITS, MOST_COLUMNS, ColumnSetting, best_columns, excess, put_inside
from cnncalc.drawing.describe import Describer
from cnncalc.drawing.geometry import lanes_width, set_routes, size
from cnncalc.drawing.lanes import lane_lines
from cnncalc.drawing.letters import text_width
from cnncalc.drawing.measures import LayerFigure
from cnncalc.drawing.parts import Box, visible, walked
from cnncalc.drawing.placing import Placing
from cnncalc.drawing.valley import valley_of
from cnncalc.figures.costs import sums
from cnncalc.graph import Graph, Node
from cnncalc.ground.numbers import counted
from cnncalc.language.expand.unfinished import Misfit

MOST_BOXES = 90
"""Most cards and closed boxes of a picture whose depth is not given."""

BORDER, HEADING = 16, 40


class Picture(NamedTuple):
    """A network ready to be drawn.

    Attributes:
        root: the box of the whole network, whose own frame is not drawn.
        placing: parts, lines and texts with their places.
        width, height: size of the whole picture.
        heading: title, and the line below it.
    """

    root: Box
    placing: Placing
    width: int
    height: int
    heading: tuple[str, str]


class Choice(NamedTuple):
    """What of a network is drawn, and how.

    Attributes:
        depth: levels of boxes that are open; None for as many as stay readable.
        columns: their number; None for what suits a page.
        nodes: the layers to draw; None for all.
        misfits: the layers that could not be added.
    """

    depth: int | None = None
    columns: int | None = None
    nodes: Sequence[Node] | None = None
    misfits: Sequence[Misfit] = ()


def picture(graph: Graph, measure: LayerFigure, choice: Choice) -> Picture:
    """Return a network's picture; ``measure`` is shown by its bars and shares."""
    root, heading = describe(graph, measure, choice), heading_of(graph, measure, choice)
    depth = choice.depth if choice.depth is not None else suitable_depth(root, text_width(heading[1], 10))
    open_to(root, depth)
    return placed(root, heading, choice.columns)


def describe(graph: Graph, measure: LayerFigure, choice: Choice) -> Box:
    """Return a network as parts without places, the outermost box open."""
    tree = arrange(graph, choice.nodes, choice.misfits)
    sides = two_sides(tree)
    if sides:  # an encoder and a decoder may be a U
        unfolded = Describer(measure).box([arrange(graph, choice.nodes, choice.misfits, sides)], 0)
        if valley_of(unfolded):
            return unfolded
    return Describer(measure).box([tree], 0)


def placed(root: Box, heading: tuple[str, str], columns: int | None) -> Picture:
    """Return the picture of a network whose boxes are open or closed; its parts get their sizes and places."""
    setting = _setting(root, text_width(heading[1], 10), columns)
    put_inside(setting.boxes, setting.body)
    placing = Placing()
    placing.place(root.body, BORDER, BORDER + HEADING)
    root.x, root.y = root.body.x, root.body.y
    root.width, root.height = root.body.width + lanes_width(root), root.body.height
    placing.lines.extend(lane_lines(placing, [root]))
    texts = max([text.x + text_width(text.text, 9) for text in placing.texts], default=0)
    width = max(root.width + 2 * BORDER, texts + BORDER, text_width(heading[1], 10) + 2 * BORDER)
    height = root.height + HEADING + 2 * BORDER
    return Picture(root, placing, width, height, heading)


def heading_of(graph: Graph, measure: LayerFigure, choice: Choice) -> tuple[str, str]:
    """Return a picture's title and the line below it."""
    found = sums(graph.nodes if choice.nodes is None else choice.nodes)
    layers = counted(found.layers, "layer") + ("" if choice.nodes is None else f" of {len(graph.nodes):,}")
    params, macs = counted(found.params, "param", True), counted(found.macs, "MAC", True)
    return graph.title, f"{layers} · {params} · {macs} · bars: share of {measure.title}"


# --- depth ---------------------------------------------------------------------------------------------------


def open_to(box: Box, depth: int) -> None:
    """Open the boxes inside a box that are in fewer than ``depth`` boxes, and close the others."""
    for part in walked(box.body):
        if isinstance(part, Box):
            part.is_open = part.level < depth


def suitable_depth(root: Box, heading: int, boxes: int = MOST_BOXES) -> int:
    """Return the largest depth, at least 1, at which a picture fits a page and has few enough visible parts.

    ``heading`` is the width of its heading.
    """
    depth = 1
    while True:
        open_to(root, depth)
        shown = list(visible(root))
        if depth > 1 and (len(shown) > boxes or _setting(root, heading, None).excess > FITS):
            return depth - 1
        if not any(isinstance(part, Box) for part in shown):
            return depth
        depth += 1


def _setting(root: Box, heading: int, columns: int | None) -> ColumnSetting:
    """Size a network, whose inside is a stack, and return the form of the inside that suits a page best."""
    stack = root.body
    valley = valley_of(root) if columns is None else None
    root.body = valley or stack
    size(root.body)
    set_routes(root)
    if valley is not None:
        found = ColumnSetting([root], valley, excess(root, heading))
        root.body = stack
        return found
    ways = [columns] if columns else [1] if root.lanes else range(1, MOST_COLUMNS + 1)
    return best_columns(root, ways, heading)
