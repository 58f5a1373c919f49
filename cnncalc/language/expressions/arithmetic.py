"""Arithmetic and functions for expressions; every result is bounded."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, SupportsIndex, TypeVar

from cnncalc.ground.limits import MAX_EXPRESSION, MAX_INTEGER, MAX_LAYERS, MAX_LIST
from cnncalc.ground.numeric import below, larger, smaller, whole

if TYPE_CHECKING:
    from cnncalc.ground.values import Value

N = TypeVar("N", bound=float)

MAX_DIGITS = 64
"""Most digits for rounding, and the largest exponent of a base above 1."""


def require_number(value: Value) -> float:
    """Return a number unchanged. Raises TypeError for anything else."""
    if isinstance(value, (int, float)):
        return value
    raise TypeError(f"a number is needed, not {_kind(value)}")


def _kind(value: Value) -> str:
    names: dict[type, str] = {str: "a string", tuple: "a list", range: "a list", type(None): "null"}
    return names.get(type(value), "this")


def bounded(value: N) -> N:
    """Return a number; raises OverflowError if it is not finite, or too large."""
    if isinstance(value, float):
        if not -math.inf < value < math.inf:
            raise OverflowError("the result is not a finite number")
    elif isinstance(value, int) and not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise OverflowError(f"the result is larger than {MAX_INTEGER:,}")
    return value


def on_numbers(operate: Callable[[float, float], float]) -> Callable[[Value, Value], float]:
    """Return an operation on two numbers that refuses unbounded results."""

    def bounded_operation(a: Value, b: Value) -> float:
        if type(a) is int and type(b) is int:  # nearly all operands are
            value = operate(a, b)
            if -MAX_INTEGER <= value <= MAX_INTEGER:
                return value
        return bounded(operate(require_number(a), require_number(b)))

    return bounded_operation


_sum, _product = on_numbers(operator.add), on_numbers(operator.mul)


def add(a: Value, b: Value) -> Value:
    """Return a + b, of numbers, lists or texts."""
    if isinstance(a, (tuple, range)) and isinstance(b, (tuple, range)):
        _check_length(len(a) + len(b))
        return tuple(a) + tuple(b)
    if isinstance(a, str) and isinstance(b, str) and len(a) + len(b) <= MAX_EXPRESSION:
        return a + b
    return _sum(a, b)


def multiply(a: Value, b: Value) -> Value:
    """Return a · b; a list may be repeated."""
    for items, count in ((a, b), (b, a)) if isinstance(a, tuple) or isinstance(b, tuple) else ():
        if isinstance(items, tuple) and isinstance(count, int):
            _check_length(len(items) * count)
            return items * count
    return _product(a, b)


def truth(value: Value) -> bool:
    """Return whether a condition holds; a text is refused, so that 'no' does not count as true."""
    if isinstance(value, str):
        raise TypeError(f"a condition must be true or false, not the text '{value}'")
    return bool(value)


def _check_length(length: int) -> None:
    if length > MAX_LIST:
        raise OverflowError(f"a list of more than {MAX_LIST:,} items")


def power(a: Value, b: Value) -> float:
    """Return a to the power b; a result that would be too large is refused before it is computed."""
    if abs(require_number(b)) > MAX_DIGITS and abs(require_number(a)) > 1:
        raise OverflowError("the exponent is too large")
    if isinstance(a, int) and isinstance(b, int) and a.bit_length() * max(b, 0) > 128:
        raise OverflowError(f"the result is larger than {MAX_INTEGER:,}")
    return bounded(_real(require_number(a) ** require_number(b)))


def _real(value: complex) -> float:
    if isinstance(value, (int, float)):
        return value
    raise ValueError("the result is not a real number")


def _range(*bounds: SupportsIndex) -> range:
    result = range(*bounds)  # lazy, so that it costs nothing until it is bounded
    if result[MAX_LAYERS : MAX_LAYERS + 1]:
        raise OverflowError(f"a range of more than {MAX_LAYERS:,} items")
    return result


def _zip(*lists: tuple[Value, ...]) -> tuple[tuple[Value, ...], ...]:
    _check_length(min((len(items) for items in lists), default=0))
    return tuple(zip(*lists, strict=False))


def _integer(value: Value) -> int:
    return bounded(int(value) if isinstance(value, str) else whole(require_number(value)))


def _round(value: Value, digits: int | None = None) -> float:
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


def _extreme(builtin: Callable[..., Value], choose: Callable[[float, float], float]) -> Callable[..., Value]:
    """Return ``min`` or ``max``, of values or of one list of them."""

    def extreme(*values: Value) -> Value:
        items = values[0] if len(values) == 1 and isinstance(values[0], tuple) else values
        if {*map(type, items)} == {int}:
            return builtin(items)
        numbers = [item for item in items if isinstance(item, (int, float))]
        if 1 < len(items) == len(numbers):
            return reduce(choose, numbers)
        return builtin(*values)

    return extreme


FUNCTIONS: dict[str, Callable[..., Value]] = {
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
