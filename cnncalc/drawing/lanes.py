"""The lines beside the tree: out of the side of a card, around other cards, along a track, and into a card's side.

The page's script does the same; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

from cnncalc.drawing.geometry import TRACK, shown
from cnncalc.drawing.letters import text_width
from cnncalc.drawing.parts import Box, Card, Valley, is_visible
from cnncalc.drawing.placing import XY, Placing, Polyline

CLEAR, APART = 3, 4
"""Least distances of a line from a card, and from a line of another card."""

TURNS = (10, 6, 14)
"""Distances from a card at which a line may turn; the first one also before the next card."""

ABOVE, BELOW = (10, 14), (6, 10, 14)
"""Distances at which a line may pass above and below others; nearer above, it would touch the heads of arrows."""

FAR = 480
"""Distance up and down within which a way around others is looked for."""

CELL = 64
"""Height of the strips by which obstacles are found."""

MOST_LOOKED_AT = 25_000
"""Obstacles of the fullest strip, counted for each end of a line, up to which ways around them are looked for."""


class Obstacle(NamedTuple):
    """A rectangle that lines go around, except those that leave or reach its ``part``."""

    left: int
    top: int
    right: int
    bottom: int
    part: Card | Box | None

    def meets(self, left: int, right: int, top: int, bottom: int) -> bool:
        """Whether a piece of a line comes too near."""
        across = self.left - CLEAR < right and self.right + CLEAR > left
        return across and self.top - CLEAR < bottom and self.bottom + CLEAR > top


class StraightPiece(NamedTuple):
    """A straight piece of a line: at a height ``at`` from left to right, or at an ``at`` across from top to bottom."""

    at: int
    start: int
    end: int
    part: Card | Box | None


class LaneRouter:
    """The obstacles: cards, closed boxes and texts, and the lines drawn so far."""

    def __init__(self, placing: Placing) -> None:
        self.blocks: dict[int, list[Obstacle]] = {}
        self.level: dict[int, list[StraightPiece]] = {}
        self.upright: dict[int, list[StraightPiece]] = {}
        seen = [part for part in placing.parts if is_visible(part)]
        found = [Obstacle(part.x, part.y, part.x + part.width, part.y + part.height, part) for part in seen]
        for text in placing.texts:
            found.append(Obstacle(text.x, text.y - 8, text.x + text_width(text.text, 9), text.y + 2, None))
        for block in found:
            for cell in range((block.top - CLEAR) // CELL, (block.bottom + CLEAR) // CELL + 1):
                self.blocks.setdefault(cell, []).append(block)
        self.widest = max(map(len, self.blocks.values()), default=0)
        self.left = MOST_LOOKED_AT
        for line in placing.lines:
            self._lay(line.points, None)

    def _lay(self, points: list[XY], part: Card | Box | None) -> None:
        """Record the place of a line that leaves or reaches a part."""
        for (x, y), (then_x, then_y) in pairwise(points):
            if y == then_y:
                self.level.setdefault(y // CELL, []).append(StraightPiece(y, min(x, then_x), max(x, then_x), part))
            else:
                self.upright.setdefault(x // CELL, []).append(StraightPiece(x, min(y, then_y), max(y, then_y), part))

    def way(self, part: Card | Box, x: int, arrives: bool) -> list[XY]:
        """Return the corners of a line from the side of a part to ``x``, around obstacles, and record its place.

        If it can't be alone, it overlaps another line; if there is no way, or looking for one takes too long, it runs
        straight, behind the obstacles.
        """
        side = part.x + part.width if x > part.x else part.x
        heights = _heights(part, arrives)
        points = [(side, heights[0]), (x, heights[0])]
        self.left -= self.widest
        if self.left >= 0:
            ways = chain(self._ways(part, side, x, heights, True), self._ways(part, side, x, heights, False))
            points = next(ways, points)
        self._lay(points, part)
        return points

    def _ways(self, part: Card | Box, side: int, x: int, heights: list[int], alone: bool) -> Iterator[list[XY]]:
        """Yield the ways that are free, the straight ones first, then those that lead around the least."""
        for y in heights:
            if self._is_level_free(y, side, x, part, alone):
                yield [(side, y), (x, y)]
        for y in heights:
            for turn in self._turns(y, side, x, part):
                if not self._is_level_free(y, side, turn, part, alone):
                    continue
                for other in self._gaps(y, turn, x):
                    is_free = self._is_level_free(other, turn, x, part, alone)
                    if is_free and self._is_upright_free(turn, y, other, part, alone):
                        yield [(side, y), (turn, y), (turn, other), (x, other)]

    def _turns(self, y: int, side: int, x: int, part: Card | Box) -> list[int]:
        """Return the places where a line that leaves a part may turn: near it, or just before the first obstacle."""
        blocks = self._in_the_way(part, min(side, x), max(side, x), y, y)
        if x > side:
            first = min([x, *(block.left for block in blocks)])
            return [*(side + distance for distance in TURNS), first - TURNS[0]]
        first = max([x, *(block.right for block in blocks)])
        return [*(side - distance for distance in TURNS), first + TURNS[0]]

    def _gaps(self, y: int, start: int, end: int) -> list[int]:
        """Return the heights just above and below the obstacles between two places, the nearest first."""
        low, high = min(start, end), max(start, end)
        found = set[int]()
        for cell in range((y - FAR) // CELL, (y + FAR) // CELL + 1):
            for block in self.blocks.get(cell, ()):
                if block.left < high and block.right > low:
                    found.update([block.top - distance for distance in ABOVE])
                    found.update([block.bottom + distance for distance in BELOW])
        return sorted(found, key=lambda other: (abs(other - y), other))

    def _in_the_way(self, part: Card | Box, left: int, right: int, top: int, bottom: int) -> Iterator[Obstacle]:
        """Yield the obstacles, beside the part itself, that a straight piece of its line comes too near."""
        for cell in range(top // CELL, bottom // CELL + 1):
            for block in self.blocks.get(cell, ()):
                if block.part is not part and block.meets(left, right, top, bottom):
                    yield block

    def _is_level_free(self, y: int, start: int, end: int, part: Card | Box, alone: bool) -> bool:
        low, high = min(start, end), max(start, end)
        blocked = any(self._in_the_way(part, low, high, y, y))
        return not blocked and (not alone or _is_alone(self.level, y, low, high, part))

    def _is_upright_free(self, x: int, start: int, end: int, part: Card | Box, alone: bool) -> bool:
        low, high = min(start, end), max(start, end)
        blocked = any(self._in_the_way(part, x, x, low, high))
        return not blocked and (not alone or _is_alone(self.upright, x, low, high, part))


def _is_alone(runs: dict[int, list[StraightPiece]], at: int, low: int, high: int, part: Card | Box) -> bool:
    """Whether no other line lies along a piece."""
    for cell in range((at - APART) // CELL, (at + APART) // CELL + 1):
        for run in runs.get(cell, ()):
            if run.part is not part and abs(run.at - at) < APART and run.start < high and run.end > low:
                return False
    return True


def _heights(part: Card | Box, arrives: bool) -> list[int]:
    """Return the heights at which a line may leave the side of a part, or reach it, the best one first.

    A line leaves near the end of the part's flow, and arrives near its beginning.
    """
    middle = part.y + part.height // 2
    if isinstance(part, Card) and part.form == "circle":
        return [middle]
    upper, lower = part.y + 8, part.y + part.height - 8
    is_upper = arrives != (isinstance(part, Card) and part.is_flipped)
    return [upper, middle, lower] if is_upper else [lower, middle, upper]


def lane_lines(placing: Placing, roots: Sequence[Box]) -> list[Polyline]:
    """Return the lines beside the tree of all open boxes, those of whole networks last."""
    boxes = [*placing.beside, *roots]
    if not any(box.lanes for box in boxes):
        return []
    router = LaneRouter(placing)
    found: list[Polyline] = []
    for box in boxes:
        if isinstance(box.body, Valley):
            found.extend(_across(router, box.body))
        for source, target, track in box.routes:
            found.append(_line(router, source, target, box.x + box.width - 8 - TRACK * track))
    return found


def _across(router: LaneRouter, valley: Valley) -> Iterable[Polyline]:
    """Yield the lines across a valley, level where both ends allow it."""
    middle = valley.x + (valley.left + valley.right) // 4 * 2
    for step in valley.steps:
        for lane in step.lanes:
            source, target = shown(lane.source), shown(lane.target)
            low = max(source.y, target.y) + 8
            high = min(source.y + source.height, target.y + target.height) - 8
            if low <= high:
                y = (low + high) // 2
                yield Polyline([(source.x + source.width, y), (target.x, y)], True, True)
            else:
                yield _line(router, source, target, middle)


def _line(router: LaneRouter, source: Card | Box, target: Card | Box, x: int) -> Polyline:
    """Return a line that passes through ``x``."""
    return Polyline([*router.way(source, x, False), *router.way(target, x, True)[::-1]], True, True)
