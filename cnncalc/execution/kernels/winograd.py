"""Convolution with fewer multiplications: F(m × m, K × K) of Lavin and Gray 2015, arXiv:1509.09308."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cnncalc.execution.kernels.kernel import Calls, Clip, Finisher, Kernel, Shape, Stage, Task, channels_last
from cnncalc.execution.kernels.panels import Filters, transform
from cnncalc.execution.kernels.tuning import (
    WINOGRAD_CHANNELS,
    WINOGRAD_LARGE_TILES,
    WINOGRAD_PACKED,
    WINOGRAD_SMALLEST,
    WINOGRAD_TILES,
    WINOGRAD_WIDE_MAP,
)  # fmt: skip
from cnncalc.execution.kernels.windows import Slides

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array


class Transform(NamedTuple):
    """The matrices of F(m, K): outputs = Aᵀ [(G g) ⊙ (Bᵀ d)]."""

    data: Array
    filters: Array
    inverse: Array


# Points of interpolation beside infinity, by how many are needed: m + K − 2 for m outputs of K taps.
# ±2/3 and ±3/2 are a fifth as wrong in float32 as the usual ±1 and ±2.
POINTS = {
    3: (Fraction(0), Fraction(1), Fraction(-1)),
    5: (Fraction(0), Fraction(2, 3), Fraction(-2, 3), Fraction(3, 2), Fraction(-3, 2)),
}


class Winograd(Kernel):
    """Convolves (N, H, W, C) with (out, C, K, K).

    Every step reads what the one before it wrote, so that two pieces of scratch memory, even and odd, are enough.
    """

    def __init__(self, batch: int, weight: Shape, axes: Slides, pieces: bool) -> None:
        """Prepare for filters (out, C, K, K)."""
        self.axes = down, across = axes
        self.pieces = pieces
        channels, depth = weight[:2]
        self.shape = (batch, down.positions, across.positions, channels)
        self.m = m = tile_outputs(weight, (down.positions, across.positions))
        self.points = points = m + down.kernel - 1
        self.method = f"Winograd F({m}×{m}, {down.kernel}×{down.kernel})"
        self.products = down.kernel * across.kernel * depth
        self.direct = prod(self.shape) * self.products
        self.more = (points**2 - down.kernel**2) * channels * depth
        self.lines, self.tiles = -(-down.positions // m), -(-across.positions // m)
        self.step = max(1, WINOGRAD_TILES // self.tiles)
        bands = min(self.step, self.lines)
        width = self.tiles * m + points - m
        count = bands * self.tiles
        source = (bands * m + points - m) * width * depth
        self.scratch = {
            "even": max(source, points**2 * count * max(depth, channels)),
            "odd": max(bands * points * width * depth, points**2 * count * depth, m * points * count * channels),
        }

    @staticmethod
    def fits(dtype: np.dtype[Any], weight: Shape, axes: Slides) -> bool:
        """Return whether the algorithm applies and pays."""
        plain = all(axis.stride == axis.dilation == 1 for axis in axes)
        return plain and dtype == np.float32 and tile_outputs(weight, [axis.positions for axis in axes]) > 0

    def stages(self, task: Task) -> Iterator[Stage]:
        """Transform tiles, multiply them point by point, and transform back; some rows of tiles at a time."""
        assert task.weight is not None
        down, across = self.axes
        channels, m, points = self.shape[-1], self.m, self.points
        x, out = task.x, task.out
        data, taps, inverse = (matrix.astype(x.dtype) for matrix in matrices(m, down.kernel))
        filters: Filters = task.weight.form(f"F{m}", lambda w: _filters(w, taps, self.pieces))
        finish = Finisher(task, out, channels_last)
        yield from finish.first
        lines, tiles = self.lines, self.tiles

        def block(calls: Calls, start: int, stop: int) -> None:
            for image in range(start // lines, -(-stop // lines)):
                first, last = max(start - image * lines, 0), min(stop - image * lines, lines)
                top, bottom = first * m, min(last * m, down.positions)
                source = self._transformed(calls, x[image], task.before.clip, data, first, last)
                product = calls.scratch("even", (*source.shape[:2], channels), x.dtype)
                filters.multiply(source, product, calls.do)
                calls.products += source.size * channels
                shape = (points, points, last - first, tiles, channels)
                self._untransform(calls, product.reshape(shape), inverse, out[image, top:bottom])
                begin = image * down.positions
                finish(calls, (begin + top) * across.positions, (begin + bottom) * across.positions)

        yield Stage(len(x) * lines, self.step, block, self.direct // 3)

    def _transformed(self, calls: Calls, image: Array, clip: Clip | None, data: Array, first: int, last: int) -> Array:
        """Return Bᵀ d B of the tiles in rows of tiles first … last, as (points², tiles, C)."""
        down, across = self.axes
        m, tiles, points, channels, bands = self.m, self.tiles, self.points, image.shape[-1], last - first
        height, width = bands * m + points - m, tiles * m + points - m
        source = calls.scratch("even", (height, width, channels), image.dtype)
        top, left = first * m - down.before, across.before
        low, high = max(0, -top), min(height, down.size - top)
        end = min(left + across.size, width)
        for edge in (source[:low], source[high:], source[low:high, :left], source[low:high, end:]):
            calls.zero(edge)
        calls.fill(source[low:high, left:end], image[top + low : top + high, : end - left], clip)
        row, item = source.strides[0], source.itemsize
        overlapping: Array = np.ndarray((bands, points, width * channels), image.dtype, source, 0, (m * row, row, item))
        vertical = calls.scratch("odd", (bands, points, width, channels), image.dtype)
        calls.do(np.matmul, data, overlapping, out=vertical.reshape(bands, points, -1))
        column = channels * item
        tiled: Array = np.ndarray(
            (points, points, bands, tiles, channels), image.dtype, vertical, 0,
            (column, width * column, points * width * column, m * column, item),
        )  # fmt: skip
        gathered = calls.scratch("even", tiled.shape, image.dtype)
        calls.fill(gathered, tiled)
        result = calls.scratch("odd", (points * points, bands * tiles, channels), image.dtype)
        transform(data, gathered.reshape(points, -1), result.reshape(points, -1), self.pieces, calls.do)
        return result

    def _untransform(self, calls: Calls, product: Array, inverse: Array, out: Array) -> None:
        """Write Aᵀ p A of (points across, points down, bands, tiles, out) to rows (H, W, out) of the output."""
        m, points = inverse.shape
        _, _, bands, tiles, channels = product.shape
        across = calls.scratch("odd", (m, points, bands * tiles * channels), out.dtype)
        transform(inverse, product.reshape(points, -1), across.reshape(m, -1), self.pieces, calls.do)
        both = calls.scratch("even", (m, m, bands, tiles, channels), out.dtype)  # (across, down, …)
        calls.do(np.matmul, inverse, across, out=both.reshape(m, m, -1))
        height, width = out.shape[:2]
        if height == bands * m and width == tiles * m:
            calls.fill(out.reshape(bands, m, tiles, m, channels), both.transpose(2, 1, 3, 0, 4))
            return
        for j in range(m):
            for i in range(m):
                target = out[i::m, j::m]
                calls.fill(target, both[j, i, : target.shape[0], : target.shape[1]])


def tile_outputs(shape: Sequence[int], counts: Sequence[int]) -> int:
    """Return m for filters (out, C, K, K) and a map of `counts` positions; 0 where it does not pay."""
    if len(counts) != 2 or min(counts) < WINOGRAD_SMALLEST:
        return 0
    if min(shape[:2]) < WINOGRAD_CHANNELS[min(counts) >= WINOGRAD_WIDE_MAP]:
        return 0
    if tuple(shape[2:]) == (5, 5):
        return 2
    return (4 if min(counts) >= WINOGRAD_LARGE_TILES else 2) if tuple(shape[2:]) == (3, 3) else 0


@cache
def matrices(m: int, taps: int) -> Transform:
    """Return the matrices of m outputs: evaluate at the points, multiply, interpolate (Toom and Cook)."""
    points = POINTS[m + taps - 2]
    others = [[q for q in points if q != p] for p in points]
    scales = [prod((p - q for q in rest), start=Fraction(1)) for p, rest in zip(points, others, strict=True)]
    data = [[*_coefficients(rest), Fraction(0)] for rest in others] + [_coefficients(points)]
    filters = [[p**k / scale for k in range(taps)] for p, scale in zip(points, scales, strict=True)]
    filters.append([Fraction(k == taps - 1) for k in range(taps)])
    inverse = [[*(p**k for p in points), int(k == m - 1)] for k in range(m)]
    return Transform(*(np.array(matrix, np.float64) for matrix in (data, filters, inverse)))


def _coefficients(roots: Sequence[Fraction]) -> list[Fraction]:
    """Return the coefficients of Π (x - root), the constant first."""
    found = [Fraction(1)]
    for root in roots:
        found = [low - root * high for low, high in zip([Fraction(0), *found], [*found, Fraction(0)], strict=True)]
    return found


def _filters(weight: Array, g: Array, pieces: bool) -> Filters:
    """Return G g Gᵀ for every filter, as (points², C, out); some channels at a time, to save memory."""
    channels, depth, size, _ = weight.shape
    points = len(g)
    made = Filters.empty((points * points, depth, channels), weight.dtype, pieces)
    step = max(1, WINOGRAD_PACKED // channels)
    for start in range(0, depth, step):
        taps = np.ascontiguousarray(weight[:, start : start + step].transpose(3, 2, 1, 0))  # across, down, C, out
        across = (g @ taps.reshape(size, -1)).reshape(points, size, -1)
        made.write(start, np.matmul(g, across).reshape(points * points, -1, channels))
    return made
