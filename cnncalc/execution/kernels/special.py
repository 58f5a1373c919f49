"""Functions that NumPy lacks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import erf as exact_erf

import numpy as np

from cnncalc.execution.tuning import ERF_STEPS, FUNCTION_CHUNK
from cnncalc.layers.interfaces import Array, DType

ERF_FLAT = 6.0  # beyond it erf is 1 to the last bit of a double


@cache
def _erf_table(dtype: DType) -> Array:
    """Return erf and its first derivatives, divided by k!, at every grid point from 0 to ERF_FLAT."""
    points = np.arange(int(ERF_FLAT * ERF_STEPS) + 2) / ERF_STEPS
    value = np.array([exact_erf(point) for point in points])
    slope = 2 / np.sqrt(np.pi) * np.exp(-(points**2))
    rows = [
        value,
        slope,
        -points * slope,
        (4 * points**2 - 2) * slope / 6,
        (12 * points - 8 * points**3) * slope / 24,
    ]
    return np.stack(rows[:3] if dtype == np.float32 else rows).astype(dtype)


def erf(x: Array) -> Array:
    """Evaluate the error function by a Taylor series about the nearest of many grid points, 1 / 2048 away at most.

    In double precision the remainder is below 1e-15, as the fifth derivative is at most 14 and 5! is 120; in single
    precision it is below 1e-10, as the third is at most 2.3.
    """
    return in_chunks(_erf, x)


def in_chunks(function: Callable[[Array], Array], x: Array) -> Array:
    """Return a function of each element, a part of them at a time: intermediate results stay in the cache."""
    out = np.empty_like(x)  # in the memory order of x
    source, target = x.ravel(order="K"), out.ravel(order="K")
    if not np.may_share_memory(target, out):  # not contiguous
        return function(x)
    for start in range(0, len(source), FUNCTION_CHUNK):
        target[start : start + FUNCTION_CHUNK] = function(source[start : start + FUNCTION_CHUNK])
    return out


def _erf(x: Array) -> Array:
    size = np.minimum(np.abs(x), ERF_FLAT)
    index = np.nan_to_num(size * ERF_STEPS + 0.5).astype(np.int32)
    offset = size - index.astype(x.dtype) * x.dtype.type(1 / ERF_STEPS)
    *others, last = _erf_table(x.dtype)
    result = last.take(index)
    for row in reversed(others):
        result *= offset
        result += row.take(index)
    signed: Array = np.copysign(result, x)
    return signed
