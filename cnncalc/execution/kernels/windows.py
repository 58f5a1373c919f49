"""Windows along the axes of an array, counted by NumPy on the array itself; no formula of ours is involved."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cnncalc.layers.interfaces import Array, Padding, Rounding, Sizes

Pads = tuple[tuple[int, int], ...]


class Slide(NamedTuple):
    """One axis of a sliding window: taps, steps, padding, and how many positions there are."""

    size: int
    kernel: int
    stride: int
    before: int
    after: int
    dilation: int
    positions: int

    @property
    def extent(self) -> int:
        """Elements from the first tap to the last."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def padded(self) -> int:
        """The length of the axis with padding, or up to the end of the last window if that overhangs."""
        return max(self.before + self.size + self.after, (self.positions - 1) * self.stride + self.extent)

    def meet(self, tap: int, first: int, count: int) -> tuple[slice, slice]:
        """Return which of the positions first … first + count have `tap` inside the input, and the elements they read.

        The first slice counts positions from `first`, the second elements of the input.
        """
        offset = first * self.stride + tap * self.dilation - self.before
        low = max(0, -(offset // self.stride))
        high = min(count, -((offset - self.size) // self.stride))
        if high <= low:
            return slice(0, 0), slice(0, 0)
        start = offset + low * self.stride
        return slice(low, high), slice(start, start + (high - low - 1) * self.stride + 1, self.stride)


class Slides(tuple[Slide, ...]):
    """The axes of one window."""

    @cached_property
    def is_point(self) -> bool:
        """Whether the window has a single tap and stays inside the input."""
        return all(axis.kernel == 1 and axis.before == axis.after == 0 for axis in self)

    @cached_property
    def padded(self) -> tuple[int, ...]:
        """The lengths of the axes with padding (see `Slide.padded`)."""
        return tuple([axis.padded for axis in self])

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where an input (N, *in, C) begins in its padded form, the batch counted."""
        return (0, *[axis.before for axis in self])

    @cached_property
    def skips(self) -> bool:
        """Whether some axis has a stride."""
        return any(axis.stride > 1 for axis in self)

    @cached_property
    def pads(self) -> bool:
        """Whether some axis has padding."""
        return any(axis.before or axis.after for axis in self)


def on_each_axis(value: Any, rank: int) -> tuple[Any, ...]:
    """Return one number per axis; a single number is used for all."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != rank:
            raise ValueError(f"{len(value)} numbers for {rank} spatial axes")
        return tuple(value)
    return (value,) * rank


@lru_cache(4096)
def slides(
    sizes: tuple[int, ...], kernel: Sizes, stride: Sizes, padding: Padding, dilation: Sizes = 1,
    rounding: Rounding = "floor",
) -> Slides:  # fmt: skip
    """Slide a window along axes of the given sizes.  Raises ValueError if the window does not fit."""
    found = []
    arguments = zip(
        sizes, *(on_each_axis(value, len(sizes)) for value in (kernel, stride, padding, dilation)), strict=True
    )
    axes = [(size, k, s, d, *_ends(size, k, s, p, d)) for size, k, s, p, d in arguments]
    if rounding == "caffe" and any(before or after for *_, before, after in axes):
        rounding = "ceil"  # Caffe drops a window that begins after the end, but only with padding
    for size, k, s, d, before, after in axes:
        count = _positions(size, d * (k - 1) + 1, s, before, after, rounding)
        if count < 1:
            raise ValueError(f"a window of {d * (k - 1) + 1} does not fit in {before} + {size} + {after}")
        found.append(Slide(size, k, s, before, after, d, count))
    return Slides(found)


def _ends(size: int, kernel: int, stride: int, padding: Any, dilation: int) -> tuple[int, int]:
    if padding == "valid":
        return 0, 0
    if padding == "same":  # a window for every stride that begins in the input
        wanted = len(range(0, size, stride))
        missing = max(0, (wanted - 1) * stride + dilation * (kernel - 1) + 1 - size)
        return missing // 2, missing - missing // 2
    if isinstance(padding, Sequence):
        before, after = padding
        return before, after
    return padding, padding


def _positions(size: int, extent: int, stride: int, before: int, after: int, rounding: Rounding) -> int:
    """Count the windows that NumPy finds on a padded axis.

    A window may overhang by less than a stride where it is not rounded down, if it starts in the input or before it.
    """
    padded = before + size + after
    if rounding == "floor":
        return _count(padded, extent, stride)
    count = _count(padded + stride - 1, extent, stride)
    while rounding == "ceil" and count and (count - 1) * stride >= before + size:
        count -= 1
    return count


def _count(size: int, extent: int, stride: int) -> int:
    """Return the number of windows that NumPy finds on an axis; the array takes no memory, whatever its size."""
    if extent > size:
        return 0
    axis = np.broadcast_to(np.float32(0), size)
    return len(sliding_window_view(axis, extent)[::stride])


def windows(x: Array, axes: Sequence[Slide]) -> Array:
    """Return the view (N, *out, *kernel, C) of a padded (N, *in, C)."""
    spatial = tuple(range(1, x.ndim - 1))
    found = sliding_window_view(x, tuple([axis.extent for axis in axes]), axis=spatial)  # (N, *every, C, *extent)
    places = tuple([slice(None, axis.positions * axis.stride, axis.stride) for axis in axes])
    taps = tuple([slice(None, None, axis.dilation) for axis in axes])
    channels, last = len(axes) + 1, 2 * len(axes) + 2
    return found[(slice(None), *places, slice(None), *taps)].transpose(
        *range(channels), *range(channels + 1, last), channels
    )
