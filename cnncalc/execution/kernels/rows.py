"""An operation with a vector on every row of a map, such as adding a bias."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeAlias

import numpy as np

from cnncalc.execution.tuning import ROW_OPERATION
from cnncalc.layers.interfaces import Array

Combine: TypeAlias = Callable[["Array", "Array", "Array"], object]
"""combine(a, b, out)."""

Do: TypeAlias = Callable[..., object]
"""do(function, *arguments) makes a call that writes to arrays, or records it."""


def call_now(function: Callable[..., object], *args: object) -> None:
    """Call a function: a `Do` that records nothing."""
    function(*args)


def with_third_output(operation: np.ufunc) -> Combine:
    """Return an operation of two arrays that takes the output third; NumPy has deprecated that for two of its own."""
    if operation is np.maximum:
        return _maximum
    return _minimum if operation is np.minimum else operation


def _maximum(a: Array, b: Array, out: Array) -> None:
    np.maximum(a, b, out=out)


def _minimum(a: Array, b: Array, out: Array) -> None:
    np.minimum(a, b, out=out)


class RowOperation:
    """Add a vector (C,) to rows (n, C), or another operation of two operands.

    Several short rows are taken at a time, so that NumPy's inner loop sees thousands of elements.
    """

    def __init__(self, vector: Array, operation: np.ufunc = np.add) -> None:
        """Prepare for rows of the vector's length."""
        self.operation = with_third_output(operation)
        self.vector = vector
        self._width = len(vector)
        self._wide = vector  # repeated as often as needed so far

    def __call__(self, rows: Array, out: Array, do: Do = call_now) -> None:
        """Write the changed rows to `out`, which may be `rows`."""
        if not out.flags.c_contiguous:
            do(self.operation, rows, self.vector, out)
            return
        if rows is not out and not rows.flags.c_contiguous:
            do(np.copyto, out, rows)
            rows = out
        wide = self.repeated(len(rows))
        target = out.reshape(-1, len(wide))
        source = target if rows is out else rows.reshape(-1, len(wide))
        do(self.operation, source, wide, target)

    def repeated(self, count: int) -> Array:
        """Return the vector, repeated for as many of `count` rows as are taken at a time."""
        size, wide = self._width * _times(count, self._width), self._wide
        if len(wide) < size:
            wide = np.empty(size, wide.dtype)
            wide.reshape(-1, self._width)[:] = self.vector
            self._wide = wide  # assigned only once filled: another thread may read it
        return wide if len(wide) == size else wide[:size]


@cache
def _times(count: int, width: int) -> int:
    """Return how many of `count` rows to take at a time: a divisor, if possible just over ROW_OPERATION elements."""
    enough = -(-ROW_OPERATION // width)
    for times in range(enough, min(count, 4 * enough) + 1):
        if count % times == 0:
            return times
    return next(times for times in range(min(count, enough), 0, -1) if count % times == 0)
