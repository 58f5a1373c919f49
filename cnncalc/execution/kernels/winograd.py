"""Convolution with fewer multiplications: F(m × m, K × K) of Lavin and Gray 2015, arXiv:1509.09308."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache, partial
from math import prod
from typing import NamedTuple

import numpy as np

from cnncalc.execution.kernels.kernel import Call, Calls, HeldWeight, Shape, Stage, Task
from cnncalc.execution.kernels.panels import Filters, transform
from cnncalc.execution.kernels.parts import Finisher, WithWeight, blocks, images, sheets
from cnncalc.execution.kernels.windows import Slides
from cnncalc.execution.tuning import (
    WINOGRAD_CHANNELS,
    WINOGRAD_LARGE_TILES,
    WINOGRAD_PACKED,
    WINOGRAD_SMALLEST,
    WINOGRAD_TILES,
    WINOGRAD_WIDE_MAP,
)  # fmt: skip
from cnncalc.layers.interfaces import Array, DType


class Transform(NamedTuple):
    """The matrices of F(m, K): outputs = Aᵀ [(G g) ⊙ (Bᵀ d)]."""

    data: Array
    filters: Array
    inverse: Array


class Inner(NamedTuple):
    """The parts of a block that use only scratch memory.

    Attributes:
        source: the padded lines (H, W, C) of the input.
        there: calls that make the tiles of them: Bᵀ d B.
        tiles: (points², tiles, C).
        product: (points², tiles, out), the tiles times the filters.
        back: calls that make the results of it: Aᵀ p A.
        results: (across, down, bands, tiles, out).
    """

    source: Array
    there: list[Call]
    tiles: Array
    product: Array
    back: list[Call]
    results: Array


# Interpolation points besides infinity, by their number: m + K − 2 for m outputs of K taps.
# ±2/3 and ±3/2 have a fifth of the float32 error of the usual ±1 and ±2.
POINTS = {
    3: (Fraction(0), Fraction(1), Fraction(-1)),
    5: (Fraction(0), Fraction(2, 3), Fraction(-2, 3), Fraction(3, 2), Fraction(-3, 2)),
}


class Winograd(WithWeight):
    """Convolves (N, H, W, C) with (out, C, K, K).

    Every step reads what the one before it wrote, so that two pieces of scratch memory, even and odd, are enough.
    """

    def __init__(self, batch: int, weight: Shape, axes: Slides, pieces: bool) -> None:
        """Prepare for filters (out, C, K, K)."""
        self.axes = down, across = axes
        self.pieces = pieces
        self.sizes = channels, depth = weight[:2]
        self.shape = (batch, down.positions, across.positions, channels)
        self.m = m = tile_outputs(weight, (down.positions, across.positions))
        self.points = points = m + down.kernel - 1
        self.transform = matrices(m, down.kernel)
        self.method = f"Winograd F({m}×{m}, {down.kernel}×{down.kernel})"
        self.products = down.kernel * across.kernel * depth
        self.direct = prod(self.shape) * self.products
        self.more = (points**2 - down.kernel**2) * channels * depth
        self.lines, self.tiles = -(-down.positions // m), -(-across.positions // m)
        self.step = max(1, WINOGRAD_TILES // self.tiles)
        bands = min(self.step, self.lines)
        self.blocks = blocks(batch * self.lines, self.step)
        self.calls = (18 + m * m) * images(batch, self.lines, self.step)
        self.finished = min(batch * self.lines // self.blocks * m, down.positions) * across.positions
        width = self.tiles * m + points - m
        count = bands * self.tiles
        source = (bands * m + points - m) * width * depth
        self.scratch = {
            "even": max(source, points**2 * count * max(depth, channels)),
            "odd": max(bands * points * width * depth, points**2 * count * depth, m * points * count * channels),
        }

    @staticmethod
    def fits(dtype: DType, weight: Shape, axes: Slides) -> bool:
        """Return whether the algorithm applies and is faster."""
        plain = all(axis.stride == axis.dilation == 1 for axis in axes)
        return plain and dtype == np.float32 and tile_outputs(weight, [axis.positions for axis in axes]) > 0

    def pack(self, weight: HeldWeight) -> Filters:
        """Return the transformed filters (points², C, out)."""
        return weight.form(f"F{self.m}", lambda w: _filters(w, self.transform.filters, self.pieces))

    def parts(self, task: Task, filters: Filters, finish: Finisher) -> Iterator[Stage]:
        """Transform tiles, multiply them point by point, and transform back; some rows of tiles at a time."""
        down, across = self.axes
        channels, m = self.shape[-1], self.m
        x, out = task.x, task.out
        lines = self.lines

        def block(calls: Calls, start: int, stop: int) -> None:
            for image, first, last in sheets(start, stop, lines):
                top, bottom = first * m, min(last * m, down.positions)
                bands = last - first
                inner = calls.shared((self, bands), partial(self._transforms, bands=bands))
                calls.frame(inner.source, x[image], (down.before - top, across.before), task.before.clip)
                calls.made += inner.there
                filters.multiply(inner.tiles, inner.product, calls.do)
                calls.products += inner.tiles.size * channels
                calls.made += inner.back
                self._scatter(calls, inner.results, out[image, top:bottom])
                begin = image * down.positions
                finish(calls, (begin + top) * across.positions, (begin + bottom) * across.positions)

        yield Stage(len(x) * lines, self.step, block, self.direct // 3)

    def _transforms(self, calls: Calls, bands: int) -> Inner:
        """Bind the parts that use only scratch memory, for a number of rows of tiles."""
        m, points, tiles, (out, depth) = self.m, self.points, self.tiles, self.sizes
        data, _, inverse = self.transform
        height, width, kind = bands * m + points - m, tiles * m + points - m, data.dtype
        source = calls.scratch("even", (height, width, depth), kind)
        row, item = source.strides[0], source.itemsize
        overlapping: Array = np.ndarray((bands, points, width * depth), kind, source, 0, (m * row, row, item))
        vertical = calls.scratch("odd", (bands, points, width, depth), kind)
        calls.do(np.matmul, data, overlapping, vertical.reshape(bands, points, -1))
        column = depth * item
        tiled: Array = np.ndarray(
            (points, points, bands, tiles, depth), kind, vertical, 0,
            (column, width * column, points * width * column, m * column, item),
        )  # fmt: skip
        gathered = calls.scratch("even", tiled.shape, kind)
        calls.fill(gathered, tiled)
        both = calls.scratch("odd", (points * points, bands * tiles, depth), kind)
        transform(data, gathered.reshape(points, -1), both.reshape(points, -1), self.pieces, calls.do)
        there, calls.made = calls.made, []
        product = calls.scratch("even", (points * points, bands * tiles, out), kind)
        across = calls.scratch("odd", (m, points, bands * tiles * out), kind)
        transform(inverse, product.reshape(points, -1), across.reshape(m, -1), self.pieces, calls.do)
        results = calls.scratch("even", (m, m, bands, tiles, out), kind)
        calls.do(np.matmul, inverse, across, results.reshape(m, m, -1))
        return Inner(source, there, both, product, calls.made, results)

    def _scatter(self, calls: Calls, results: Array, out: Array) -> None:
        """Write results (across, down, bands, tiles, out) to lines (H, W, out) of the output."""
        m, _, bands, tiles, channels = results.shape
        height, width = out.shape[:2]
        if height == bands * m and width == tiles * m:
            calls.fill(out.reshape(bands, m, tiles, m, channels), results.transpose(2, 1, 3, 0, 4))
            return
        for j in range(m):
            for i in range(m):
                target = out[i::m, j::m]
                calls.fill(target, results[j, i, : target.shape[0], : target.shape[1]])


def tile_outputs(shape: Sequence[int], counts: Sequence[int]) -> int:
    """Return m for filters (out, C, K, K) and a map of `counts` positions; 0 if the algorithm is not faster."""
    if len(counts) != 2 or min(counts) < WINOGRAD_SMALLEST:
        return 0
    if min(shape[:2]) < WINOGRAD_CHANNELS[min(counts) >= WINOGRAD_WIDE_MAP]:
        return 0
    if tuple(shape[2:]) == (5, 5):
        return 2
    return (4 if min(counts) >= WINOGRAD_LARGE_TILES else 2) if tuple(shape[2:]) == (3, 3) else 0


@cache
def matrices(m: int, taps: int) -> Transform:
    """Return the matrices of m outputs in float32: evaluate at the points, multiply, interpolate (Toom and Cook)."""
    points = POINTS[m + taps - 2]
    others = [[q for q in points if q != p] for p in points]
    scales = [prod((p - q for q in rest), start=Fraction(1)) for p, rest in zip(points, others, strict=True)]
    data = [[*_coefficients(rest), Fraction(0)] for rest in others] + [_coefficients(points)]
    filters = [[p**k / scale for k in range(taps)] for p, scale in zip(points, scales, strict=True)]
    filters.append([Fraction(k == taps - 1) for k in range(taps)])
    inverse = [[*(p**k for p in points), int(k == m - 1)] for k in range(m)]
    return Transform(*(np.array(matrix, np.float64).astype(np.float32) for matrix in (data, filters, inverse)))


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
