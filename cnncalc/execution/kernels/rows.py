"""One operation with a vector for every row of a map, as adding a bias is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from cnncalc.execution.kernels.tuning import ROW_OPERATION

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array

Do = Callable[..., object]
"""do(function, *arguments, **options) makes a call that writes to arrays, or notes it."""


def at_once(function: Callable[..., object], *args: Any, **options: Any) -> None:
    """Call a function: a `Do` that notes nothing."""
    function(*args, **options)


class RowOperation:
    """Add a vector (C,) to rows (n, C), or another operation of two operands.

    Short rows are taken several at a time: NumPy's inner loop should see thousands of elements.
    """

    def __init__(self, vector: Array, operation: np.ufunc = np.add) -> None:
        """Prepare for rows of the vector's length."""
        self.operation = operation
        self.vector = vector
        self._wide = vector  # repeated as often as was needed so far

    def __call__(self, rows: Array, out: Array, do: Do = at_once) -> None:
        """Write the changed rows to `out`, which may be `rows`."""
        if out.flags.c_contiguous:
            if not rows.flags.c_contiguous:
                do(np.copyto, out, rows)
                rows = out
            size = len(self.vector) * _times(len(rows), len(self.vector))
            wide = self._wide
            if wide.size < size:
                wide = self._wide = np.tile(self.vector, size // len(self.vector))
            wide, shape = wide[:size], (-1, size)
            do(self.operation, rows.reshape(shape), wide, out=out.reshape(shape))
        else:
            do(self.operation, rows, self.vector, out=out)


@cache
def _times(count: int, width: int) -> int:
    """Return how many of `count` rows to take at a time: a divisor, and a little over ROW_OPERATION if it can be."""
    enough = -(-ROW_OPERATION // width)
    for times in range(enough, min(count, 4 * enough) + 1):
        if count % times == 0:
            return times
    return next(times for times in range(min(count, enough), 0, -1) if count % times == 0)
