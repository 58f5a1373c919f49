"""The input positions that each position of an axis sees, as a repeating pattern.

After windows, strides and paddings position j sees from ``a + j·jump`` to ``b + j·jump``: a pattern of period 1.
Upsampling gives periods of a few positions. If a period would be longer than the axis, the axis is the period.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import gcd, lcm

from cnncalc.ground.limits import MAX_INTEGER
from cnncalc.ground.named import NamedTuple
from cnncalc.layers.reads import Ranges, Reach

NOTHING = MAX_INTEGER**4
"""The first position seen by positions that see nothing; its negative is the last one."""


class PatternBudget:
    """The number of steps left for patterns without a closed form, and the last pattern that had one.

    Axes of one map are usually seen alike, and then share their pattern.
    """

    __slots__ = ("last", "left")

    def __init__(self, left: int) -> None:
        """Start with ``left`` steps."""
        self.left = left
        self.last: tuple[Pattern, Ranges, Pattern] | None = None

    def take(self, steps: int) -> bool:
        """Spend steps, and return whether enough were left."""
        self.left -= steps
        return self.left >= 0


class Pattern(NamedTuple):
    """What the positions of an axis see.

    Attributes:
        first: the first position that each position of one period sees, or NOTHING.
        last: the last one, or -NOTHING.
        growth: offset of what the next period sees; None: there is no next period, and positions beyond see nothing.
    """

    first: tuple[int, ...]
    last: tuple[int, ...]
    growth: int | None

    def at(self, position: int) -> tuple[int, int]:
        """Return the first and the last position that a position sees."""
        turns, place = divmod(position, len(self.first))
        if self.growth is None:
            return (NOTHING, -NOTHING) if turns else (self.first[place], self.last[place])
        more = turns * self.growth
        return self.first[place] + more, self.last[place] + more

    def rises(self) -> bool:
        """Return whether every position sees something, and the ends never decrease."""
        for ends in (self.first, self.last):
            if any(a > b for a, b in pairwise(ends)):
                return False
            if self.growth is not None and ends[-1] > ends[0] + self.growth:
                return False
        return all(a <= b for a, b in zip(self.first, self.last, strict=True))

    def sizes(self, count: int) -> list[int]:
        """Return the number of positions seen by each of ``count`` positions, until they repeat."""
        ends = zip(self.first[:count], self.last[:count], strict=True)
        return [max(last - first + 1, 0) for first, last in ends]

    def hull(self, count: int) -> tuple[int, int]:
        """Return the first and the last position that ``count`` positions see together."""
        if len(self.first) == 1 and self.growth is not None:
            return self.first[0], self.last[0] + (count - 1) * self.growth
        period = len(self.first)
        return min(self.first[:count]), max(self.at(i)[1] for i in range(max(count - period, 0), count))


IDENTITY = Pattern((0,), (0,), 1)


def constant(ends: tuple[int, int], growth: int = 0) -> Pattern:
    """Return the pattern of a single position, also used for elements that all see the same."""
    return Pattern(ends[:1], ends[1:], growth)


def through(pattern: Pattern, ranges: Ranges, count: int, work: PatternBudget) -> Pattern | None:
    """Return the pattern of ``count`` positions that each read a range of this pattern's positions; None: too much
    work.
    """
    last = work.last
    if last is not None and last[0] is pattern and last[1] is ranges:
        return last[2]
    if len(pattern.first) == ranges.period == 1 and pattern.growth is not None and ranges.growth is not None:
        ends, jump = ranges.of(0), pattern.growth
        if ends is not None and jump <= MAX_INTEGER:  # beyond it, strides are larger than any input
            more = pattern.first[0] + ends[0] * jump, pattern.last[0] + ends[1] * jump
            moved = Pattern._make((more[:1], more[1:], jump * ranges.growth))
            work.last = pattern, ranges, moved
            return moved
        return None
    period, growth = _repetition(pattern, ranges, count)
    rises = pattern.rises()
    if not work.take(len(pattern.first) + period * (1 if rises else _taps(pattern, ranges))):
        return None
    seen = [_seen_through(pattern, _span(ranges, position), ranges.step, rises) for position in range(period)]
    return Pattern(tuple([ends[0] for ends in seen]), tuple([ends[1] for ends in seen]), growth)


def _repetition(pattern: Pattern, ranges: Ranges, count: int) -> tuple[int, int | None]:
    """Return the period of a pattern seen through ranges, and its growth."""
    if pattern.growth is None or ranges.growth is None:
        return count, None
    common = gcd(len(pattern.first), ranges.growth)
    period, growth = ranges.period * len(pattern.first) // common, pattern.growth * ranges.growth // common
    if period <= count:
        return period, growth
    return count, -(-growth * count // period)


def _taps(pattern: Pattern, ranges: Ranges) -> int:
    """Return the largest number of a pattern's positions that one reading position examines."""
    ends = ranges.of(0)
    return min((ends[1] - ends[0]) // ranges.step + 1, 2 * len(pattern.first)) if ends else 1


def _span(ranges: Ranges, position: int) -> Reach:
    turns, place = divmod(position, ranges.period)
    ends = ranges.of(place)
    if not turns or ends is None:
        return ends
    if ranges.growth is None:
        return None
    return ends[0] + turns * ranges.growth, ends[1] + turns * ranges.growth


def _seen_through(pattern: Pattern, span: Reach, step: int, rises: bool) -> tuple[int, int]:
    """Return the union of what the positions of a span see."""
    if span is None:
        return NOTHING, -NOTHING
    positions = range(span[0], span[1] + 1, step)
    period = len(pattern.first)
    if pattern.growth is None:  # positions outside the pattern see nothing
        below = -(-max(-span[0], 0) // step)
        beyond = -(-max(positions[-1] - period + 1, 0) // step)
        positions = positions[below : max(len(positions) - beyond, 0)]
    if not positions:
        return NOTHING, -NOTHING
    if rises:
        return pattern.at(positions[0])[0], pattern.at(positions[-1])[1]
    if pattern.growth is None:
        return min([pattern.first[i] for i in positions]), max([pattern.last[i] for i in positions])
    enough = period // gcd(
        period, step
    )  # later periods see later positions, so one period determines the first end, and one the last
    first = min([pattern.at(i)[0] for i in positions[:enough]])
    return first, max([pattern.at(i)[1] for i in positions[-enough:]])


def union(patterns: Sequence[Pattern], count: int, work: PatternBudget) -> Pattern | None:
    """Return the union of several patterns of ``count`` positions; None if that is too much work."""
    one, *others = dict.fromkeys(patterns)
    if not others:
        return one
    period, growth = lcm(*[len(pattern.first) for pattern in patterns]), one.growth
    if not have_equal_rates(patterns):
        period, growth = count, max([pattern.growth or 0 for pattern in patterns]) if count == 1 else None
    elif growth is not None:
        growth = growth * period // len(one.first)
        if period > count:
            period, growth = count, -(-growth * count // period)
    if period > 1 and not work.take(period * len(patterns)):
        return None
    seen = [[pattern.at(position) for pattern in patterns] for position in range(period)]
    first, last = [min(ends)[0] for ends in seen], [max([end for _, end in ends]) for ends in seen]
    return _with_shortest_period(first, last, growth)


def have_equal_rates(patterns: Sequence[Pattern]) -> bool:
    """Return whether patterns advance at the same rate."""
    one = patterns[0]
    if any(pattern.growth is None for pattern in patterns):
        return all(pattern.growth is None for pattern in patterns)
    return all((other.growth or 0) * len(one.first) == (one.growth or 0) * len(other.first) for other in patterns)


def _with_shortest_period(first: list[int], last: list[int], growth: int | None) -> Pattern:
    """Return a pattern, with period 1 if joined parts form an axis without a break."""
    if growth is None and len(first) > 1:
        jump = first[1] - first[0]
        if jump >= 0 and all(b - a == jump for ends in (first, last) for a, b in pairwise(ends)):
            return Pattern((first[0],), (last[0],), jump)
    return Pattern(tuple(first), tuple(last), growth)
