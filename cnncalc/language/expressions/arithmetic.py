"""What expressions compute with: arithmetic and functions whose every result is bounded."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

from cnncalc.ground.limits import MAX_EXPRESSION, MAX_INTEGER, MAX_LAYERS, MAX_LIST
from cnncalc.ground.numeric import below, larger, smaller, whole

MAX_DIGITS = 64
"""Digits that a number may be rounded to, and an exponent of a base above 1."""


def require_number(value: Any) -> Any:
    """Return a number as it is.  Raises TypeError for anything else."""
    if isinstance(value, (int, float)):
        return value
    raise TypeError(f"a number is needed, not {_kind(value)}")


def _kind(value: Any) -> str:
    return {str: "a string", tuple: "a list", range: "a list", type(None): "null"}.get(type(value), "this")


def bounded(value: Any) -> Any:
    """Return a number that is finite and not too large.  Raises OverflowError."""
    if isinstance(value, float):
        if not -math.inf < value < math.inf:
            raise OverflowError("the result is not a finite number")
    elif isinstance(value, int) and not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise OverflowError(f"the result is larger than {MAX_INTEGER:,}")
    return value


def on_numbers(operate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return an operation that takes two numbers, and refuses a result that is not bounded."""

    def bounded_operation(a: Any, b: Any) -> Any:
        if type(a) is int is type(b):  # as nearly always
            value = operate(a, b)
            if -MAX_INTEGER <= value <= MAX_INTEGER:
                return value
        return bounded(operate(require_number(a), require_number(b)))

    return bounded_operation


_sum, _product = on_numbers(operator.add), on_numbers(operator.mul)


def add(a: Any, b: Any) -> Any:
    """Return a + b, of numbers, lists or texts."""
    if isinstance(a, (tuple, range)) and isinstance(b, (tuple, range)):
        _check_length(len(a) + len(b))
        return tuple(a) + tuple(b)
    if isinstance(a, str) and isinstance(b, str) and len(a) + len(b) <= MAX_EXPRESSION:
        return a + b
    return _sum(a, b)


def multiply(a: Any, b: Any) -> Any:
    """Return a · b; a list may be repeated."""
    if isinstance(a, tuple) or isinstance(b, tuple):
        items, count = (a, b) if isinstance(a, tuple) else (b, a)
        if isinstance(count, int):
            _check_length(len(items) * count)
            return items * count
    return _product(a, b)


def truth(value: Any) -> bool:
    """Return whether a condition holds; a text is none, so that 'no' is not taken for true."""
    if isinstance(value, str):
        raise TypeError(f"a condition must be true or false, not the text '{value}'")
    return bool(value)


def _check_length(length: int) -> None:
    if length > MAX_LIST:
        raise OverflowError(f"a list of more than {MAX_LIST:,} items")


def power(a: Any, b: Any) -> Any:
    """Return a to the power b, refused before it is computed where it would be too large."""
    if abs(require_number(b)) > MAX_DIGITS and abs(require_number(a)) > 1:
        raise OverflowError("the exponent is too large")
    if isinstance(a, int) and isinstance(b, int) and a.bit_length() * max(b, 0) > 128:
        raise OverflowError(f"the result is larger than {MAX_INTEGER:,}")
    return bounded(_real(require_number(a) ** require_number(b)))


def _real(value: Any) -> Any:
    if isinstance(value, complex):
        raise ValueError("the result is not a real number")
    return value


def _range(*bounds: Any) -> range:
    result = range(*bounds)  # lazy, so that it costs nothing until it is bounded
    if result[MAX_LAYERS : MAX_LAYERS + 1]:
        raise OverflowError(f"a range of more than {MAX_LAYERS:,} items")
    return result


def _zip(*lists: Any) -> tuple[Any, ...]:
    _check_length(min((len(items) for items in lists), default=0))
    return tuple(zip(*lists, strict=False))


def _integer(value: Any) -> int:
    if isinstance(value, (tuple, range)):
        raise TypeError("a number is needed, not a list")
    integer: int = bounded(whole(value) if isinstance(value, (int, float)) else int(value))
    return integer


def _round(value: Any, digits: Any = None) -> Any:
    if digits is not None and abs(require_number(digits)) > MAX_DIGITS:
        raise OverflowError(f"round takes {MAX_DIGITS} digits at most")
    return bounded(round(require_number(value), digits))


def make_divisible(value: float, divisor: int = 8, min_value: int | None = None) -> int:
    """Round channels to a multiple of ``divisor``, never below 90 % of the value (MobileNet, TF-slim)."""
    if require_number(value) <= 0 or require_number(divisor) <= 0:
        raise ValueError("make_divisible rounds positive numbers")
    least = divisor if min_value is None else min_value
    rounded = larger(least, whole(bounded(value) + divisor / 2) // divisor * divisor)
    return rounded + divisor * below(rounded, 0.9 * value)


def _extreme(builtin: Callable[..., Any], choose: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Return ``min`` or ``max``, of values or of one list of them."""

    def extreme(*values: Any) -> Any:
        items = values[0] if len(values) == 1 and isinstance(values[0], tuple) else values
        if {*map(type, items)} == {int}:
            return builtin(items)
        if len(items) > 1 and all(isinstance(item, (int, float)) for item in items):
            return reduce(choose, items)
        return builtin(*values)

    return extreme


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": _extreme(min, smaller),
    "max": _extreme(max, larger),
    "ceil": lambda value: bounded(math.ceil(require_number(value))),
    "floor": lambda value: bounded(math.floor(require_number(value))),
    "round": _round,
    "int": _integer,
    "len": len,
    "range": _range,
    "zip": _zip,
    "sum": lambda values: bounded(sum(require_number(value) for value in values)),
    "make_divisible": make_divisible,
}
