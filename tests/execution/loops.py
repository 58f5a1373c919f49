"""Convolutions and poolings as plain nested loops over places and taps, which can be checked by eye: the reference of
the fast kernels.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

Pads = Sequence[tuple[int, int]]


def positions(size: int, extent: int, stride: int, pad: tuple[int, int], ceil: bool = False) -> list[int]:
    """Return where windows start, counted from the first element of the input."""
    starts = []
    for start in range(-pad[0], size + pad[1], stride):
        whole = start + extent <= size + pad[1]
        overhangs_little = start + extent - (size + pad[1]) < stride
        if whole or (ceil and overhangs_little and start < size):
            starts.append(start)
    return starts


def conv(
    x: Any, weight: Any, bias: Any, stride: Sequence[int], pads: Pads, dilation: Sequence[int], groups: int
) -> Any:
    """Correlate (N, C, *in) with (out, C / groups, *kernel)."""
    kernel = weight.shape[2:]
    starts = [
        positions(size, d * (k - 1) + 1, s, pad)
        for size, k, s, pad, d in zip(x.shape[2:], kernel, stride, pads, dilation, strict=True)
    ]
    out = np.zeros((len(x), len(weight), *map(len, starts)), x.dtype)
    depth, filters = weight.shape[1], len(weight) // groups
    for n, o in product(range(len(x)), range(len(weight))):
        for place in product(*(range(len(found)) for found in starts)):
            total = float(bias[o])
            group = slice(o // filters * depth, (o // filters + 1) * depth)
            for tap in product(*map(range, kernel)):
                at = [found[p] + t * d for found, p, t, d in zip(starts, place, tap, dilation, strict=True)]
                if all(0 <= a < size for a, size in zip(at, x.shape[2:], strict=True)):
                    total += x[(n, group, *at)] @ weight[(o, slice(None), *tap)]
            out[(n, o, *place)] = total
    return out


def conv_transpose(
    x: Any,
    weight: Any,
    bias: Any,
    stride: Sequence[int],
    pads: Pads,
    extra: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Any:
    """Add every input element, times its filter (C, out / groups, *kernel), to the places that the filter reaches."""
    kernel, depth = weight.shape[2:], weight.shape[1]
    sizes = [
        (size - 1) * s + d * (k - 1) + 1 - pad[0] - pad[1] + e
        for size, k, s, pad, e, d in zip(x.shape[2:], kernel, stride, pads, extra, dilation, strict=True)
    ]
    out: Any = np.zeros((len(x), depth * groups, *sizes), np.float64)
    out += bias.reshape(-1, *(1,) * len(kernel))
    for n, c in product(range(len(x)), range(x.shape[1])):
        first = c // (x.shape[1] // groups) * depth
        for place, tap in product(product(*map(range, x.shape[2:])), product(*map(range, kernel))):
            at = [p * s + t * d - pad[0] for p, s, t, d, pad in zip(place, stride, tap, dilation, pads, strict=True)]
            if all(0 <= a < size for a, size in zip(at, sizes, strict=True)):
                out[(n, slice(first, first + depth), *at)] += float(x[(n, c, *place)]) * weight[(c, slice(None), *tap)]
    return out.astype(x.dtype)


def pool(
    x: Any, kernel: Sequence[int], stride: Sequence[int], pads: Pads, ceil: bool, kind: str, padding_counts: bool = True
) -> Any:
    """Take the largest, or the mean, of each window; what overhangs the padded input never counts."""
    starts = [
        positions(size, k, s, pad, ceil) for size, k, s, pad in zip(x.shape[2:], kernel, stride, pads, strict=True)
    ]
    out = np.zeros((*x.shape[:2], *map(len, starts)), x.dtype)
    for n, c in product(*map(range, x.shape[:2])):
        for place in product(*(range(len(found)) for found in starts)):
            inside, members = [], 0
            for tap in product(*map(range, kernel)):
                at = [found[p] + t for found, p, t in zip(starts, place, tap, strict=True)]
                in_input = all(0 <= a < size for a, size in zip(at, x.shape[2:], strict=True))
                in_padded = all(a < size + pad[1] for a, size, pad in zip(at, x.shape[2:], pads, strict=True))
                members += in_padded if padding_counts else in_input
                if in_input:
                    inside.append(float(x[(n, c, *at)]))
            out[(n, c, *place)] = max(inside) if kind == "max" else sum(inside) / members
    return out


def locally_connected(x: Any, weight: Any, bias: Any, stride: Sequence[int], pads: Pads) -> Any:
    """Correlate with a separate filter at every place: weight (out, C, *places, *kernel), bias (out, *places)."""
    rank = x.ndim - 2
    places, kernel = weight.shape[2 : 2 + rank], weight.shape[2 + rank :]
    out = np.zeros((len(x), len(weight), *places), x.dtype)
    for place in product(*map(range, places)):
        at_place: tuple[Any, ...] = (slice(None), slice(None), *place)
        window: tuple[Any, ...] = tuple(slice(p * s, p * s + k) for p, s, k in zip(place, stride, kernel, strict=True))
        padded = np.pad(x, [(0, 0), (0, 0), *pads])
        for n, o in product(range(len(x)), range(len(weight))):
            out[(n, o, *place)] = (padded[(n, slice(None), *window)] * weight[at_place][o]).sum() + bias[(o, *place)]
    return out
