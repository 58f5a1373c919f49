"""Convolution of a map with few channels, as a network's first is: windows are gathered once a row of the input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from numpy.lib.stride_tricks import as_strided

from cnncalc.execution.kernels.axes import Slide
from cnncalc.execution.kernels.engine import BLOCK, Engine, Kernel

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array

FEW = 4  # channels


def fits(weight: Array, axes: Sequence[Slide]) -> bool:
    """Tell whether this pays: windows that copying channels-last runs would take apart."""
    if len(axes) != 2 or axes[0].dilation > 1:
        return False
    return weight.shape[1] <= FEW and axes[1].kernel > 1 and axes[1].positions >= 8


def shallow(engine: Engine, weight: Array, bias: Array | None, axes: Sequence[Slide]) -> Kernel:
    """Convolve (N, H, W, C) with (out, C, KH, KW).

    A line of the input is laid out as (KW · C, columns), once for all windows that reach it; the KH lines of one
    output line then are a matrix (KH · KW · C, columns) as they stand.
    """
    down, across = axes
    channels, depth = weight.shape[:2]
    taps = across.kernel * depth
    filters = engine.filters(weight, "lines", lambda w: w.transpose(2, 3, 1, 0).reshape(-1, channels))
    add = engine.adder(bias)
    step = max(1, 2 * BLOCK // (across.positions * max(taps * down.stride, channels)))

    def convolve(x: Array) -> Array:
        out = engine.empty((len(x), down.positions, across.positions, channels), x.dtype)
        finish = engine.finisher(out, add)
        framed = engine.padded(x, axes, planes=True)  # as a picture comes: its lines are copied whole

        def block(start: int, stop: int) -> None:
            for image in range(start // down.positions, -(-stop // down.positions)):
                first = max(start - image * down.positions, 0)
                last = min(stop - image * down.positions, down.positions)
                source = framed[image, first * down.stride : (last - 1) * down.stride + down.kernel]
                unrolled = _unrolled(engine, source, across, taps)
                line, item = unrolled.strides[0], unrolled.itemsize
                matrix = as_strided(
                    unrolled,
                    (last - first, across.positions, down.kernel * taps),
                    (down.stride * line, item, across.positions * item),
                )
                engine.apply(filters, matrix, out[image, first:last])
            finish(start * across.positions, stop * across.positions)

        engine.blocks(len(x) * down.positions, step, block, out.size * filters.depth, out.size)
        return out

    return convolve


def _unrolled(engine: Engine, source: Array, across: Slide, taps: int) -> Array:
    """Return (lines, KW · C, columns) of a padded (lines, W, C)."""
    line, column, item = source.strides
    view = as_strided(
        source,
        (len(source), across.kernel, source.shape[-1], across.positions),
        (line, column * across.dilation, item, column * across.stride),
    )
    unrolled = engine.scratch("lines", view.shape, source.dtype)
    engine.fill(unrolled, view, None)
    return unrolled.reshape(len(source), taps, across.positions)
