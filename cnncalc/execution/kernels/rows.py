"""One operation with a vector for every row of a map, as adding a bias is."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from cnncalc.execution.kernels.tape import Do, at_once

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array

LONG = 4200  # elements from which NumPy reads a repeated row where it lies; what is shorter it copies first


class RowOperation:
    """Add a vector (C,) to rows (n, C), or another operation of two operands.

    Short rows are taken several at a time: NumPy's inner loop should see thousands of elements.
    """

    def __init__(self, vector: Array, operation: np.ufunc = np.add) -> None:
        """Prepare for rows of the vector's length."""
        self.operation = operation
        self.vector = vector
        self._wide: dict[int, Array] = {}

    def __call__(self, rows: Array, out: Array, do: Do = at_once) -> None:
        """Write the changed rows to `out`, which may be `rows`."""
        if out.flags.c_contiguous:
            if not rows.flags.c_contiguous:
                do(np.copyto, out, rows)
                rows = out
            wide = self._wide.get(len(rows))
            if wide is None:
                wide = self._wide[len(rows)] = np.tile(self.vector, _times(len(rows), len(self.vector)))
            shape = (-1, wide.size)
            do(self.operation, rows.reshape(shape), wide, out=out.reshape(shape))
        else:
            do(self.operation, rows, self.vector, out=out)


@cache
def _times(count: int, width: int) -> int:
    """Return how many of `count` rows to take at a time: a divisor, and if possible LONG elements or a little more."""
    enough = -(-LONG // width)
    for times in range(enough, min(count, 4 * enough) + 1):
        if count % times == 0:
            return times
    return next(times for times in range(min(count, enough), 0, -1) if count % times == 0)
