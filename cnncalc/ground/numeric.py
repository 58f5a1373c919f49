"""Conversions and choices of numbers, for plain ones and for those that note what is computed of them.

``int()``, ``float()``, ``max()`` and the like ask a number for its value.  A sweep runs the layers' rules on numbers
that stand for many values at once (:mod:`cnncalc.studies.sweep.traced`); these functions keep such a number one.
"""

from __future__ import annotations

from math import trunc
from typing import Any


def whole(value: Any) -> Any:
    """Return a number without its fraction, as ``int()`` does."""
    return trunc(value)


def as_float(value: Any) -> Any:
    """Return a number as a float."""
    noted = getattr(value, "as_float", None)
    return float(value) if noted is None else noted()


def larger(a: Any, b: Any) -> Any:
    """Return the larger of two numbers, the first of equal ones."""
    noted = getattr(a, "larger", None)
    if noted is not None:
        return noted(b)
    noted = getattr(b, "larger", None)
    return max(a, b) if noted is None else noted(a)


def smaller(a: Any, b: Any) -> Any:
    """Return the smaller of two numbers, the first of equal ones."""
    noted = getattr(a, "smaller", None)
    if noted is not None:
        return noted(b)
    noted = getattr(b, "smaller", None)
    return min(a, b) if noted is None else noted(a)


def below(a: Any, b: Any) -> int:
    """Return 1 where a < b, else 0."""
    noted = getattr(a, "below", None)
    return int(a < b) if noted is None else noted(b)


def settled(value: Any) -> Any:
    """Return the plain number, for what depends on more than arithmetic (identity, a name)."""
    pin = getattr(value, "pin", None)
    return value if pin is None else pin()
