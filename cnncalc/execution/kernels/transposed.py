"""Transposed convolution of any rank: every tap of the kernel is a matrix product, added where it lands."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from cnncalc.execution.kernels.axes import per_axis
from cnncalc.execution.kernels.engine import BLOCK, Engine, channels_first, channels_last

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, Padding, Sizes


def conv_transpose(
    engine: Engine,
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Sizes,
    padding: Padding,
    output_padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> Array:
    """Scatter (N, C, *in) through (C, out / groups, *kernel); see `Ops.conv_transpose`."""
    if x.ndim != weight.ndim or x.shape[1] != len(weight) or len(weight) % groups:
        raise ValueError(f"filters {weight.shape} in {groups} groups do not fit an input {x.shape}")
    rank = x.ndim - 2
    steps, spread = per_axis(stride, rank), per_axis(dilation, rank)
    depth = weight.shape[1]
    last = np.ascontiguousarray(channels_last(x))
    rows = last.reshape(-1, groups, last.shape[-1] // groups).transpose(1, 0, 2)
    filters = engine.packed(
        weight, f"taps {groups}", lambda w: w.reshape(groups, len(w) // groups, depth, -1).transpose(3, 0, 1, 2)
    )
    full, crop = _extents(last.shape[1:-1], weight.shape[2:], steps, padding, output_padding, spread)
    out = np.zeros((len(x), *full, groups * depth), x.dtype)
    taps = list(product(*map(range, weight.shape[2:])))

    def block(start: int, stop: int) -> None:  # images: taps of one image land on the same elements
        for image in range(start, stop):
            here = rows[:, image * (rows.shape[1] // len(x)) : (image + 1) * (rows.shape[1] // len(x))]
            for number, tap in enumerate(taps):
                landed = engine.multiply(here, filters[number]).transpose(1, 0, 2)
                target = out[image][_landing(last.shape[1:-1], tap, steps, spread)]
                target += landed.reshape(target.shape)

    engine.blocks(len(x), 1, block, x.size * weight[0].size)
    result = engine.empty(out[(slice(None), *crop)].shape, x.dtype)
    result[...] = out[(slice(None), *crop)]
    finish = engine.finisher(result, engine.adder(bias))
    count = result.size // result.shape[-1]
    engine.blocks(count, max(1, BLOCK // result.shape[-1]), finish, elements=result.size)
    return channels_first(result)


def _landing(sizes: tuple[int, ...], tap: tuple[int, ...], steps: Any, spread: Any) -> tuple[slice, ...]:
    return tuple(
        slice(t * d, t * d + (size - 1) * s + 1, s) for size, t, s, d in zip(sizes, tap, steps, spread, strict=True)
    )


def _extents(
    sizes: tuple[int, ...], kernel: tuple[int, ...], steps: Any, padding: Padding, extra: Sizes, spread: Any
) -> tuple[list[int], list[slice]]:
    """Return what all taps reach, and what is kept of it."""
    full, crop = [], []
    rank = len(sizes)
    for size, k, s, p, more, d in zip(
        sizes, kernel, steps, per_axis(padding, rank), per_axis(extra, rank), spread, strict=True
    ):
        reach = (size - 1) * s + d * (k - 1) + 1
        if p == "same":
            surplus = reach - size * s
            before = max(surplus, 0) // 2
            after = surplus - before
        elif p == "valid":
            before = after = 0
        else:
            before, after = p if isinstance(p, (tuple, list)) else (p, p)
        end = reach - after + more
        if end <= before:
            raise ValueError(f"padding {before} + {after} leaves nothing of {reach}")
        full.append(max(reach, end))
        crop.append(slice(before, end))
    return full, crop
