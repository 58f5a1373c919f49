"""The tape: operations on numbers that stand for many, in order, with the comparisons that they depend on."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

Number = int | float
Interval = tuple[Number, Number]
ANYTHING: Interval = (-math.inf, math.inf)


PYTHON: dict[str, Callable[..., Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv,
    "floordiv": operator.floordiv, "mod": operator.mod, "neg": operator.neg, "float": float, "pow": operator.pow,
    "round": round, "trunc": math.trunc, "floor": math.floor, "ceil": math.ceil, "nearest": round,
    "maximum": max, "minimum": min, "lt": operator.lt, "le": operator.le, "eq": operator.eq,
}  # fmt: skip
"""How Python computes each operation of an entry or a guard."""


class TapeEntry(NamedTuple):
    """One operation of a tape; operands are numbers of entries, or constants wrapped in a :class:`SameForAll`."""

    operation: str
    operands: tuple[Any, ...]
    interval: Interval
    is_real: bool


class SameForAll(NamedTuple):
    """An operand that is the same for all."""

    value: Number


class Tape:
    """What was noted.

    Attributes:
        entries: operations in the order in which they are computed.
        guards: comparisons, (operation, operands), with the outcome that the tape depends on.
        pinned: entries that the tape holds for one value of alone.
    """

    def __init__(self) -> None:
        self.entries: list[TapeEntry] = []
        self.guards: dict[tuple[str, tuple[Any, ...]], bool] = {}
        self.pinned: set[int] = set()
        self._numbers: dict[tuple[str, tuple[Any, ...]], int] = {}

    def number(self, operation: str, operands: tuple[Any, ...], interval: Interval, is_real: bool) -> int:
        """Return the number of an operation's entry; the same operation is entered once."""
        key = (operation, operands)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.entries)
            self.entries.append(TapeEntry(operation, operands, interval, is_real))
        return found

    def decide(self, operation: str, operands: tuple[Any, ...], outcome: bool) -> bool:
        """Note the outcome of a comparison."""
        self.guards.setdefault((operation, operands), outcome)
        return outcome


def decided(operation: str, a: Interval, b: Interval) -> bool | None:
    """Return the outcome of a comparison of numbers in two intervals where it is the same for all of them."""
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


def spanned(function: Callable[..., Any], *intervals: Interval) -> Interval:
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
    """Return the entries that lead to some, but for the known ones."""
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
    if entry.operation == "source":
        return []
    if entry.operation == "sum":
        return [number for number, _ in entry.operands[0]]
    return numbers_of(entry.operands)


def numbers_of(operands: tuple[Any, ...]) -> list[int]:
    """Return the operands that are entries."""
    return [operand for operand in operands if not isinstance(operand, SameForAll)]
