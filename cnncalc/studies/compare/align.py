"""Align two lists of layers as ``git diff`` aligns files: as many as possible are the same or have the same name.

Needleman and Wunsch 1970, "A general method applicable to the search for similarities in the amino acid sequence
of two proteins", J. Mol. Biol. 48(3).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

MAX_CELLS = 4_000_000
"""Largest product of two lengths for which the best alignment is searched; a few million take 1 s."""

_SAME, _NAME, _ALIKE, _TYPE = 3_000_000, 2_000_000, 1_000, 1
"""Scores of pairs. A layer inserted before numbered ones changes the numbers in all names after it, so an equal layer
must count more than an equal name; but in a network twice as wide a few layers are equal by chance, so not much more.
"""


class Line(NamedTuple):
    """One item: equal ``key`` means unchanged, equal ``type`` means that one may be the changed form of the other.

    That is more likely if ``alike`` is equal, too.
    """

    key: Hashable
    type: str
    name: str
    alike: Hashable = None


AlignedPair = tuple["int | None", "int | None"]


def align(a: Sequence[Line], b: Sequence[Line]) -> Iterator[AlignedPair]:
    """Return pairs of indices in order: (i, j) for matching items, else (i, None) or (None, j).

    An equal partner counts three, an equal name two; then one that is alike, then an equal type decide. Removed items
    come before added ones.
    """
    start = _equal_begin(a, b)
    end = _equal_begin(a[start:][::-1], b[start:][::-1])
    yield from ((index, index) for index in range(start))
    for i, j in _inner(a[start : len(a) - end], b[start : len(b) - end]):
        yield (None if i is None else start + i), (None if j is None else start + j)
    yield from ((len(a) - k, len(b) - k) for k in range(end, 0, -1))


def _equal_begin(a: Sequence[Line], b: Sequence[Line]) -> int:
    """Return the number of equal items at the beginning; names must be equal, too, if a search follows."""
    by_name = len(a) * len(b) <= MAX_CELLS
    for index, (left, right) in enumerate(zip(a, b, strict=False)):
        if left.key != right.key or (by_name and left.name != right.name):
            return index
    return min(len(a), len(b))


def _inner(a: Sequence[Line], b: Sequence[Line]) -> list[AlignedPair]:
    """Return the best alignment; no pairs if there are too many items."""
    if len(a) * len(b) > MAX_CELLS:
        return [*((i, None) for i in range(len(a))), *((None, j) for j in range(len(b)))]
    best = _best(a, b)
    found: list[AlignedPair] = []
    i = j = 0
    while i < len(a) and j < len(b):
        pair = _worth(a[i], b[j])
        if pair and best[i][j] == pair + best[i + 1][j + 1]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            found.append((i, None))
            i += 1
        else:
            found.append((None, j))
            j += 1
    return [*found, *((k, None) for k in range(i, len(a))), *((None, k) for k in range(j, len(b)))]


def _best(a: Sequence[Line], b: Sequence[Line]) -> list[list[int]]:
    """Return the score of the best alignment of ``a[i:]`` and ``b[j:]``, for every i and j."""
    places: dict[str, list[tuple[int, Hashable, str, Hashable]]] = {}
    for j, right in enumerate(b):
        places.setdefault(right.type, []).append((j, right.key, right.name, right.alike))
    rows = [[0] * (len(b) + 1)]
    for left in reversed(a):
        left_key, left_name, left_alike, below = left.key, left.name, left.alike, rows[-1]
        paired = below[:]
        for j, key, name, alike in places.get(left.type, ()):  # _worth inlined: this runs a million times
            worth = below[j + 1] + _TYPE
            if key == left_key:
                worth += _SAME
            if name == left_name:
                worth += _NAME
            if alike == left_alike:
                worth += _ALIKE
            if worth > paired[j]:
                paired[j] = worth
        rows.append([*accumulate(reversed(paired), max)][::-1])  # an item of b may be unpaired
    return rows[::-1]


def _worth(left: Line, right: Line) -> int:
    """Return the score of pairing two items; 0 where they can't be paired."""
    if left.type != right.type:
        return 0
    found = _SAME * (left.key == right.key) + _NAME * (left.name == right.name)
    return found + _ALIKE * (left.alike == right.alike) + _TYPE
