"""A network as parts with places: how deep, in how many columns, and whether as a U."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.drawing.arrange import arrange, two_sides
from cnncalc.drawing.columns import FITS, MOST_COLUMNS, ColumnSetting, apply, best_columns, excess
from cnncalc.drawing.describe import Describer
from cnncalc.drawing.geometry import beside, set_routes, size
from cnncalc.drawing.lanes import lane_lines
from cnncalc.drawing.letters import text_width
from cnncalc.drawing.measures import LayerFigure
from cnncalc.drawing.parts import Box, Card
from cnncalc.drawing.placing import Placing
from cnncalc.drawing.valley import valley_of, visible, walked
from cnncalc.figures.costs import sums
from cnncalc.graph import Graph, Node
from cnncalc.ground.numbers import counted
from cnncalc.language.expand.unfinished import Misfit

MOST_BOXES = 90
"""How many tiles and closed boxes a picture has at most where nobody says how deep it goes."""

BORDER, HEADING = 16, 40


class Picture(NamedTuple):
    """A network ready to be drawn.

    Attributes:
        root: the box of the whole network, whose own frame is not drawn.
        placing: parts, lines and texts with their places.
        width, height: of the whole picture.
        heading: title, and what stands below it.
        largest: the largest measure of a part that is drawn without its inside; bars are drawn against it.
    """

    root: Box
    placing: Placing
    width: int
    height: int
    heading: tuple[str, str]
    measure: LayerFigure
    largest: float


class Choice(NamedTuple):
    """What of a network is drawn, and how.

    Attributes:
        depth: boxes within boxes that are open; None for as many as stay readable.
        columns: side by side; None for what suits a page.
        nodes: the layers to draw; None for all.
        misfits: the layers that could not be added.
    """

    depth: int | None = None
    columns: int | None = None
    nodes: Sequence[Node] | None = None
    misfits: Sequence[Misfit] = ()


def picture(graph: Graph, measure: LayerFigure, choice: Choice) -> Picture:
    """Return a network's picture."""
    root = describe(graph, measure, choice)
    depth = choice.depth
    if depth is None:
        depth = suitable_depth(root, text_width(heading_of(graph, measure, choice)[1], 10))
    open_to(root, depth)
    return placed(root, graph, measure, choice)


def describe(graph: Graph, measure: LayerFigure, choice: Choice) -> Box:
    """Return a network as parts without places, the outermost box open."""
    tree = arrange(graph, choice.nodes, choice.misfits)
    root = Describer(measure).box([tree], 0)
    sides = two_sides(tree)
    if sides:  # an encoder and a decoder are a U, if anything
        unfolded = Describer(measure).box([arrange(graph, choice.nodes, choice.misfits, sides)], 0)
        root = unfolded if valley_of(unfolded) else root
    root.is_open = True
    return root


def placed(root: Box, graph: Graph, measure: LayerFigure, choice: Choice) -> Picture:
    """Give the parts of a network their places."""
    heading = heading_of(graph, measure, choice)
    apply(root, _setting(root, text_width(heading[1], 10), choice.columns))
    placing = Placing()
    placing.place(root.body, BORDER, BORDER + HEADING)
    root.x, root.y, root.width, root.height = (
        BORDER, BORDER + HEADING, root.body.width + beside(root), root.body.height
    )  # fmt: skip
    placing.lines.extend(lane_lines(placing, [root]))
    texts = max([text.x + text_width(text.text, 9) for text in placing.texts], default=0)
    width = max(root.width + 2 * BORDER, texts + BORDER, text_width(heading[1], 10) + 2 * BORDER)
    height = root.height + HEADING + 2 * BORDER
    largest = max([part.value for part in placing.parts if isinstance(part, Card) or not part.is_open], default=0.0)
    return Picture(root, placing, width, height, heading, measure, largest)


def heading_of(graph: Graph, measure: LayerFigure, choice: Choice) -> tuple[str, str]:
    """Return a picture's title and what stands below it."""
    found = sums(graph.nodes if choice.nodes is None else choice.nodes)
    layers = counted(found.layers, "layer")
    if choice.nodes is not None:
        layers += f" of {len(graph.nodes):,}"
    bars = f"bars: share of {measure.title}"
    return (
        graph.title,
        f"{layers} · {counted(found.params, 'param', True)} · {counted(found.macs, 'MAC', True)} · {bars}",
    )


# --- depth ---------------------------------------------------------------------------------------------------


def open_to(box: Box, depth: int) -> None:
    """Open the boxes around which there are fewer than ``depth`` boxes."""
    for part in walked(box.body):
        if isinstance(part, Box):
            part.is_open = part.level < depth


def suitable_depth(root: Box, heading: int, boxes: int = MOST_BOXES) -> int:
    """Return how deep a picture can go that fits a page, with no more tiles and closed boxes than are read at ease."""
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
    """Size a network and return how its inside is drawn best, if it is no U."""
    stack = root.body
    valley = valley_of(root) if columns is None else None
    root.body = valley or stack
    size(root.body)
    set_routes(root)
    if valley is not None:
        found = ColumnSetting(root, valley, excess(root, heading))
        root.body = stack
        return found
    ways = [columns] if columns else [1] if root.lanes else range(1, MOST_COLUMNS + 1)
    return best_columns(root, ways, heading)
