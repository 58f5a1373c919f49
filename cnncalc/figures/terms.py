"""The parts of a receptive field: what an element sees, depending on its place on some axes."""

from __future__ import annotations

from typing import TypeAlias

from cnncalc.figures.patterns import Pattern, constant
from cnncalc.ground.named import NamedTuple

CHANNELS = 0
MISSING = -1
"""Stands among the loose axes of a term if some of its positions may be left out."""


class IndexDigit(NamedTuple):
    """A digit of the index on an axis of a tensor: ``index // unit % size``."""

    axis: int
    unit: int
    size: int


class Term(NamedTuple):
    """A part of a field: what an element sees, depending on its place on some axes.

    Attributes:
        places: the digits, the highest first, that make the position in the pattern; none: all elements see the same.
        pattern: what each position sees.
        loose: axes for which the pattern is an upper bound: it is the union over all positions, and one position may
            see less; MISSING if not even the union is known to be reached.
    """

    places: tuple[IndexDigit, ...]
    pattern: Pattern
    loose: tuple[int, ...] = ()

    @property
    def positions(self) -> int:
        """Number of positions that the pattern covers."""
        count = 1
        for place in self.places:
            count *= place.size
        return count


Terms: TypeAlias = tuple[Term, ...]


def read_whole(term: Term) -> Term:
    """Return the pattern of one element that reads all positions of the term."""
    pattern, count = term.pattern, term.positions
    growth = -(-(pattern.growth or 0) * count // len(pattern.first))
    return Term((), constant(pattern.hull(count), growth), term.loose)
