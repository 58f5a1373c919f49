"""NumPy implementations of operators that have no layer type.  Arrays are (N, …); a constant has N = 1.

Each is one of https://onnx.ai/onnx/operators/.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from cnncalc.ground.limits import MAX_REGION_SAMPLES
from cnncalc.layers.base import LayerError

if TYPE_CHECKING:
    import numpy.typing as npt

    Array: TypeAlias = npt.NDArray[Any]

Settings = Mapping[str, Any]
Rule = Callable[..., "Array"]


def dft(settings: Settings, x: Array) -> Array:
    """Return the Fourier transform along one axis; the last axis holds real numbers, or real and imaginary parts."""
    axis, length, bins = settings["along"], settings["length"], settings["bins"]
    complexes = x[..., 0] if x.shape[-1] == 1 else x[..., 0] + 1j * x[..., 1]
    if settings["parts"] == 1:
        real: Array = np.fft.irfft(complexes, length, axis=axis)[..., None].astype(x.dtype)
        return real
    transform = np.fft.ifft if settings["inverse"] else np.fft.fft
    found = transform(complexes, length, axis=axis).take(range(bins), axis=axis)
    result: Array = np.stack([found.real, found.imag], -1).astype(x.dtype)
    return result


def stft(settings: Settings, x: Array, window: Array | None = None) -> Array:
    """Return the Fourier transform of each window of a signal: (N, L, 1 or 2) gives (N, windows, bins, 2)."""
    starts = np.arange(settings["count"]) * settings["step"]
    frames = x[:, starts[:, None] + np.arange(settings["length"])]  # (N, windows, length, 1 or 2)
    if window is not None:
        frames = frames * window.reshape(-1, 1)
    return dft({**settings, "along": 2, "inverse": False}, frames)


def reverse_sequence(settings: Settings, x: Array, lengths: Array) -> Array:
    """Return x with the first ``lengths[n]`` steps of each sample n in reverse order."""
    axis = settings["along"]
    steps = np.arange(x.shape[axis]).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
    count = lengths.reshape(-1, *[1] * (x.ndim - 1)).astype(int)
    places = np.broadcast_to(np.where(steps < count, count - 1 - steps, steps), x.shape)
    result: Array = np.take_along_axis(x, places, axis)
    return result


def roi_align(settings: Settings, x: Array, regions: Array) -> Array:
    """Return each region, (N, regions, C, *size): every bin is pooled over points sampled in it (arXiv:1703.06870)."""
    size = settings["size"]
    rows = [
        [_region(settings, one, box, size) for box in boxes]
        for one, boxes in zip(x, np.broadcast_to(regions, (len(x), *regions.shape[1:])), strict=True)
    ]
    return np.stack([np.stack(row) for row in rows]).astype(x.dtype)


def _region(settings: Settings, x: Array, box: Array, size: tuple[int, int]) -> Array:
    """Return one region (C, *size) of a map (C, H, W)."""
    single = np.float32  # runtimes compute positions in single precision
    scaled = box.astype(single) * single(settings["scale"]) - single(0.5 if settings["half_pixel"] else 0)
    taken = []
    for low, high, parts, length in ((1, 3, size[0], x.shape[1]), (0, 2, size[1], x.shape[2])):
        extent = scaled[high] - scaled[low]
        part = (extent if settings["half_pixel"] else max(extent, single(1))) / single(parts)
        samples = settings["samples"] or max(int(np.ceil(part)), 1)
        if not 0 < samples <= MAX_REGION_SAMPLES:
            raise LayerError(f"takes {samples:,} points of a part of a region, not 1 to {MAX_REGION_SAMPLES}")
        inner = (np.arange(samples, dtype=single) + single(0.5)) * part / single(samples)
        places = (scaled[low] + np.arange(parts, dtype=single).reshape(-1, 1) * part + inner).reshape(-1)
        outside = (places < -1) | (places > length)
        places = places.clip(0, length - 1)
        first = np.floor(places).astype(int)
        taken.append((first, np.minimum(first + 1, length - 1), places - first, outside, samples))
    (top, bottom, down, above, rows), (left, right, along, beside, columns) = taken
    outside = above[:, None] | beside
    corners = [
        x[:, a][:, :, b] * (u[:, None] * v * ~outside)
        for a, u in ((top, 1 - down), (bottom, down))
        for b, v in ((left, 1 - along), (right, along))
    ]
    if settings["mode"] == "max":  # runtimes take the largest weighted corner, not the largest interpolated point
        points = np.maximum.reduce(corners)
        return np.asarray(points.reshape(len(x), size[0], rows, size[1], columns).max((2, 4)))
    return np.asarray(sum(corners).reshape(len(x), size[0], rows, size[1], columns).mean((2, 4)))


def max_roi_pool(settings: Settings, x: Array, regions: Array) -> Array:
    """Return the largest element in each bin of each region: (N, regions, C, *size), arXiv:1504.08083.

    Regions are (N, regions, 5): the index of the sample, which is ignored, and the corners, which are rounded.
    """
    corners = np.broadcast_to(regions, (len(x), *regions.shape[1:]))[..., 1:] * np.float32(settings["scale"])
    corners = np.trunc(corners + np.copysign(np.float32(0.5), corners)).astype(int)
    pooled = np.zeros((*corners.shape[:2], x.shape[1], *settings["size"]), x.dtype)
    for sample, number in np.ndindex(*corners.shape[:2]):
        left, top, right, bottom = corners[sample, number]
        rows = _bins(top, bottom, settings["size"][0], x.shape[2])
        columns = _bins(left, right, settings["size"][1], x.shape[3])
        for (i, row), (j, column) in product(enumerate(rows), enumerate(columns)):
            part = x[sample, :, row, column]
            if part.size:
                pooled[sample, number, :, i, j] = part.max((1, 2))
    return pooled


def _bins(first: int, last: int, count: int, length: int) -> list[slice]:
    """Return the ``count`` bins into which a region from element ``first`` to ``last`` of an axis is cut."""
    places = np.arange(count + 1, dtype=np.float32) * (np.float32(max(last - first + 1, 1)) / np.float32(count))
    cuts = np.stack([np.floor(places[:-1]), np.ceil(places[1:])], 1) + first
    return [slice(*cut) for cut in cuts.clip(0, length).astype(int).tolist()]


def moved_taps(settings: Settings, x: Array, kernel: Sequence[int], offset: Array, *masks: Array) -> Array:
    """Return the input at the moved taps of a deformable convolution, interpolated and multiplied by its mask.

    The shape is (N, groups, C / groups · taps, positions); arXiv:1703.06211, arXiv:1811.11168.
    """
    count, (height, width) = len(x), offset.shape[2:]
    parts, groups = settings["parts"], settings["groups"]
    offset = np.broadcast_to(offset, (count, *offset.shape[1:])).reshape(count, parts, *kernel, 2, height, width)
    places = []
    for axis, (out, reach) in enumerate(zip((height, width), kernel, strict=True)):
        base = np.arange(out) * settings["strides"][axis] - settings["pads"][axis]
        taps = np.arange(reach) * settings["dilations"][axis]
        base = base.reshape([-1, 1] if axis == 0 else [1, -1]) + taps.reshape(
            [-1, 1, 1, 1] if axis == 0 else [-1, 1, 1]
        )
        places.append(offset[..., axis, :, :] + base)
    channels = x.reshape(count, parts, -1, *x.shape[2:])
    total: Any = 0
    first = [np.floor(place).astype(int) for place in places]
    samples, part = np.ogrid[:count, :parts][0].reshape(-1, 1, 1, 1, 1, 1), np.arange(parts).reshape(1, -1, 1, 1, 1, 1)
    for corner in product((0, 1), repeat=2):
        at = [low + step for low, step in zip(first, corner, strict=True)]
        share: Any = 1
        for place, index, length in zip(places, at, x.shape[2:], strict=True):
            share = share * (1 - abs(place - index)) * ((index >= 0) & (index < length))
        rows, columns = [index.clip(0, length - 1) for index, length in zip(at, x.shape[2:], strict=True)]
        found = np.moveaxis(channels, 2, -1)[samples, part, rows, columns]  # (N, parts, *kernel, *out, C / parts)
        total = total + np.moveaxis(found * share[..., None].astype(x.dtype), -1, 2)
    for mask in masks:
        total = total * mask.reshape(len(mask), parts, 1, *kernel, height, width)
    result: Array = total.reshape(count, groups, -1, height * width)
    return result


def max_places(settings: Settings, x: Array) -> Array:
    """Return the index, in its sample, of the first largest element of each window: (N, C, *out)."""
    sizes, flat, inside = x.shape[2:], np.zeros((1, 1), int), np.ones((1, 1), bool)
    for axis, (size, count) in enumerate(zip(sizes, settings["sizes"], strict=True)):
        taps = np.arange(settings["kernel_size"][axis]) * settings["dilation"][axis] - settings["padding"][axis][0]
        at = np.arange(count)[:, None] * settings["stride"][axis] + taps  # (out, taps)
        flat = (flat[:, None, :, None] * size + at[None, :, None, :]).reshape(len(flat) * len(at), -1)
        is_inside = (at >= 0) & (at < size)
        inside = (inside[:, None, :, None] & is_inside[None, :, None, :]).reshape(flat.shape)
    elements = x.reshape(*x.shape[:2], -1)[..., np.where(inside, flat, 0)]
    best = np.where(inside, elements, -np.inf).argmax(-1)
    found = flat[np.arange(len(flat)), best] + np.arange(x.shape[1])[:, None] * int(np.prod(sizes))
    made: Array = found.reshape(*x.shape[:2], *settings["sizes"]).astype(x.dtype)
    return made


def max_unpool(settings: Settings, x: Array, places: Array) -> Array:
    """Return zeros (N, C, *sizes) with each element of x at its place."""
    sizes = settings["sizes"]
    made = np.zeros((len(x), x.shape[1] * int(np.prod(sizes))), x.dtype)
    at = np.broadcast_to(places, x.shape).reshape(len(x), -1).astype(int) % made.shape[1]
    np.put_along_axis(made, at, x.reshape(len(x), -1), 1)
    whole: Array = made.reshape(*x.shape[:2], *sizes)
    return whole


RULES: dict[str, Rule] = {
    "MaxPool": max_places, "MaxUnpool": max_unpool,
    "DFT": dft, "STFT": stft, "ReverseSequence": reverse_sequence, "RoiAlign": roi_align,
    "MaxRoiPool": max_roi_pool,
}  # fmt: skip
