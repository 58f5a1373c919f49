"""Turn items and their edges into series and branches; an edge that fits neither becomes a lane.

An item that no edge passes by is a cut. The cuts are a series; the items between two cuts form branches, each of which
is laid out in the same way (Valdes, Tarjan and Lawler 1982, "The recognition of series parallel digraphs", SIAM J.
Comput. 11(2)).  If there is no cut and only one branch, long edges are removed until there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, pairwise

from cnncalc.drawing.tree import Parallel, Series, TreePart
from cnncalc.ground.limits import MAX_DRAWN_NESTING

TOP, BOTTOM = -1, -2
"""The ends of a level, in place of items: the line that comes in, and the line that goes out."""

_ONE_BY_ONE = 4
"""Rounds in which one edge is taken out; in later ones all long edges are."""

_LONG = 0.6
"""Least length of a long edge, relative to the longest."""

_MOST_ROUNDS = 64
"""Rounds after which items are drawn one below the other."""

_MOST_VISITED = 250_000
"""Items and edges, counted in each round, after which items are drawn one below the other."""


class Branches:
    """The items of one level, numbered in a topological order, on their way to a tree.

    Attributes:
        elements: the part of the tree that stands for each item.
        feeds, reads: the items after and before each, including BOTTOM and TOP.
        detach: turns all wires between two items into lanes.
        depths: nesting of each item in scopes and branches, once it is placed.
    """

    def __init__(
        self, elements: Sequence[TreePart], edges: Iterable[tuple[int, int]], detach: Callable[[int, int], None]
    ) -> None:
        self.elements = elements
        self.detach = detach
        self.left = _MOST_VISITED
        self.depths = [0] * len(elements)
        self.feeds: list[set[int]] = [set() for _ in elements]
        self.reads: list[set[int]] = [set() for _ in elements]
        for source, target in edges:
            if source != TOP:
                self.feeds[source].add(target)
            if target != BOTTOM:
                self.reads[target].add(source)

    def series(self, depth: int) -> Series:
        """Return the whole level; ``depth`` is its own nesting."""
        return self._series(list(range(len(self.elements))), TOP, BOTTOM, depth)

    def _series(self, numbers: list[int], top: int, bottom: int, depth: int) -> Series:
        """Return connected items, between the ``top`` that they read and the ``bottom`` that they feed."""
        if depth > MAX_DRAWN_NESTING:
            return self._row(numbers, top, bottom, depth)
        for round_ in range(_MOST_ROUNDS):
            self.left -= sum([1 + len(self.reads[number]) for number in numbers])
            if self.left < 0:
                break
            cuts = self._cuts(numbers, top, bottom)
            if cuts:
                return self._between(numbers, cuts, top, bottom, depth)
            parts = self._parts(numbers)
            if len(parts) > 1:
                branches = [self._series(part, top, bottom, depth + 1) for part in parts]  # the first one stays first
                return Series([Parallel(branches, False)], [True, True])
            if not self._take_out(numbers, top, bottom, round_ < _ONE_BY_ONE):
                break
        return self._row(numbers, top, bottom, depth)

    def _cuts(self, numbers: list[int], top: int, bottom: int) -> list[int]:
        """Return the places of the items that no edge passes by."""
        count = len(numbers)
        place = {number: at for at, number in enumerate(numbers)}
        change = [0] * (count + 2)

        def past(first: int, last: int) -> None:
            if first <= last:
                change[first] += 1
                change[last + 1] -= 1

        for at, number in enumerate(numbers):
            if top in self.reads[number] or self._begins_at_top(number, place):
                past(0, at - 1)
            for target in self.feeds[number]:
                if target == bottom:
                    past(at + 1, count - 1)
                elif target in place:
                    past(at + 1, place[target] - 1)
        return [at for at, over in enumerate(accumulate(change[:count])) if not over]

    def _begins_at_top(self, number: int, place: dict[int, int]) -> bool:
        """Return whether an item that reads no other stands beside all items before it.

        An item that only feeds joints of other branches stands beside these instead.
        """
        if any(source in place for source in self.reads[number]):
            return False
        readers = [target for target in self.feeds[number] if target in place]
        return not place[number] or not readers or not all(len(self.reads[target]) > 1 for target in readers)

    def _between(self, numbers: list[int], cuts: list[int], top: int, bottom: int, depth: int) -> Series:
        """Return a series of cuts, with the branches between them."""
        items: list[TreePart] = []
        links: list[bool] = []
        ends = [(-1, top), *((at, numbers[at]) for at in cuts), (len(numbers), bottom)]
        for (at, source), (then, target) in pairwise(ends):
            group = numbers[at + 1 : then]
            passes = self._leads(source, target)
            if group:
                branches = [self._series(part, source, target, depth + 1) for part in self._parts(group)]
                items.append(Parallel(branches, passes))
            links.extend([True, True] if group else [passes])
            if then < len(numbers):
                self.depths[target] = depth
                items.append(self.elements[target])
        return Series(items, links)

    def _leads(self, source: int, target: int) -> bool:
        """Return whether an edge leads from one item, or TOP, to another, or BOTTOM."""
        if source != TOP:
            return target in self.feeds[source]
        return target != BOTTOM and TOP in self.reads[target]

    def _parts(self, numbers: Sequence[int]) -> list[list[int]]:
        """Return the connected components of some items, without the edges to other items."""
        inside = set(numbers)
        found = []
        for number in numbers:
            if number not in inside:
                continue
            inside.discard(number)
            part, pending = [], [number]
            while pending:
                here = pending.pop()
                part.append(here)
                for other in (*self.feeds[here], *self.reads[here]):
                    if other in inside:
                        inside.discard(other)
                        pending.append(other)
            found.append(sorted(part))
        return found

    # --- edges that are neither in a series nor in branches -----------------------------------------------

    def _take_out(self, numbers: list[int], top: int, bottom: int, one: bool) -> bool:
        """Turn the longest edge, or all long ones, into lanes, preferring edges whose ends keep another edge."""
        place = {number: at for at, number in enumerate(numbers)} | {top: -1, bottom: len(numbers)}
        is_only = {number: sum([target in place for target in self.feeds[number]]) < 2 for number in numbers}
        found: list[tuple[int, int, int, int]] = []  # (quality, length, source, target)
        for number in numbers:
            inner = [source for source in self.reads[number] if source in place]
            for source in inner:
                span = place[number] - place[source]
                found.append((2 * (len(inner) > 1) + (not is_only.get(source)), span, source, number))
            if bottom in self.feeds[number]:
                span = len(numbers) - place[number]
                found.append((not is_only[number], span, number, bottom))
        found = [edge for edge in found if edge[1] > 1]
        if not found:
            return False
        best = max(edge[0] for edge in found)
        longest = max(edge[1] for edge in found if edge[0] == best)
        chosen = [edge for edge in found if edge[0] == best and edge[1] >= (longest if one else _LONG * longest)]
        for _, _, source, target in chosen[:1] if one else chosen:
            self._cut_off(source, target)
        return True

    def _cut_off(self, source: int, target: int) -> None:
        if source != TOP:
            self.feeds[source].discard(target)
        if target != BOTTOM:
            self.reads[target].discard(source)
        self.detach(source, target)

    def _row(self, numbers: list[int], top: int, bottom: int, depth: int) -> Series:
        """Return items one below the other; all edges but those to the next item become lanes."""
        place = {number: at for at, number in enumerate(numbers)} | {top: -1, bottom: len(numbers)}
        for number in numbers:
            self.depths[number] = depth
            for source in [source for source in self.reads[number] if source in place]:
                if place[number] - place[source] > 1:
                    self._cut_off(source, number)
            if bottom in self.feeds[number] and place[number] + 1 < len(numbers):
                self._cut_off(number, bottom)
        ends = [top, *numbers, bottom]
        return Series(
            [self.elements[number] for number in numbers],
            [self._leads(source, target) for source, target in pairwise(ends)],
        )
