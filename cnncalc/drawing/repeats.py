"""Equal parts in a row, put together so that one of them is drawn; and very long series in groups."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from math import isqrt

from cnncalc.drawing.atoms import Atom
from cnncalc.drawing.tree import FoldedParts, Parallel, Series, TreePart, TreeScope, parts_of

LONGEST_PERIOD = 12
"""Most parts of a copy."""

LEAST_SAVED = 3
"""Boxes that a fold of cards or of several parts must spare; a second scope like the first is always folded."""

LONGEST_SERIES = 150
"""Most parts of a series that is not put into groups."""


def fold(root: TreeScope) -> None:
    """Fold the repeats of a tree, from the inside out, and group series that are too long."""
    _Folding().scope(root)


class _Folding:
    """Numbers for parts that look alike: the same layers with the same arguments, wired alike, on maps of one size.

    Input channels may differ: the layers of a dense block are a repeat.
    """

    def __init__(self) -> None:
        self.numbers: dict[Hashable, int] = {}

    def scope(self, scope: TreeScope) -> int:
        """Fold the inside of a scope and return the scope's number."""
        inside = self.series(scope.body)
        lanes = id(scope) if scope.lanes else 0
        return self._number("scope", scope.name.rstrip("0123456789"), inside, lanes)

    def series(self, series: Series) -> int:
        """Fold a series in place and return the number that it had before."""
        signs = [self._sign(item) for item in series.items]
        number = self._number("series", tuple(signs), tuple(series.links))
        _fold_runs(series, signs)
        _group(series)
        return number

    def _sign(self, element: TreePart) -> int:
        if isinstance(element, Atom):
            return self._atom(element)
        if isinstance(element, TreeScope):
            return self.scope(element)
        assert isinstance(element, Parallel)  # nothing is folded twice
        return self._number("parallel", tuple([self.series(branch) for branch in element.branches]), element.passes)

    def _atom(self, atom: Atom) -> int:
        if atom.kind != "card" or any(wire.is_lane for wire in (*atom.before, *atom.after)):
            return self._number("only", id(atom))
        layers = [(node.layer.key(), node.shape[1:], node.shares is None, node.times) for node in atom.nodes]
        return self._number("card", tuple(layers), tuple([wire.count for wire in atom.before]))

    def _number(self, *what: Hashable) -> int:
        return self.numbers.setdefault(what, len(self.numbers))


def _fold_runs(series: Series, signs: Sequence[int]) -> None:
    """Put the repeats of a series together, the longest first from the top; items of equal ``signs`` look alike."""
    equal = _equal_ahead(series, signs)
    items: list[TreePart] = []
    links = series.links[:1]
    at = 0
    while at < len(signs):
        start, period, count = _best(series.items, equal, at)
        items += series.items[at:start]
        links += series.links[at + 1 : start + 1]
        at = start
        if count > 1:
            at += period * count
            items.append(FoldedParts(_copies(series, range(start, at + 1, period))))
            links.append(series.links[at])
    series.items, series.links = items, links


def _equal_ahead(series: Series, signs: Sequence[int]) -> dict[int, list[int]]:
    """Return, for each period and place, how many items from that place on equal the items one period later."""
    count = len(signs)
    equal = {}
    for period in range(1, min(LONGEST_PERIOD, count // 2) + 1):
        equal[period] = ahead = [0] * (count + 1)
        for at in range(count - period - 1, -1, -1):
            if signs[at] == signs[at + period] and series.links[at + period]:
                ahead[at] = ahead[at + 1] + 1
    return equal


def _best(items: Sequence[TreePart], equal: Mapping[int, list[int]], at: int) -> tuple[int, int, int]:
    """Return the start of the next repeat, the items of a copy, and the number of copies; 1 if no repeat starts here.

    The copies begin with branches if no copy is lost by that.
    """
    best, saved = (at + 1, 1, 1), 0
    for period, ahead in equal.items():
        reach = ahead[at] + period
        count = reach // period
        spared = period * (count - 1)
        if count > 1 and spared > saved and _is_worth(items[at], period, spared):
            starts = range(at, at + min(period, reach - period * count + 1))
            start = next((place for place in starts if isinstance(items[place], Parallel)), at)
            best, saved = (start, period, count), spared
    return best


def _is_worth(first: TreePart, period: int, spared: int) -> bool:
    if period == 1 and not isinstance(first, Atom | TreeScope):
        return False
    return spared >= LEAST_SAVED or (period == 1 and isinstance(first, TreeScope))


def _copies(series: Series, starts: Sequence[int]) -> Sequence[TreeScope | Atom]:
    """Return the items between each two of ``starts`` as one part."""
    parts = [
        series.items[start] if end == start + 1 else _made_up(series, start, end) for start, end in pairwise(starts)
    ]
    return [part for part in parts if isinstance(part, Atom | TreeScope)]


def _made_up(series: Series, start: int, end: int) -> TreeScope:
    """Return some items of a series as a scope of their own, named after its first and its last layer."""
    body = Series(series.items[start:end], series.links[start : end + 1])
    first, last = _edge_name(body.items[0], 0), _edge_name(body.items[-1], -1)
    scope = TreeScope(first if first == last else f"{first} … {last}", "", is_made_up=True)
    scope.body = body
    return scope


def _edge_name(element: TreePart, side: int) -> str:
    """Return the short name of a part's first (side 0) or last (side -1) atom or scope."""
    while not isinstance(element, Atom | TreeScope) or (isinstance(element, TreeScope) and element.is_made_up):
        element = parts_of(element)[side]
    return element.name.rpartition(".")[2] if isinstance(element, Atom) else element.name


def _group(series: Series) -> None:
    """Put the items of a very long series into groups of equal size."""
    count = len(series.items)
    if count <= LONGEST_SERIES:
        return
    ends = [*range(0, count, isqrt(count - 1) + 1), count]
    series.items = [_made_up(series, start, end) for start, end in pairwise(ends)]
    series.links = [series.links[end] for end in ends]
