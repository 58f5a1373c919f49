"""Padding, and resizing by the nearest or by linear interpolation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnncalc.execution.kernels.parts import channels_first, channels_last
from cnncalc.execution.kernels.windows import on_each_axis
from cnncalc.layers.interfaces import Array, Sizes

if TYPE_CHECKING:
    import numpy.typing as npt

NUMPY_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(x: Array, padding: Sequence[tuple[int, int]], mode: str, value: float) -> Array:
    """Pad or crop the last axes; see `Ops.pad`."""
    first = x.ndim - len(padding)
    kept = [slice(None)] * first
    widths = [(0, 0)] * first
    for before, after in padding:
        kept.append(slice(max(-before, 0), min(after, 0) or None))
        widths.append((max(before, 0), max(after, 0)))
    inner = x[tuple(kept)]
    options: dict[str, Any] = {"constant_values": value} if mode == "constant" else {}
    if x.ndim < 3:
        padded: Array = np.pad(inner, widths, NUMPY_MODES[mode], **options)  # type: ignore[call-overload]
        return padded
    last = [widths[0], *widths[2:], widths[1]]
    out = np.pad(channels_last(inner), last, NUMPY_MODES[mode], **options)  # type: ignore[call-overload]
    return channels_first(out)


def upsample(
    x: Array,
    size: Sizes | None,
    scale_factor: float | Sequence[float] | None,
    mode: str,
    align_corners: bool,
) -> Array:
    """Resize the spatial axes; see `Ops.upsample`."""
    if (size is None) == (scale_factor is None):
        raise ValueError("upsample takes either a size or a scale_factor")
    out = channels_last(x)
    rank = x.ndim - 2
    targets = on_each_axis(size, rank) if size is not None else (None,) * rank
    factors = on_each_axis(scale_factor, rank) if scale_factor is not None else (None,) * rank
    for axis, (target, factor) in enumerate(zip(targets, factors, strict=True), 1):
        length = out.shape[axis]
        count = int(length * factor) if target is None else target
        step = length / count if factor is None else 1 / factor
        if count == length and (mode == "linear" or step == 1):
            continue  # PyTorch copies such an axis, whatever the factor
        places = np.arange(count)
        if mode == "nearest":
            below = (places.astype(np.float32) * np.float32(step)).astype(int)  # in float32, as PyTorch computes it
            out = out.take(np.minimum(below, length - 1), axis)
        elif align_corners:
            out = _interpolated(out, places * ((length - 1) / max(count - 1, 1)), axis)
        else:
            out = _interpolated(out, np.maximum((places + 0.5) * step - 0.5, 0), axis)
    return channels_first(out)


def _interpolated(x: Array, places: npt.NDArray[np.float64], axis: int) -> Array:
    """Return x at real-valued places of an axis."""
    low = np.minimum(places.astype(int), x.shape[axis] - 1)
    high = np.minimum(low + 1, x.shape[axis] - 1)
    share = (places - low).astype(x.dtype).reshape(-1, *(1,) * (x.ndim - axis - 1))
    below = x.take(low, axis)
    difference = x.take(high, axis) - below
    difference *= share
    below += difference
    blended: Array = below
    return blended
