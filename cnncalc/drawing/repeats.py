"""Equal parts behind each other, put together so that one of them is drawn; and very long series in groups."""

from __future__ import annotations

from collections.abc import Hashable
from math import isqrt

from cnncalc.drawing.atoms import Atom
from cnncalc.drawing.tree import FoldedParts, Parallel, Series, TreePart, TreeScope

LONGEST_PERIOD = 12
LEAST_SAVED = 3
"""How many boxes a fold of cards or of several parts must spare; a second scope like the first is always folded."""

LONGEST_SERIES = 150
"""Parts of a series beyond which they are put into groups."""


def fold(root: TreeScope) -> None:
    """Fold what repeats in a tree, from the inside out, and group what is too long."""
    _Folding().scope(root)


class _Folding:
    """Numbers for what looks alike: the same layers with the same arguments, wired alike, on maps of one size.

    Channels that come in may differ: the layers of a dense block are a repeat.
    """

    def __init__(self) -> None:
        self.numbers: dict[Hashable, int] = {}

    def scope(self, scope: TreeScope) -> int:
        """Fold the inside of a scope and return its number."""
        inside = self.series(scope.body, scope)
        lanes = id(scope) if scope.lanes else 0
        return self._number("scope", scope.name.rstrip("0123456789"), inside, lanes)

    def series(self, series: Series, around: TreeScope) -> int:
        """Fold a series in place and return the number of what it was."""
        signs = [self._sign(item, around) for item in series.items]
        number = self._number("series", tuple(signs), tuple(series.links))
        _Runs(series, signs, around).fold()
        _group(series, around)
        return number

    def _sign(self, element: TreePart, around: TreeScope) -> int:
        if isinstance(element, Atom):
            return self._atom(element)
        if isinstance(element, TreeScope):
            return self.scope(element)
        if isinstance(element, Parallel):
            branches = tuple([self.series(branch, around) for branch in element.branches])
            return self._number("parallel", branches, element.passes)
        raise TypeError(f"folded twice: {element!r}")

    def _atom(self, atom: Atom) -> int:
        if atom.kind != "card" or any(wire.is_lane for wire in (*atom.before, *atom.after)):
            return self._number("only", id(atom))
        layers = [(node.layer.key(), node.shape[1:], node.shares is None, node.times) for node in atom.nodes]
        return self._number("card", tuple(layers), tuple([wire.count for wire in atom.before]))

    def _number(self, *what: Hashable) -> int:
        return self.numbers.setdefault(what, len(self.numbers))


class _Runs:
    """The repeats of one series."""

    def __init__(self, series: Series, signs: list[int], around: TreeScope) -> None:
        self.series = series
        self.items = series.items
        self.signs = signs
        self.around = around
        count = len(signs)
        self.equal = {}
        for period in range(1, min(LONGEST_PERIOD, count // 2) + 1):
            ahead = [0] * (count + 1)
            for at in range(count - period - 1, -1, -1):
                if signs[at] == signs[at + period] and series.links[at + period]:
                    ahead[at] = ahead[at + 1] + 1
            self.equal[period] = ahead

    def fold(self) -> None:
        """Put the repeats of the series together, the longest first from the top."""
        items: list[TreePart] = []
        links = [self.series.links[0]]
        at = 0
        while at < len(self.items):
            start, period, count = self._best(at)
            for number in range(at, start):
                items.append(self.items[number])
                links.append(self.series.links[number + 1])
            if count < 2:
                at = start
                continue
            items.append(FoldedParts(self._copies(start, period, count)))
            at = start + period * count
            links.append(self.series.links[at])
        self.series.items, self.series.links = items, links

    def _best(self, at: int) -> tuple[int, int, int]:
        """Return where the next repeat starts, how long a copy is and how many there are; one, if none is here."""
        best, saved = (at + 1, 1, 1), 0
        for period, ahead in self.equal.items():
            reach = ahead[at] + period
            count = reach // period
            spared = period * (count - 1)
            if count < 2 or spared <= saved or not self._is_worth(at, period, spared):
                continue
            best, saved = (at + self._turn(at, period, reach, count), period, count), spared
        return best

    def _turn(self, at: int, period: int, reach: int, count: int) -> int:
        """Return how many items to skip so that the copies begin with branches, where no copy is lost by that."""
        for skipped in range(min(period, reach - period * count + 1)):
            if isinstance(self.items[at + skipped], Parallel):
                return skipped
        return 0

    def _is_worth(self, at: int, period: int, spared: int) -> bool:
        first = self.items[at]
        if period == 1 and not isinstance(first, Atom | TreeScope):
            return False
        return spared >= LEAST_SAVED or (period == 1 and isinstance(first, TreeScope))

    def _copies(self, start: int, period: int, count: int) -> list[TreeScope] | list[Atom]:
        if period == 1:
            parts = self.items[start : start + count]
            atoms = [part for part in parts if isinstance(part, Atom)]
            return atoms or [part for part in parts if isinstance(part, TreeScope)]
        return [
            _made_up(self.series, start + number * period, start + (number + 1) * period, self.around)
            for number in range(count)
        ]


def _made_up(series: Series, start: int, end: int, around: TreeScope) -> TreeScope:
    """Return some items of a series as a scope of their own, named after its first and its last layer."""
    scope = TreeScope("", "", around, is_made_up=True)
    scope.body = Series(series.items[start:end], series.links[start : end + 1])
    first, last = _edge_name(scope.body.items[0], 0), _edge_name(scope.body.items[-1], -1)
    scope.name = first if first == last else f"{first} … {last}"
    return scope


def _edge_name(element: TreePart, side: int) -> str:
    """Return the short name of a part's first or last atom or scope."""
    while not isinstance(element, Atom | TreeScope) or (isinstance(element, TreeScope) and element.is_made_up):
        if isinstance(element, TreeScope):
            element = element.body
        elif isinstance(element, Parallel):
            element = element.branches[side]
        elif isinstance(element, FoldedParts):
            element = element.copies[side]
        else:
            element = element.items[side]
    return element.name.rpartition(".")[2] if isinstance(element, Atom) else element.name


def _group(series: Series, around: TreeScope) -> None:
    """Put the items of a very long series into groups of equal size."""
    count = len(series.items)
    if count <= LONGEST_SERIES:
        return
    size = isqrt(count - 1) + 1
    starts = [*range(0, count, size)]
    links = [series.links[0], *(series.links[min(start + size, count)] for start in starts)]
    series.items = [_made_up(series, start, min(start + size, count), around) for start in starts]
    series.links = links
