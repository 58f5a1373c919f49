"""Parse the values of a sweep: lists of values, ranges, and a value for each place of a list.

``0.25:1.5:0.05`` includes both ends, ``2:6`` are integers, ``8:256:*2`` doubles, ``16:512:log20`` are 20 values of
equal ratios, ``each(3,5,7)*20`` is every list of 20 values of these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_AXIS_VALUES, MAX_LIST
from cnncalc.ground.values import Value
from cnncalc.layers.shapes import Shape

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*:\s*({_NUMBER})\s*(?::\s*(?:(\*)\s*({_NUMBER})|(log)\s*(\d+)|({_NUMBER})))?\s*")
_EACH = re.compile(r"\s*each\s*\((.*)\)\s*\*\s*(\d+)\s*", re.DOTALL)
_CLOSING = {"[": "]", "(": ")", "{": "}"}
FORMS = "as in 1,2,4 or 2:6 or 0.5:1.5:0.25 or 8:256:*2 or 16:512:log20 or each(3,5,7)*4"


class Each(NamedTuple):
    """A value for each place of a list: all lists of length ``places`` of the ``choices``."""

    choices: tuple[Value, ...]
    places: int


def values_of(text: str, read: Callable[[str], Value]) -> Sequence[Value] | Each:
    """Return the values in a text.

    Args:
        text: values and ranges, separated by commas; or one ``each(…)*n``.
        read: parses a single value.

    Raises:
        CnncalcError: if it can't be read, or has too many values.
    """
    each = _EACH.fullmatch(text)
    if each:
        choices, count = values_of(each[1], read), int(each[2])
        if isinstance(choices, Each) or not 1 <= count <= MAX_LIST:
            raise CnncalcError(f"{_cut(text)}: not a list of values with a number of places", "as in each(3,5,7)*4")
        return Each(tuple(choices), count)
    parts = split(text)
    if len(parts) == 1 and _is_range(text):
        return ranged(text)
    found: list[Value] = []
    for part in parts:
        found += ranged(part) if _is_range(part) else [read(part)]
        _check_count(len(found), text)
    return tuple(found)


def split(text: str) -> list[str]:
    """Split a text at commas, but not inside brackets or quotes."""
    parts, closing, quote = [""], list[str](), ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in _CLOSING:
            closing.append(_CLOSING[sign])
        elif closing and sign == closing[-1]:
            closing.pop()
        elif sign == "," and not closing:
            parts.append("")
            continue
        parts[-1] += sign
    return [part.strip() for part in parts]


def _is_range(part: str) -> bool:
    return ":" in part and not part.startswith(("'", '"', "[", "(", "{"))


def ranged(text: str) -> Sequence[int | float]:
    """Return the numbers of a range, including both ends if a step leads there; decimal, so that each number is exactly
    as written. Equal steps of integers are a ``range``, which takes no memory.

    Raises:
        CnncalcError: if it is not a range, has no end, or too many numbers.
    """
    match = _RANGE.fullmatch(text)
    if match is None:
        raise CnncalcError(f"'{_cut(text)}' is not a range", FORMS)
    try:
        low, high = Decimal(match[1]), Decimal(match[2])
    except InvalidOperation:
        raise CnncalcError(f"'{_cut(text)}' is not a range", FORMS) from None
    if match[3]:
        return _growing(text, low, high, Decimal(match[4]))
    if match[5]:
        return _logarithmic(text, low, high, int(match[6]))
    step = Decimal(match[7] or (1 if high >= low else -1))
    if step == 0 or (high - low) / step < 0:
        raise CnncalcError(f"{_cut(text)}: a step of {step} does not lead from {low} to {high}")
    count = int((high - low) / step) + 1
    _check_count(count, text)
    whole = all(number == number.to_integral_value() for number in (low, step))
    if whole:
        return range(int(low), int(low) + count * int(step), int(step))
    return [float(low + place * step) for place in range(count)]


def _growing(text: str, low: Decimal, high: Decimal, factor: Decimal) -> list[int | float]:
    if factor <= 1 or low <= 0 or high < low:
        raise CnncalcError(f"{_cut(text)}: a factor above 1 leads from a number above 0 to a larger one")
    whole = all(number == number.to_integral_value() for number in (low, factor))
    found: list[int | float] = []
    at = low
    while at <= high:
        found.append(int(at) if whole else float(at))
        _check_count(len(found), text)
        at *= factor
    return found


def _logarithmic(text: str, low: Decimal, high: Decimal, count: int) -> list[int | float]:
    """Return numbers of equal ratios; between integers they are rounded, without duplicates."""
    if low <= 0 or high <= low or count < 2:
        raise CnncalcError(f"{_cut(text)}: needs two numbers above 0, the second larger, and two values or more")
    _check_count(count, text)
    whole = all(number == number.to_integral_value() for number in (low, high))
    ends, ratio = (float(low), float(high)), (float(high) / float(low)) ** (1 / (count - 1))
    numbers = [ends[0], *[ends[0] * ratio**place for place in range(1, count - 1)], ends[1]]
    return list(dict.fromkeys(round(number) for number in numbers)) if whole else list(numbers)


def _check_count(count: int, text: str) -> None:
    if count > MAX_AXIS_VALUES:
        raise CnncalcError(f"{_cut(text)}: more than {MAX_AXIS_VALUES:,} values")


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"


def shape_values(text: str, read: Callable[[str], Sequence[int]]) -> tuple[Shape, ...]:
    """Return the shapes in a text: ``3x128x128,3x224x224``, or ``3x96x96:3x224x224:32``.

    Between two shapes all axes that differ change in the same number of steps.

    Raises:
        CnncalcError: if it can't be read, or axes take different numbers of steps.
    """
    found: list[Shape] = []
    for part in split(text):
        ends = part.split(":")
        if len(ends) == 1:
            found.append(tuple(read(part)))
        elif len(ends) == 3 and _RANGE.fullmatch(f"1:2:{ends[2]}"):
            found += _shapes_between(part, tuple(read(ends[0])), tuple(read(ends[1])), ends[2])
        else:
            raise CnncalcError(f"'{_cut(part)}' is not a range of shapes", "as in 3x96x96:3x224x224:32")
        _check_count(len(found), text)
    return tuple(found)


def _shapes_between(text: str, first: Shape, last: Shape, step: str) -> list[Shape]:
    if len(first) != len(last):
        raise CnncalcError(f"{_cut(text)}: the shapes have {len(first)} and {len(last)} axes")
    axes = [[a] if a == b else ranged(f"{a}:{b}:{step}") for a, b in zip(first, last, strict=True)]
    if any(size != int(size) for axis in axes for size in axis):
        raise CnncalcError(f"{_cut(text)}: a step of {step} leads to sizes that are not whole")
    counts = {len(axis) for axis in axes if len(axis) > 1}
    if len(counts) > 1:
        raise CnncalcError(f"{_cut(text)}: the axes take different numbers of steps")
    count = counts.pop() if counts else 1
    return [tuple([int(axis[place if len(axis) > 1 else 0]) for axis in axes]) for place in range(count)]
