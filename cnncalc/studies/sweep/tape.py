"""The tape: recorded operations on traced numbers, in order, with the comparisons on which they depend."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

Number = int | float
Interval = tuple[Number, Number]
ANYTHING: Interval = (-math.inf, math.inf)


PYTHON: dict[str, Callable[..., Number]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv,
    "floordiv": operator.floordiv, "mod": operator.mod, "neg": operator.neg, "float": float, "pow": operator.pow,
    "round": round, "trunc": math.trunc, "floor": math.floor, "ceil": math.ceil, "nearest": round,
    "maximum": max, "minimum": min, "lt": operator.lt, "le": operator.le, "eq": operator.eq,
}  # fmt: skip
"""Python's function for each operation of an entry or a guard."""


class SameForAll(NamedTuple):
    """An operand that is the same for all places."""

    value: Number


Operand = int | SameForAll
"""An operand: the number of an entry, or a constant."""

SourceKey = tuple[int, ...]
"""The key of a source: the axis, and the path of indices in its nested value."""


class Source(NamedTuple):
    """A number that differs from place to place."""

    key: SourceKey


class WeightedSum(NamedTuple):
    """A constant, and (entry, factor) of each entry that is added to it."""

    terms: tuple[tuple[int, int], ...]
    constant: int


class Operation(NamedTuple):
    """An operation of :data:`PYTHON` on one or two operands."""

    name: str
    operands: tuple[Operand, ...]


class TapeEntry(NamedTuple):
    """A number of a tape: its computation, its interval, and whether it is a float."""

    rule: Source | WeightedSum | Operation
    interval: Interval
    is_real: bool


class Tape:
    """Recorded operations.

    Attributes:
        entries: numbers in the order in which they are computed.
        guards: comparisons, with the outcomes on which the tape depends.
        pinned: entries for only one value of which the tape is valid.
    """

    def __init__(self) -> None:
        self.entries: list[TapeEntry] = []
        self.guards: dict[Operation, bool] = {}
        self.pinned: set[int] = set()
        self._numbers: dict[Source | WeightedSum | Operation, int] = {}

    def number(self, rule: Source | WeightedSum | Operation, interval: Interval, is_real: bool) -> int:
        """Return the number of an entry; equal computations are entered once."""
        found = self._numbers.get(rule)
        if found is None:
            found = self._numbers[rule] = len(self.entries)
            self.entries.append(TapeEntry(rule, interval, is_real))
        return found

    def narrowed(self, interval: Interval, terms: Mapping[int, int], constant: int) -> Interval:
        """Return a sum's interval, narrowed by its parts if they are few (x − x is 0)."""
        if len(terms) > 4:
            return interval
        low: Number = constant
        high: Number = constant
        for number, factor in terms.items():
            ends = [factor * end for end in self.entries[number].interval]
            low, high = low + min(ends), high + max(ends)
        return max(interval[0], low), min(interval[1], high)


def decided(operation: str, a: Interval, b: Interval) -> bool | None:
    """Return the outcome of a comparison of two intervals if it is the same for all numbers, else None."""
    (low, high), (other_low, other_high) = a, b
    if operation == "eq":
        if high < other_low or other_high < low:
            return False
        return True if low == high == other_low == other_high else None
    if PYTHON[operation](high, other_low):
        return True
    return None if PYTHON[operation](low, other_high) else False


def remainder_interval(of: Interval, by: Interval) -> Interval:
    """Return the interval of a remainder, which has the divisor's sign."""
    if by[0] > 0:
        return (0, of[1]) if of[0] >= 0 and of[1] < by[1] else (0, by[1])
    return -max(abs(by[0]), abs(by[1])), max(abs(by[0]), abs(by[1]))


def spanned(function: Callable[..., Number], *intervals: Interval) -> Interval:
    """Return the interval of a function that is monotone in each operand; rounding is monotone, too."""
    corners: list[tuple[Number, ...]] = [()]
    for interval in intervals:
        corners = [(*corner, end) for corner in corners for end in interval]
    try:
        ends = [function(*corner) for corner in corners]
    except (ArithmeticError, ValueError):
        return ANYTHING
    if any(end != end for end in ends):
        return ANYTHING
    return min(ends), max(ends)


def needed(entries: Sequence[TapeEntry], numbers: Iterable[int], known: set[int]) -> set[int]:
    """Return the entries from which some entries are computed, including themselves, without the known ones."""
    found: set[int] = set()
    waiting = [number for number in numbers if number not in known]
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            waiting += [read for read in read_by(entries[number]) if read not in known]
    return found


def read_by(entry: TapeEntry) -> list[int]:
    """Return the numbers of the entries that an entry reads."""
    rule = entry.rule
    if isinstance(rule, Source):
        return []
    return [number for number, _ in rule.terms] if isinstance(rule, WeightedSum) else numbers_of(rule.operands)


def numbers_of(operands: Iterable[Operand]) -> list[int]:
    """Return the operands that are entries."""
    return [operand for operand in operands if not isinstance(operand, SameForAll)]
