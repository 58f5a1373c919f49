"""Convolution with fewer multiplications: F(m × m, K × K) of Lavin and Gray 2015, arXiv:1509.09308."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cnncalc.execution.kernels.axes import Slide
from cnncalc.execution.kernels.engine import Clip, Engine, Kernel
from cnncalc.execution.kernels.filters import Filters

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

TILES = 64  # tiles of a block
PACKED = 1 << 13  # filters' channels that are transformed at a time


def fits(x: Array, weight: Array, axes: Sequence[Slide]) -> bool:
    """Tell whether the algorithm applies and pays."""
    plain = all(axis.stride == axis.dilation == 1 for axis in axes)
    counts = [axis.positions for axis in axes]
    return plain and x.dtype == np.float32 and tile_outputs(weight.shape, counts) > 0


def tile_outputs(shape: Sequence[int], counts: Sequence[int]) -> int:
    """Return m for filters (out, C, K, K) and a map of `counts` positions; 0 where it does not pay."""
    if len(counts) != 2 or min(counts) < 7 or min(shape[:2]) < (32 if min(counts) >= 12 else 128):
        return 0
    if tuple(shape[2:]) == (5, 5):
        return 2
    return (4 if min(counts) >= 24 else 2) if tuple(shape[2:]) == (3, 3) else 0


def winograd(engine: Engine, weight: Array, bias: Array | None, axes: Sequence[Slide]) -> Kernel:
    """Convolve (N, H, W, C) with (out, C, K, K).

    Every step reads what the one before it wrote, so that two pieces of scratch memory, even and odd, are enough.
    """
    down, across = axes
    channels, depth = weight.shape[:2]
    m = tile_outputs(weight.shape, (down.positions, across.positions))
    points = m + down.kernel - 1
    data, taps, inverse = (matrix.astype(weight.dtype) for matrix in matrices(m, down.kernel))
    filters: Filters = engine.packed(weight, f"F{m}", lambda w: _filters(w, taps, engine.pieces))
    add = engine.adder(bias)
    lines, tiles = -(-down.positions // m), -(-across.positions // m)
    method = f"Winograd F({m}×{m}, {down.kernel}×{down.kernel})"
    products = down.kernel * across.kernel * depth

    def convolve(x: Array) -> Array:
        out = engine.empty((len(x), down.positions, across.positions, channels), x.dtype)
        finish = engine.finisher(out, add)
        clip = engine.clipped_first()

        def block(start: int, stop: int) -> None:
            for image in range(start // lines, -(-stop // lines)):
                first, last = max(start - image * lines, 0), min(stop - image * lines, lines)
                top, bottom = first * m, min(last * m, down.positions)
                source = _transformed(engine, x[image], clip, axes, data, m, first, last, tiles)
                product = engine.scratch("even", (*source.shape[:2], channels), x.dtype)
                engine.apply(filters, source, product)
                shape = (points, points, last - first, tiles, channels)
                _untransform(engine, product.reshape(shape), inverse, out[image, top:bottom])
                begin = image * down.positions
                finish((begin + top) * across.positions, (begin + bottom) * across.positions)

        engine.blocks(len(x) * lines, max(1, TILES // tiles), block, out.size * products // 3)
        engine.shortcut(method, out.size * products)
        return out

    return convolve


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
    step = max(1, PACKED // channels)
    for start in range(0, depth, step):
        taps = np.ascontiguousarray(weight[:, start : start + step].transpose(3, 2, 1, 0))  # across, down, C, out
        across = (g @ taps.reshape(size, -1)).reshape(points, size, -1)
        made.write(start, np.matmul(g, across).reshape(points * points, -1, channels))
    return made


def _transformed(
    engine: Engine,
    image: Array,
    clip: Clip | None,
    axes: Sequence[Slide],
    data: Array,
    m: int,
    first: int,
    last: int,
    tiles: int,
) -> Array:
    """Return Bᵀ d B of the tiles in rows of tiles first … last, as (points², tiles, C)."""
    down, across = axes
    points, channels, bands = len(data), image.shape[-1], last - first
    height, width = bands * m + points - m, tiles * m + points - m
    source = engine.scratch("even", (height, width, channels), image.dtype)
    top, left = first * m - down.before, across.before
    low, high = max(0, -top), min(height, down.size - top)
    end = min(left + across.size, width)
    for edge in (source[:low], source[high:], source[low:high, :left], source[low:high, end:]):
        engine.zero(edge)
    engine.fill(source[low:high, left:end], image[top + low : top + high, : end - left], clip)
    row = source.strides[0]
    overlapping = as_strided(
        source, (bands, points, width * channels), (m * row, row, source.itemsize), writeable=False
    )
    vertical = engine.scratch("odd", (bands, points, width, channels), image.dtype)
    engine.do(np.matmul, data, overlapping, out=vertical.reshape(bands, points, -1))
    item, column = source.itemsize, channels * source.itemsize
    tiled = as_strided(
        vertical,
        (points, points, bands, tiles, channels),
        (column, width * column, points * width * column, m * column, item),
        writeable=False,
    )
    gathered = engine.scratch("even", tiled.shape, image.dtype)
    engine.fill(gathered, tiled, None)
    result = engine.scratch("odd", (points * points, bands * tiles, channels), image.dtype)
    engine.transform(data, gathered.reshape(points, -1), result.reshape(points, -1))
    return result


def _untransform(engine: Engine, product: Array, inverse: Array, out: Array) -> None:
    """Write Aᵀ p A of (points across, points down, bands, tiles, out) to rows (H, W, out) of the output."""
    m, points = inverse.shape
    _, _, bands, tiles, channels = product.shape
    across = engine.scratch("odd", (m, points, bands * tiles * channels), out.dtype)
    engine.transform(inverse, product.reshape(points, -1), across.reshape(m, -1))
    both = engine.scratch("even", (m, m, bands, tiles, channels), out.dtype)  # (across, down, …)
    engine.do(np.matmul, inverse, across, out=both.reshape(m, m, -1))
    height, width = out.shape[:2]
    if height == bands * m and width == tiles * m:
        engine.fill(out.reshape(bands, m, tiles, m, channels), both.transpose(2, 1, 3, 0, 4), None)
        return
    for j in range(m):
        for i in range(m):
            target = out[i::m, j::m]
            engine.fill(target, both[j, i, : target.shape[0], : target.shape[1]], None)
