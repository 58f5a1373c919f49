"""Poolings as PyTorch code; PyTorch's functions accept fewer kinds of padding than these layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING

from cnncalc.layers.arguments import LayerError
from cnncalc.layers.pytorch import Flow, ModuleCall, Or, TensorCode, Torch, X, call, mapped, pad, short
from cnncalc.layers.window import Pair, window_counts

if TYPE_CHECKING:
    from cnncalc.layers.pooling._windowed import WindowPool


def adaptive(flow: Flow, function: str, size: Sequence[int | None]) -> Torch:
    """Return a pooling to a given size; a single axis that is kept has its size written out."""
    d = mapped(flow.inputs[0], "adaptive pooling")
    sizes = tuple(size) if d > 1 else flow.output[1:]
    return Torch(call(function.format(d=d), X, sizes if None in sizes else short(sizes)))


def largest(layer: WindowPool, flow: Flow) -> Torch:
    """Return max pooling; an empty window gives the smallest finite number, as in the executor."""
    dilated = {"dilation": Or(short(layer.dilation or (1,)), 1)}
    if _is_plain(layer, flow):
        return Torch(_called("max", layer, flow, X, dilated, plain=True))
    empty = layer.rounding == "caffe" and not any(before or after for before, after in _pads(layer, flow))
    fill: object = call(":min", call("torch.finfo", call(":dtype", X))) if empty else -inf
    return Torch(_called("max", layer, flow, pad(X, _until(layer, flow), fill), dilated))


def averaged(layer: WindowPool, flow: Flow, count_include_pad: bool) -> Torch:
    """Return average pooling; if PyTorch would use another divisor, the divisor is computed separately."""
    if _is_plain(layer, flow) and not _is_small(layer, flow):
        return Torch(_called("avg", layer, flow, X, {"count_include_pad": Or(count_include_pad, True)}, plain=True))
    if not count_include_pad:
        around = _until(layer, flow)
        shares = _called("avg", layer, flow, pad(call("torch.ones_like", X), around), {})
        return Torch(call("/", _called("avg", layer, flow, pad(X, around), {}), shares))
    pads, ceil = _pads(layer, flow), layer.rounding != "floor"
    padded = (1, *[size + sum(pair) for size, pair in zip(flow.inputs[0][1:], pads, strict=True)])
    counts = window_counts(padded, layer.kernel_size, layer.stride, ((0, 0),) * len(pads), None, ceil)
    if any(have < wanted for have, wanted in zip(counts, flow.output[1:], strict=True)):
        raise LayerError("has no average of a window beyond the map (rounding: caffe)")
    value = _called("avg", layer, flow, pad(X, pads), {"ceil_mode": Or(ceil, False)})
    if counts == flow.output[1:]:
        return Torch(value)
    return Torch(call("[]", value, slice(None), slice(None), *[slice(count) for count in flow.output[1:]]))


def powered(layer: WindowPool, flow: Flow, p: float) -> Torch:
    """Return power-average pooling; its borders of zeros are added first."""
    x = pad(X, _until(layer, flow))
    d = mapped(flow.inputs[0], "pooling")
    step = {"stride": Or(short(layer.stride), short(layer.kernel_size))}
    return Torch(call(f"F.lp_pool{d}d", x, p, short(layer.kernel_size), **step))


def _called(
    name: str, layer: WindowPool, flow: Flow, x: TensorCode, options: Mapping[str, Or], plain: bool = False
) -> ModuleCall:
    """Return PyTorch's function of a map; ``plain``: with its own borders and rounding."""
    d = mapped(flow.inputs[0], "pooling")
    kernel = short(layer.kernel_size)
    step = {"stride": Or(short(layer.stride), kernel)}
    if plain:
        step["padding"] = Or(short(tuple([before for before, _ in _pads(layer, flow)])), 0)
        step["ceil_mode"] = Or(layer.rounding != "floor", False)
    return call(f"F.{name}_pool{d}d", x, kernel, **step, **options)


def _is_small(layer: WindowPool, flow: Flow) -> bool:
    """Whether an unpadded map of three axes is smaller than the kernel, which PyTorch's average refuses."""
    return len(flow.output) == 4 and any(a < b for a, b in zip(flow.inputs[0][1:], layer.kernel_size, strict=True))


def _is_plain(layer: WindowPool, flow: Flow) -> bool:
    """Whether PyTorch's function accepts the borders (at most half a kernel) and makes as many windows."""
    pads, ceil = _pads(layer, flow), layer.rounding != "floor"
    if any(before != after or before > k // 2 for (before, after), k in zip(pads, layer.kernel_size, strict=True)):
        return False
    return window_counts(flow.inputs[0], layer.kernel_size, layer.stride, pads, layer.dilation, ceil) == flow.output[1:]


def _until(layer: WindowPool, flow: Flow) -> list[Pair]:
    """Return borders that contain all windows, so that their number needs no rounding."""
    axes = zip(flow.inputs[0][1:], flow.output[1:], _pads(layer, flow), strict=True)
    steps = zip(layer.kernel_size, layer.stride, layer.dilation or (1,) * len(layer.stride), strict=True)
    found = []
    for (size, count, (before, _)), (kernel, stride, dilation) in zip(axes, steps, strict=True):
        end = (count - 1) * stride + dilation * (kernel - 1) + 1
        found.append((before, max(end - size - before, 0)))
    return found


def _pads(layer: WindowPool, flow: Flow) -> tuple[Pair, ...]:
    window = layer.sliding(flow.inputs)
    assert window is not None
    return window.pads
