"""Operations on plain numbers, and on numbers that record their arithmetic.

``int()``, ``float()``, ``max()`` and similar functions need a number's value. A sweep runs the layers' rules on numbers
that stand for many values at once (:mod:`cnncalc.studies.sweep.traced`); these functions keep them so.
"""

from __future__ import annotations

from collections.abc import Callable
from math import gcd, trunc
from typing import Any, TypeVar

from cnncalc.ground.limits import MAX_INTEGER

N = TypeVar("N", bound=float)


def whole(value: float) -> int:
    """Return a number without its fraction, as ``int()`` does."""
    return trunc(value)


def as_float(value: float) -> float:
    """Return a number as a float."""
    noted: Callable[[], float] | None = getattr(value, "as_float", None)
    return float(value) if noted is None else noted()


def larger(a: N, b: N) -> N:
    """Return the larger of two numbers; the first if they are equal."""
    return _chosen("larger", max, a, b)


def smaller(a: N, b: N) -> N:
    """Return the smaller of two numbers; the first if they are equal."""
    return _chosen("smaller", min, a, b)


def _chosen(method: str, builtin: Callable[[N, N], N], a: N, b: N) -> N:
    if isinstance(a, float) or isinstance(b, float):  # the order matters: for 3 and 3.0 the first is returned
        return builtin(a, b)
    for one, other in ((a, b), (b, a)):
        noted: Callable[[N], N] | None = getattr(one, method, None)
        if noted is not None:
            return noted(other)
    return builtin(a, b)


def below(a: float, b: float) -> int:
    """Return 1 where a < b, else 0."""
    noted: Callable[[float], int] | None = getattr(a, "below", None)
    return int(a < b) if noted is None else noted(b)


def settled(value: Any) -> Any:
    """Return the plain number, for uses beyond arithmetic (identity, a name)."""
    pin = getattr(value, "pin", None)
    return value if pin is None else pin()


def ceil_div(a: int, b: int) -> int:
    """Return ``⌈a / b⌉``."""
    noted: Callable[[int, int], int] | None = getattr(a, "ceil_div", None) or getattr(b, "ceil_div", None)
    return -(-a // b) if noted is None else noted(a, b)


def common_divisor(a: int, b: int) -> int:
    """Return the greatest common divisor."""
    noted: Callable[[int, int], int] | None = getattr(a, "common_divisor", None) or getattr(b, "common_divisor", None)
    return gcd(a, b) if noted is None else noted(a, b)


def floor_product(size: int, factor: float) -> int:
    """Return ``⌊size · factor⌋`` for any factor.

    Frameworks multiply floats; numbers that a float can't hold exactly are multiplied as fractions.
    """
    if isinstance(factor, int):
        return size * factor
    noted: Callable[[float], int] | None = getattr(size, "floor_product", None)
    if noted is not None:
        return noted(factor)
    numerator, denominator = factor.as_integer_ratio()
    return whole(size * factor) if size <= MAX_INTEGER else size * numerator // denominator
