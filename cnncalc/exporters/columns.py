"""Columns of numbers, one per place of a block, and expressions of one column by another."""

from __future__ import annotations

from collections.abc import Sequence

ABSENT = object()
"""A column's value at places without the layer."""

FigureColumn = Sequence[object]

MOST_COMPARED = 60
"""Most named columns with which another one is compared; a block with more arguments would be unreadable."""


def same(one: object, other: object) -> bool:
    """Whether two values are printed alike; True is not 1."""
    return type(one) is type(other) and bool(one == other)


def whole(column: Sequence[object]) -> list[int]:
    """Return figures as integers; an empty list where one is anything else, truth values included."""
    numbers = [value for value in column if type(value) is int]
    return numbers if len(numbers) == len(column) else []


def equal(column: FigureColumn, other: FigureColumn) -> bool:
    """Whether a column equals another one wherever it has a value."""
    if column[0] is not ABSENT and column[0] != other[0]:  # usually the first pair already differs
        return False
    return all(value is ABSENT or same(value, there) for value, there in zip(column, other, strict=True))


def multiple(column: FigureColumn, other: FigureColumn) -> str:
    """Return a column of integers as a multiple, or a fraction, of another; "" if it is neither."""
    value, there = column[0], other[0]
    if type(value) is int and type(there) is int and value and there and max(value, there) % min(value, there):
        return ""  # usually the first pair already differs
    pairs = _whole_pairs(column, other)
    if not pairs or not all(value > 0 and there > 0 for value, there in pairs):
        return ""
    value, there = pairs[0]
    if value > there and all(one == value // there * two for one, two in pairs):
        return f"{value // there} * {{}}"
    if value < there and all(two == there // value * one for one, two in pairs):
        return f"{{}} // {there // value}"
    return ""


def is_half(column: FigureColumn, other: FigureColumn) -> bool:
    """Whether a column is the half of another, rounded down, as the padding of a kernel often is."""
    pairs = _whole_pairs(column, other)
    return bool(pairs) and all(value == there // 2 for value, there in pairs)


def _whole_pairs(column: FigureColumn, other: FigureColumn) -> list[tuple[int, int]]:
    """Return the pairs of both columns where the layer is there; an empty list unless all are integers."""
    there = [place for place, value in enumerate(column) if value is not ABSENT]
    return list(zip(whole([column[at] for at in there]), whole([other[at] for at in there]), strict=False))
