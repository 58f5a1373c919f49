"""A network as parts with places: how deep, in how many columns, and whether as a U."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.drawing.arrange import arrange
from cnncalc.drawing.describe import Describer
from cnncalc.drawing.geometry import Placing, gap, lane_lines, size
from cnncalc.drawing.letters import text_width
from cnncalc.drawing.measures import LayerFigure
from cnncalc.drawing.parts import Box, Card, Fork, Part, Stack, StackColumns, Valley, ValleyLevel
from cnncalc.figures.costs import sums
from cnncalc.graph import Graph, Node
from cnncalc.ground.numbers import short
from cnncalc.language.expand.unfinished import Misfit

MOST_BOXES, MOST_IN_ONE = 80, 40
"""How many tiles and closed boxes a picture has where nobody says how deep it goes; a U, without columns, has fewer."""

TALLNESS = 1.1
"""Height over width that columns are chosen for."""

MOST_COLUMNS = 12
LEAST_STEPS = 2
"""Of a network that is drawn as a U."""

LEAST_WITHIN = 0.35
"""Which part of all tiles a U must hold below its highest step."""

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
    open_to(root, choice.depth if choice.depth is not None else suitable_depth(root))
    return placed(root, graph, measure, choice)


def describe(graph: Graph, measure: LayerFigure, choice: Choice) -> Box:
    """Return a network as parts without places, the outermost box open."""
    root = Describer(measure).box([arrange(graph, choice.nodes, choice.misfits)], 0)
    root.is_open = True
    return root


def placed(root: Box, graph: Graph, measure: LayerFigure, choice: Choice) -> Picture:
    """Give the parts of a network their places."""
    body = root.body
    assert isinstance(body, Stack)
    valley = valley_of(body) if choice.columns is None else None
    if valley is not None:
        root.body = valley
    else:
        size(body)
        ways = range(1, MOST_COLUMNS + 1) if choice.columns is None else [choice.columns]
        heading = text_width(heading_of(graph, measure, choice)[1], 10)
        root.body = body if root.lanes and choice.columns is None else best_columns(body, ways, heading)
    size(root.body)
    placing = Placing()
    heading_texts = heading_of(graph, measure, choice)
    placing.place(root.body, BORDER, BORDER + HEADING)
    beside = 12 * root.tracks + 8 if root.tracks else 0
    root.x, root.y, root.width, root.height = BORDER, BORDER + HEADING, root.body.width + beside, root.body.height
    placing.lines.extend(lane_lines([*placing.lanes, root]))
    texts = max([text.x + text_width(text.text, 9) for text in placing.texts], default=0)
    width = max(root.width + 2 * BORDER, texts + BORDER, text_width(heading_texts[1], 10) + 2 * BORDER)
    height = root.height + HEADING + 2 * BORDER
    largest = max([part.value for part in placing.parts if isinstance(part, Card) or not part.is_open], default=0.0)
    return Picture(root, placing, width, height, heading_texts, measure, largest)


def heading_of(graph: Graph, measure: LayerFigure, choice: Choice) -> tuple[str, str]:
    """Return a picture's title and what stands below it."""
    found = sums(graph.nodes if choice.nodes is None else choice.nodes)
    layers = f"{found.layers:,} layer{'s' * (found.layers != 1)}"
    if choice.nodes is not None:
        layers += f" of {len(graph.nodes):,}"
    bars = f"bars: share of {measure.title}"
    return graph.title, f"{layers} · {short(found.params)} params · {short(found.macs)} MACs · {bars}"


# --- depth ---------------------------------------------------------------------------------------------------


def open_to(box: Box, depth: int) -> None:
    """Open the boxes around which there are fewer than ``depth`` boxes."""
    pending: list[Part] = [box.body]
    while pending:
        part = pending.pop()
        if isinstance(part, Box):
            part.is_open = part.level < depth
        pending.extend(inner(part))


def inner(part: Part) -> Sequence[Part]:
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


def suitable_depth(root: Box, boxes: int = MOST_BOXES) -> int:
    """Return how deep a picture can go with no more tiles and closed boxes than are read at ease."""
    depth = 1
    is_whole = root.lanes or (isinstance(root.body, Stack) and valley_of(root.body))
    most = min(boxes, MOST_IN_ONE) if is_whole else boxes
    while True:
        shown, more = _count(root, depth)
        if shown > most:
            return max(depth - 1, 1)
        if not more:
            return depth
        depth += 1


def _count(root: Box, depth: int) -> tuple[int, bool]:
    """Return how many tiles and closed boxes there are at a depth, and whether any box is closed."""
    shown, more = 0, False
    pending: list[Part] = [root.body]
    while pending:
        part = pending.pop()
        if isinstance(part, Card):
            shown += 1
        elif isinstance(part, Box) and part.level >= depth:
            shown, more = shown + 1, True
        else:
            pending.extend(inner(part))
    return shown, more


# --- a U -----------------------------------------------------------------------------------------------------


def valley_of(stack: Stack) -> Valley | None:
    """Return a stack as a U, if it is one: a fork in a fork in a fork, with one tile or nothing beside each."""
    steps: list[ValleyLevel] = []
    whole = _tiles(stack)
    while True:
        step = _step(stack)
        if step is not None and not steps and _tiles(step[1]) < LEAST_WITHIN * whole:
            return None
        if step is None:
            return Valley(steps, stack) if len(steps) >= LEAST_STEPS else None
        steps.append(step[0])
        stack = step[1]


def _tiles(part: Part) -> int:
    """Return how many tiles are in a part."""
    return 1 if isinstance(part, Card) else sum(_tiles(item) for item in inner(part))


def _step(stack: Stack) -> tuple[ValleyLevel, Stack] | None:
    """Return the outermost level of a valley, and what is within it."""
    found = None
    for place, item in enumerate(stack.items):
        if isinstance(item, Fork) and 0 < place < len(stack.items) - 1:
            sides = _sides(item)
            if sides is not None and isinstance(stack.items[place + 1], Card):
                found = (place, *sides)
                if any(isinstance(part, Fork) for part in sides[1].items):
                    break
    if found is None:
        return None
    place, across, within = found
    if not any(isinstance(part, Fork) for part in within.items) and len(within.items) < 2:
        return None
    down = Stack(stack.items[:place], stack.links[: place + 1], stack.labels[:place])
    up = Stack(stack.items[place + 1 :], stack.links[place + 1 :], stack.labels[place + 1 :])
    return ValleyLevel(down, across, up), within


def _sides(fork: Fork) -> tuple[Card | None, Stack] | None:
    """Return what lies across a valley and what lies in it; None for a fork that is no valley's."""
    if fork.passes and len(fork.branches) == 1:
        return None, fork.branches[0]
    if fork.passes or len(fork.branches) != 2:
        return None
    for light, heavy in (fork.branches, fork.branches[::-1]):
        if len(light.items) == 1 and isinstance(light.items[0], Card) and len(heavy.items) > 1:
            return light.items[0], heavy
    return None


# --- columns -------------------------------------------------------------------------------------------------


def best_columns(stack: Stack, ways: Sequence[int], heading: int) -> Stack | StackColumns:
    """Return a stack in the number of columns, of those given, whose shape is nearest to a page's."""
    tried = {count: _in_columns(stack, count) for count in ways}
    best: Stack | StackColumns = stack
    least = None
    for columns in tried.values():
        size(columns)
        tall = columns.height / max(columns.width, heading)
        worth = max(tall / TALLNESS, TALLNESS / tall)
        if least is None or worth < least * 0.95:
            best, least = columns, worth
    return best


def _in_columns(stack: Stack, count: int) -> Stack | StackColumns:
    """Return a stack cut so that the highest of its columns is as low as can be."""
    low, high = max([item.height for item in stack.items], default=0), stack.height
    if count == 1 or len(stack.items) < 2:
        return stack
    while low < high:
        middle = (low + high) // 2
        if len(_cuts(stack, middle)) <= count:
            high = middle
        else:
            low = middle + 1
    starts = _cuts(stack, high)
    ends = [*starts[1:], len(stack.items)]
    return StackColumns(
        [
            Stack(stack.items[start:end], stack.links[start : end + 1], stack.labels[start:end])
            for start, end in zip(starts, ends, strict=True)
        ]
    )


def _cuts(stack: Stack, height: int) -> list[int]:
    """Return where the columns of at most a height begin."""
    starts, filled = [0], 0
    for place, item in enumerate(stack.items):
        before = gap(stack.items[place - 1], item, stack.labels[place - 1]) if place else 0
        is_joint = place > 0 and isinstance(stack.items[place - 1], Fork)  # stays with the lines that it joins
        if place and filled + before + item.height > height and not is_joint:
            starts.append(place)
            filled = item.height
        else:
            filled += before + item.height
    return starts
