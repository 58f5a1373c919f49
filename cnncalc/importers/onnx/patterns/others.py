"""Biases of linear layers and convolutions, shuffles of channels and pixels, and patches of a map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.importers.onnx.patterns.fuser import is_plain
from cnncalc.importers.onnx.steps import channel_axis, layer_of
from cnncalc.importers.onnx.values import ConstantInput, LayerStep, Value
from cnncalc.layers.shape.gather import Gather

if TYPE_CHECKING:
    from cnncalc.importers.onnx.patterns.fuser import Fuser


def linear_bias(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """A shift of exactly the outputs of a linear layer, or of a quantised convolution, is its bias."""
    before = fuser.maker(step.inputs[0], "linear", "conv")
    if before is None or before["bias"]:
        return None
    shape, output, axis = step["shape"], step.output.shape, channel_axis(before)
    if before.layer.type == "conv" and before.calls[0].op != "ConvInteger":
        return None
    if shape is None or shape[axis] != output[axis] or any(size != 1 for i, size in enumerate(shape) if i != axis):
        return None
    bias = fuser.build.view(step.tensors["weight"].value, (output[axis],), None)
    arguments = {name: before[name] for name in before.layer.arguments} | {"bias": True}
    tensors = {**before.tensors, "bias": ConstantInput(bias)}
    return fuser.put([before, step], before.layer.type, before.inputs, tensors, **arguments)


def shuffle(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """A reshape, a permutation and a reshape that put channels or pixels into another order."""
    found = fuser.chain(step.inputs[0], "permute", "reshape")
    if found is None or not (is_plain(step) and is_plain(found[1])):
        return None
    turned, split = found
    x, inner, shape, dims = split.inputs[0], split.output.shape, step.output.shape, turned["dims"]
    parts = [split, turned, step]
    if dims == (1, 0, *range(2, len(inner))) and x.shape == shape and inner[2:] == shape[1:]:
        return fuser.put(parts, "channel_shuffle", [x], groups=inner[0])
    if len(inner) != 5 or len(shape) != 3 or len(x.shape) != 3:
        return None
    if (
        dims == (0, 3, 1, 4, 2)
        and inner[1] == inner[2]
        and x.shape == (inner[0] * inner[1] ** 2, *inner[3:])
        and shape == (inner[0], inner[3] * inner[1], inner[4] * inner[1])
    ):
        return fuser.put(parts, "pixel_shuffle", [x], upscale_factor=inner[1])
    if (
        dims == (0, 2, 4, 1, 3)
        and inner[2] == inner[4]
        and x.shape == (inner[0], inner[1] * inner[2], inner[3] * inner[2])
        and shape == (inner[0] * inner[2] ** 2, inner[1], inner[3])
    ):
        return fuser.put(parts, "pixel_unshuffle", [x], downscale_factor=inner[2])
    return None


def patches(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """PyTorch's Unfold: the positions of all taps in all windows, gathered along each of two axes."""
    found = fuser.chain(step.inputs[0], "permute", "reshape", "gather", "reshape", "gather")
    if found is None or not is_plain(step) or found[0]["dims"] != (0, 1, 3, 2, 4):
        return None
    _, split, across, _, down = found
    grids = [_grid(at, *sizes) for at, sizes in ((down, split.output.shape[1:3]), (across, split.output.shape[3:]))]
    x, parts = down.inputs[0], [step, *found]
    keeps_rows = across.inputs[0].shape == (*x.shape[:1], *split.output.shape[1:3], *x.shape[2:])
    if None in grids or down["axis"] != 1 or across["axis"] != 3 or len(x.shape) != 3 or not keeps_rows:
        return None
    pad = fuser.maker(x, "pad")
    padding: object = 0
    if pad is not None and (pad["mode"], pad["value"], pad["channels"]) == ("constant", 0, (0, 0)):
        x, padding, parts = pad.inputs[0], pad["padding"], [*parts, pad]
    dilation, stride = zip(*[grid for grid in grids if grid is not None], strict=True)
    layer = layer_of(
        "im2col",
        {"kernel_size": split.output.shape[1:4:2], "padding": padding, "stride": stride, "dilation": dilation},
    )
    columns = Value("", layer.apply((x.shape,)).output)
    columns.axis, columns.times = x.axis, x.times
    new = LayerStep(layer, [x], columns, {}, down.calls)
    if columns.shape == step.output.sample:
        return fuser.replace(parts[::-1], layer, [x])
    return fuser.replace(parts[::-1], layer_of("reshape", {"shape": step.output.sample}), [columns], new=[new])


def _grid(gather: LayerStep, taps: int, windows: int) -> tuple[int, int] | None:
    """Return the steps from tap to tap and from window to window by which positions are gathered; None for others."""
    chosen = gather.layer.chosen if isinstance(gather.layer, Gather) else None
    if chosen is None or min(taps, windows) < 2 or len(chosen) != taps * windows:
        return None
    dilation, stride = chosen[windows], chosen[1]
    is_grid = chosen == tuple([i * dilation + j * stride for i in range(taps) for j in range(windows)])
    return (dilation, stride) if is_grid and min(dilation, stride) > 0 else None
