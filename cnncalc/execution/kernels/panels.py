"""The right-hand side of a layer's matrix products, cut into panels where BLAS multiplies small matrices faster.

OpenBLAS packs both operands of a product before it multiplies, but has kernels for processors with AVX-512 that take
small operands from where they lie (`interface/gemm.c`, SMALL_MATRIX_OPT).  A convolution's product in such pieces is a
sixth faster, and half as fast again on maps of 7×7, whose filters are larger than the map.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from cnncalc.execution.kernels.rows import Do, call_now
from cnncalc.execution.tuning import BEST_ROWS, MOST_WORK_UNPACKED, ROWS_UNROLLED, WIDEST_PANEL
from cnncalc.layers.interfaces import Array, DType


class Filters:
    """Matrices (…, K, N) that many rows are multiplied by; in panels (…, N / width, K, width) if in pieces."""

    def __init__(self, panels: Array, rows: int) -> None:
        """Take matrices as they are, or panels of which `rows` rows are multiplied at a time."""
        self.panels = panels
        self.right = panels[..., None, :, :] if rows else panels
        self.rows = rows
        self.depth = panels.shape[-2]
        self.columns = panels.shape[-1] * (panels.shape[-3] if rows else 1)

    @classmethod
    def of(cls, matrix: Array, pieces: bool) -> Filters:
        """Return matrices, copied into panels if they can be multiplied in pieces."""
        depth, columns = matrix.shape[-2:]
        width = _width(depth, columns, matrix.dtype) if pieces else 0
        if not width:
            return cls(matrix, 0)
        if width == columns:  # a single panel
            return cls(np.ascontiguousarray(matrix)[..., None, :, :], MOST_WORK_UNPACKED // (depth * width))
        made = cls.empty(matrix.shape, matrix.dtype, pieces)
        made.write(0, matrix)
        return made

    @classmethod
    def empty(cls, shape: Sequence[int], dtype: DType, pieces: bool) -> Filters:
        """Return uninitialised panels for matrices (…, K, N)."""
        *lead, depth, columns = shape
        width = _width(depth, columns, dtype) if pieces else 0
        if not width:
            return cls(np.empty(shape, dtype), 0)
        return cls(np.empty((*lead, columns // width, depth, width), dtype), MOST_WORK_UNPACKED // (depth * width))

    def write(self, start: int, part: Array) -> None:
        """Write rows (…, n, N) of the matrices, from `start` on."""
        stop = start + part.shape[-2]
        if self.rows:
            part = part.reshape(*part.shape[:-1], self.panels.shape[-3], self.panels.shape[-1]).swapaxes(-2, -3)
        self.panels[..., start:stop, :] = part

    def multiply(self, a: Array, out: Array, do: Do = call_now) -> None:
        """Write the products of a (…, M, K) to out (…, M, N)."""
        *lead, count, depth = a.shape
        if not self.rows or depth != self.depth:
            do(np.matmul, a, self.panels, out)
            return
        step = _step(count, self.rows)
        whole = count // step
        if whole * step < count:
            end = whole * step
            self.multiply(a[..., end:, :], out[..., end:, :], do)
            a, out = a[..., :end, :], out[..., :end, :]
        rows = a.reshape(*lead, 1, whole, step, depth)
        target = out.reshape(*lead, whole, step, self.panels.shape[-3], self.panels.shape[-1])
        do(np.matmul, rows, self.right, target.transpose(_panels_first(len(lead))))


def _width(depth: int, columns: int, dtype: DType) -> int:
    """Return the width of panels: a divisor of `columns` that leaves room for a dozen rows; 0 if there is none."""
    if dtype != np.float32:
        return 0
    widths = [
        n for n in range(min(WIDEST_PANEL, columns), 15, -1) if columns % n == 0 and (n % 16 == 0 or n == columns)
    ]
    for rows in BEST_ROWS:
        for width in widths:
            if rows * depth * width <= MOST_WORK_UNPACKED:
                return width
    return 0


def transform(matrix: Array, columns: Array, out: Array, pieces: bool, do: Do = call_now) -> None:
    """Write the product of a small matrix (p, q) and (q, N) to out (p, N), both of which are C-contiguous."""
    count = columns.shape[1]
    step = MOST_WORK_UNPACKED // matrix.size // 16 * 16
    whole = count // step * step if pieces else 0
    if whole:
        parts, target = (array[:, :whole].reshape(len(array), -1, step).swapaxes(0, 1) for array in (columns, out))
        do(np.matmul, matrix, parts, target)
    if whole < count:
        do(np.matmul, matrix, columns[:, whole:], out[:, whole:])


@cache
def _panels_first(lead: int) -> tuple[int, ...]:
    """Return the order of axes that makes (…, steps, step, panels, width) of (…, panels, steps, step, width)."""
    return (*range(lead), lead + 2, lead, lead + 1, lead + 3)


@cache
def _step(count: int, most: int) -> int:
    """Return the number of rows to take at a time, at most `most`: equal steps, or as few short ones as possible."""
    if count <= most:
        return count
    for step in range(most, max(most // 3, 2 * ROWS_UNROLLED - 1), -1):
        if count % step == 0:
            return step
    step = most // ROWS_UNROLLED * ROWS_UNROLLED
    while 0 < count % step < ROWS_UNROLLED < step:
        step -= ROWS_UNROLLED
    return step
