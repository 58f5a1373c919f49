"""Pooling: one axis after the other, as shifted maxima or sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from cnncalc.execution.kernels.axes import Slide, per_axis, slides
from cnncalc.execution.kernels.engine import BLOCK, Engine, channels_first, channels_last

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, Padding, Rounding, Sizes


def max_pool(
    engine: Engine,
    x: Array,
    kernel: Sizes,
    stride: Sizes | None,
    padding: Padding,
    dilation: Sizes,
    rounding: Rounding,
) -> Array:
    """Take the largest of each window; see `Ops.max_pool`."""
    axes = slides(x.shape[2:], kernel, kernel if stride is None else stride, padding, dilation, rounding)
    least = float(np.finfo(x.dtype).min) if rounding == "caffe" else -np.inf  # of a window that holds nothing
    return channels_first(_slide(engine, channels_last(x), axes, np.maximum, least))


def avg_pool(
    engine: Engine,
    x: Array,
    kernel: Sizes,
    stride: Sizes | None,
    padding: Padding,
    rounding: Rounding,
    count_include_pad: bool,
) -> Array:
    """Average each window; see `Ops.avg_pool`."""
    axes = slides(x.shape[2:], kernel, kernel if stride is None else stride, padding, 1, rounding)
    out = _slide(engine, channels_last(x), axes, np.add, 0)
    divisors = [_members(axis, count_include_pad) for axis in axes]
    if all((members == members[0]).all() for members in divisors):
        out *= x.dtype.type(1 / prod(int(members[0]) for members in divisors))
    else:
        for axis, members in enumerate(divisors, 1):
            out /= members.astype(x.dtype).reshape(-1, *(1,) * (out.ndim - axis - 1))
    return channels_first(out)


def lp_pool(
    engine: Engine,
    x: Array,
    p: float,
    kernel: Sizes,
    stride: Sizes | None,
    padding: Padding,
    rounding: Rounding,
) -> Array:
    """Take (Σ xᵖ)^(1/p) of each window; see `Ops.lp_pool`."""
    axes = slides(x.shape[2:], kernel, kernel if stride is None else stride, padding, 1, rounding)
    out = _slide(engine, channels_last(x) ** p, axes, np.add, 0)
    return channels_first(out ** (1 / p))


def adaptive(x: Array, output_size: int | Sequence[int | None] | None, reduce: Callable[..., Any]) -> Array:
    """Reduce the bins ⌊i·in/out⌋ … ⌈(i+1)·in/out⌉ of each spatial axis with `reduce` (np.mean, np.max)."""
    last = channels_last(x)
    counts = per_axis(output_size, x.ndim - 2)
    if counts == (1,) * len(counts):  # one bin: all axes at once
        places = last.reshape(len(last), -1, last.shape[-1])
        if reduce is np.mean and places.shape[1]:  # BLAS sums faster
            whole = np.matmul(np.full(places.shape[1], 1 / places.shape[1], x.dtype), places)
        else:
            whole = reduce(places, axis=1)
        return channels_first(whole.reshape(len(last), *counts, -1))
    for axis, count in enumerate(counts, 1):
        size = last.shape[axis]
        if count is None or count == size:
            continue
        index: list[Any] = [slice(None)] * last.ndim
        bins = []
        for i in range(count):
            index[axis] = slice(i * size // count, -((i + 1) * size // -count))
            bins.append(reduce(last[tuple(index)], axis=axis, keepdims=True))
        last = bins[0] if count == 1 else np.concatenate(bins, axis=axis)
    return channels_first(last)


def _members(axis: Slide, count_include_pad: bool) -> Any:
    """Return how many elements each window of an axis averages over."""
    starts = np.arange(axis.positions) * axis.stride - axis.before
    low, high = (-axis.before, axis.size + axis.after) if count_include_pad else (0, axis.size)
    return np.minimum(starts + axis.kernel, high) - np.maximum(starts, low)


def _slide(engine: Engine, x: Array, axes: Sequence[Slide], merge: np.ufunc, neutral: float) -> Array:
    """Merge each window of (N, *in, C) with a ufunc, a block of positions of the first axis at a time."""
    out = engine.empty((len(x), *(axis.positions for axis in axes), x.shape[-1]), x.dtype)
    first = axes[0]
    line = prod(out.shape[2:]) * prod(axis.stride for axis in axes)

    def block(start: int, stop: int) -> None:
        for image in range(start // first.positions, -(-stop // first.positions)):
            low, high = max(start - image * first.positions, 0), min(stop - image * first.positions, first.positions)
            part = x[image : image + 1]
            for number, axis in enumerate(axes, 1):
                begin, count = (low, high - low) if number == 1 else (0, axis.positions)
                shape = (1, *part.shape[1:number], count, *part.shape[number + 1 :])
                final = number == len(axes)
                target = out[image : image + 1, low:high] if final else engine.scratch(f"pool{number}", shape, x.dtype)
                _merge(part, target, axis, number, begin, merge, neutral)
                part = target

    engine.blocks(len(x) * first.positions, max(1, BLOCK // line), block, elements=x.size)
    return out


def _merge(x: Array, out: Array, axis: Slide, number: int, first: int, merge: np.ufunc, neutral: float) -> None:
    """Merge the taps of one axis, counted `number`, into `out`, whose positions begin at `first`."""
    before: tuple[slice, ...] = (slice(None),) * number
    count = out.shape[number]
    meetings = [axis.meet(tap, first, count) for tap in range(axis.kernel)]
    whole = [met for met in meetings if met[0] == slice(0, count)]
    pairs = [(out[(*before, to)], x[(*before, of)]) for to, of in meetings if to.stop > to.start]
    if len(whole) >= 2 and len(pairs) > 1:  # begin with two taps that meet every position
        (_, a), (_, b) = whole[:2]
        merge(x[(*before, a)], x[(*before, b)], out=out)
        rest = [met for met in meetings if met is not whole[0] and met is not whole[1]]
        pairs = [(out[(*before, to)], x[(*before, of)]) for to, of in rest if to.stop > to.start]
    else:
        out[...] = neutral
    for target, source in pairs:
        merge(target, source, out=target)
