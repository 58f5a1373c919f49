"""Poolings as PyTorch code; PyTorch's functions accept fewer kinds of padding than these layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING

from cnncalc.layers.arguments import LayerError
from cnncalc.layers.window import Pair, window_counts

if TYPE_CHECKING:
    from cnncalc.layers.interfaces import ModuleCall, Or, TensorCode, Torch
    from cnncalc.layers.pooling._windowed import WindowPool


def adaptive(torch: Torch, function: str, size: Sequence[int | None]) -> TensorCode:
    """Return a pooling to a given size; a single axis that is kept has its size written out."""
    d = torch.mapped("adaptive pooling")
    sizes = tuple(size) if d > 1 else torch.output[1:]
    return torch.call(function.format(d=d), torch.x, sizes if None in sizes else torch.short(sizes))


def largest(layer: WindowPool, torch: Torch) -> TensorCode:
    """Return max pooling; an empty window gives the smallest finite number, as in the executor."""
    dilated = {"dilation": torch.option(torch.short(layer.dilation), 1)}
    if _is_plain(layer, torch):
        return _called("max", layer, torch, torch.x, dilated, plain=True)
    empty = layer.rounding == "caffe" and not any(before or after for before, after in _pads(layer, torch))
    fill: object = torch.call(":min", torch.call("torch.finfo", torch.call(":dtype", torch.x))) if empty else -inf
    return _called("max", layer, torch, torch.pad(torch.x, _until(layer, torch), fill), dilated)


def averaged(layer: WindowPool, torch: Torch, count_include_pad: bool) -> TensorCode:
    """Return average pooling; if PyTorch would use another divisor, the divisor is computed separately."""
    _without_gaps(layer)
    if _is_plain(layer, torch) and not _is_small(layer, torch):
        return _called(
            "avg", layer, torch, torch.x, {"count_include_pad": torch.option(count_include_pad, True)}, plain=True
        )
    if not count_include_pad:
        around = _until(layer, torch)
        shares = _called("avg", layer, torch, torch.pad(torch.call("torch.ones_like", torch.x), around), {})
        return torch.call("/", _called("avg", layer, torch, torch.pad(torch.x, around), {}), shares)
    pads, ceil = _pads(layer, torch), layer.rounding != "floor"
    padded = (1, *[size + sum(pair) for size, pair in zip(torch.shapes[0][1:], pads, strict=True)])
    counts = window_counts(padded, layer.kernel_size, layer.stride, ((0, 0),) * len(pads), None, ceil)
    if any(have < wanted for have, wanted in zip(counts, torch.output[1:], strict=True)):
        raise LayerError("has no average of a window beyond the map (rounding: caffe)")
    value = _called("avg", layer, torch, torch.pad(torch.x, pads), {"ceil_mode": torch.option(ceil, False)})
    if counts == torch.output[1:]:
        return value
    return torch.call("[]", value, slice(None), slice(None), *[slice(count) for count in torch.output[1:]])


def powered(layer: WindowPool, torch: Torch, p: float) -> TensorCode:
    """Return power-average pooling; its borders of zeros are added first."""
    _without_gaps(layer)
    x = torch.pad(torch.x, _until(layer, torch))
    d = torch.mapped("pooling")
    step = {"stride": torch.option(torch.short(layer.stride), torch.short(layer.kernel_size))}
    return torch.call(f"F.lp_pool{d}d", x, p, torch.short(layer.kernel_size), **step)


def _called(
    name: str, layer: WindowPool, torch: Torch, x: TensorCode, options: Mapping[str, Or], plain: bool = False
) -> ModuleCall:
    """Return PyTorch's function of a map; ``plain``: with its own borders and rounding."""
    d = torch.mapped("pooling")
    kernel = torch.short(layer.kernel_size)
    step = {"stride": torch.option(torch.short(layer.stride), kernel)}
    if plain:
        step["padding"] = torch.option(torch.short(tuple([before for before, _ in _pads(layer, torch)])), 0)
        step["ceil_mode"] = torch.option(layer.rounding != "floor", False)
    return torch.call(f"F.{name}_pool{d}d", x, kernel, **step, **options)


def _without_gaps(layer: WindowPool) -> None:
    """Raise LayerError if a window has gaps, for which PyTorch has only the maximum."""
    if max(layer.dilation) > 1:
        raise LayerError("has no average or norm of a window with gaps (dilation)")


def _is_small(layer: WindowPool, torch: Torch) -> bool:
    """Whether an unpadded map of three axes is smaller than the kernel, which PyTorch's average refuses."""
    return len(torch.output) == 4 and any(a < b for a, b in zip(torch.shapes[0][1:], layer.kernel_size, strict=True))


def _is_plain(layer: WindowPool, torch: Torch) -> bool:
    """Whether PyTorch's function accepts the borders (at most half a kernel) and makes as many windows."""
    pads, ceil = _pads(layer, torch), layer.rounding != "floor"
    if any(before != after or before > k // 2 for (before, after), k in zip(pads, layer.kernel_size, strict=True)):
        return False
    counts = window_counts(torch.shapes[0], layer.kernel_size, layer.stride, pads, layer.dilation, ceil)
    return counts == torch.output[1:]


def _until(layer: WindowPool, torch: Torch) -> list[Pair]:
    """Return borders that contain all windows, so that their number needs no rounding."""
    axes = zip(torch.shapes[0][1:], torch.output[1:], _pads(layer, torch), strict=True)
    steps = zip(layer.kernel_size, layer.stride, layer.dilation, strict=True)
    found = []
    for (size, count, (before, _)), (kernel, stride, dilation) in zip(axes, steps, strict=True):
        end = (count - 1) * stride + dilation * (kernel - 1) + 1
        found.append((before, max(end - size - before, 0)))
    return found


def _pads(layer: WindowPool, torch: Torch) -> tuple[Pair, ...]:
    window = layer.sliding(torch.shapes)
    assert window is not None
    return window.pads
