"""Layers that slide a window, or look at a whole map: convolutions, poolings, and the padding in front of them."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, cast

from cnncalc.deployment.lowering import Lowering, LoweringRule, last
from cnncalc.deployment.operators import DeviceTensor, Operator
from cnncalc.deployment.unsupported import UnsupportedError
from cnncalc.layers.reduction._reduction import axis_indices
from cnncalc.layers.window import Pair, Sliding, same_pad

if TYPE_CHECKING:
    from cnncalc.graph import Node
    from cnncalc.layers.convolution.conv import Conv
    from cnncalc.layers.convolution.conv_transpose import ConvTranspose
    from cnncalc.layers.pooling.avgpool import AvgPool
    from cnncalc.layers.pooling.maxpool import MaxPool
    from cnncalc.layers.reduction._reduction import Reduction
    from cnncalc.layers.shape.pad import Pad
    from cnncalc.layers.shapes import Shape

Cut = tuple[int, int, int]
"""First index, end and step of what is kept of an axis."""

KEPT_WHOLE: Cut = (0, 0, 1)
UNPADDED: tuple[Pair, ...] = ((0, 0), (0, 0))


def taps_of(node: Node) -> Sliding:
    """Return a layer's window, with figures for height and width; a map of one axis has height 1."""
    window = node.layer.window(node.use.inputs)
    assert window is not None
    missing = 2 - len(window.kernel)
    flat: Shape = (1,) * missing
    unpadded: tuple[Pair, ...] = ((0, 0),) * missing
    return Sliding(flat + window.kernel, flat + window.stride, unpadded + window.pads, flat + window.dilation)


def map_shape(node: Node) -> Shape:
    """Return a layer's output as (H, W, C)."""
    shape = last(node.shape)
    return shape if len(shape) == 3 else (1, *shape)


def reached(node: Node, taps: Sliding, shape: Shape) -> tuple[tuple[Pair, ...], bool]:
    """Return the padding that a layer's windows reach, before and after, along height and width, and whether it is
    none, or TensorFlow's SAME, so that the operator needs no PAD before it.

    ``shape`` is that of the map that the operator reads, channels last; without a height, that is 1.
    """
    sizes, found, same = (1, *shape[:-1])[-2:], [], []
    for axis in zip(sizes, taps.kernel, taps.stride, taps.dilation, taps.pads, map_shape(node), strict=False):
        size, kernel, stride, dilation, (before, _), out = axis
        end = (out - 1) * stride + dilation * (kernel - 1) + 1 - before
        found.append((before, max(end - size, 0)))
        same.append(same_pad(size, kernel, stride, dilation))
    return tuple(found), found == same or not any(map(sum, found))


def pads_itself(node: Node) -> bool:
    """Whether a convolution along at most two axes has no PAD before it."""
    return len(node.shape) <= 3 and reached(node, taps_of(node), last(node.use.inputs[0]))[1]


def padded(low: Lowering, node: Node, pads: tuple[Pair, ...]) -> DeviceTensor:
    """Return what a layer reads after a PAD operator."""
    flow = low.flat(node)
    *sizes, channels = flow.shape
    axes = pads[-len(sizes) :]
    shape = (*[size + sum(pair) for size, pair in zip(sizes, axes, strict=True)], channels)
    borders = low.integers(0, 0, *[side for pair in axes for side in pair], 0, 0)
    return low.emit("PAD", node, [flow], borders, shape=shape, name=f"{node.name} (padded)").output


def behind_padding(low: Lowering, node: Node, taps: Sliding, excluded: bool = True) -> tuple[DeviceTensor, Sliding]:
    """Return the tensor that a window slides over, after a PAD if it needs one, and the window without that padding.

    ``excluded`` says whether padding is left out of the result, as an average leaves out TensorFlow's own padding.
    """
    (flow,) = low.of(node)
    pads, is_own = reached(node, taps, flow.shape)
    if is_own and (excluded or not any(map(sum, taps.pads))):
        return low.with_height(node, flow), taps._replace(pads=pads)
    both = zip(taps.pads, pads, strict=True)
    whole = tuple([(before, max(after, behind)) for (before, after), (_, behind) in both])
    return low.with_height(node, padded(low, node, whole)), taps._replace(pads=UNPADDED)


# --- convolutions --------------------------------------------------------------------------------------------


def conv(low: Lowering, node: Node) -> None:
    """CONV_2D, or DEPTHWISE_CONV_2D if every channel is a group; with a bias of zeros if the layer has none.

    A single filter along one axis has its bias as an ADD, of a map without a height.
    """
    layer = cast("Conv", node.layer)
    taps = taps_of(node)
    flow, taps = behind_padding(low, node, taps._replace(pads=low.borders.get(node, taps.pads)))
    depthwise = 1 < layer.groups == node.use.inputs[0][0]
    operator = low.emit("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", node, [flow], shape=map_shape(node))
    is_apart = layer.bias and len(node.shape) == 2 and node.shape[0] == 1 < node.shape[1]
    _set_weights(low, node, operator, taps)
    operator.constants.append(low.bias(layer.out_channels, None if is_apart or not layer.bias else node.shares or node))
    low.takes_ahead(node, operator, not is_apart)
    if is_apart:
        flow = low.without_height(node, node, operator.output)
        bias = low.factors(1, ("bias", node.shares or node))
        low.summands[low.emit("ADD", node, [flow], bias)] = (1, 1)


def conv_transpose(low: Lowering, node: Node) -> None:
    """TRANSPOSE_CONV, and a STRIDED_SLICE unless the output is cut off as by TensorFlow's SAME, or not at all."""
    layer = cast("ConvTranspose", node.layer)
    if layer.groups > 1 or max(layer.dilation) > 1 or len(node.shape) != 3:
        raise UnsupportedError(
            node, "tflite-micro's TRANSPOSE_CONV has neither groups nor dilation, and maps of two axes"
        )
    (flow,) = low.of(node)
    taps, out = taps_of(node), map_shape(node)
    starts = [before for before, _ in taps.pads]
    axes = list(zip(starts, out, flow.shape, taps.kernel, taps.stride, strict=False))
    whole = out
    if not all(size == have * s and start == max(k - s, 0) // 2 for start, size, have, k, s in axes):
        whole = (*[(have - 1) * s + max(k, s) for _, _, have, k, s in axes], out[2])
        if any(start + size > full for start, size, full in zip(starts, out, whole, strict=False)):
            why = "its output_padding reaches beyond the output of TRANSPOSE_CONV"
            raise UnsupportedError(node, why, "use 'padding: same'")
    name = "" if whole == out else f"{node.name} (whole)"
    operator = low.emit("TRANSPOSE_CONV", node, [flow], low.integers(1, *whole), shape=whole, name=name)
    _set_weights(low, node, operator, taps)
    if layer.bias:
        operator.constants.append(low.bias(node.shape[0], node.shares or node))
    if whole != out:
        sliced(low, node, operator.output, out, cuts(out, starts))


def cuts(shape: Shape, starts: list[int]) -> dict[int, Cut]:
    """Return how a map is cut out of a larger one, along all axes but the channels."""
    return {axis: (start, start + size, 1) for axis, (start, size) in enumerate(zip(starts, shape[:-1], strict=True))}


def sliced(low: Lowering, node: Node, flow: DeviceTensor, shape: Shape, cut: dict[int, Cut]) -> None:
    """Append a STRIDED_SLICE: begin, end and strides of all axes are constants; (0, 0, 1) keeps one whole."""
    of_axes = [KEPT_WHOLE, *[cut.get(axis, KEPT_WHOLE) for axis in range(len(flow.shape))]]
    constants = [low.integers(*values) for values in zip(*of_axes, strict=True)]
    low.emit("STRIDED_SLICE", node, [flow], *constants, shape=shape)


def _set_weights(low: Lowering, node: Node, operator: Operator, taps: Sliding) -> None:
    """Give a convolution its window, its macs and its weights."""
    operator.taps, operator.macs = taps, node.macs()
    weight = node.use.weights["weight"]
    operator.constants.append(low.weight(prod(weight.shape), node.shape[0], node.shares or node))


# --- poolings ------------------------------------------------------------------------------------------------


def maxpool(low: Lowering, node: Node) -> None:
    """MAX_POOL_2D."""
    layer = cast("MaxPool", node.layer)
    if max(layer.dilation) > 1:
        raise UnsupportedError(node, "MAX_POOL_2D has no dilation")
    flow, taps = behind_padding(low, node, taps_of(node))
    _pool(low, node, "MAX_POOL_2D", flow, taps)


def avgpool(low: Lowering, node: Node) -> None:
    """AVERAGE_POOL_2D; padding that counts in the divisor is a PAD before it."""
    layer = cast("AvgPool", node.layer)
    if max(layer.dilation) > 1:
        raise UnsupportedError(node, "AVERAGE_POOL_2D has no dilation")
    taps = taps_of(node)
    counted = layer.count_include_pad and any(map(sum, taps.pads))
    (flow,) = low.of(node)
    if not layer.count_include_pad and not reached(node, taps, flow.shape)[1]:
        low.note(f"{node.name} leaves its padding out of the divisor, which AVERAGE_POOL_2D after PAD does not")
    flow, taps = behind_padding(low, node, taps, not counted)
    _pool(low, node, "AVERAGE_POOL_2D", flow, taps)


def adaptive_avgpool(low: Lowering, node: Node) -> None:
    """AVERAGE_POOL_2D if all bins have one size; MEAN if there is one bin."""
    sizes, out = node.use.inputs[0][1:], node.shape[1:]
    if set(out) == {1}:
        global_avgpool(low, node)
    elif len(out) != 2 or any(size % count for size, count in zip(sizes, out, strict=True)):
        hint = "use avgpool, or an input whose map the output's size divides"
        raise UnsupportedError(node, "tflite-micro has no pooling whose bins are of several sizes", hint)
    else:
        _averaged(low, node, low.of(node)[0], (sizes[0] // out[0], sizes[1] // out[1]))


def global_avgpool(low: Lowering, node: Node) -> None:
    """MEAN over height and width; or AVERAGE_POOL_2D, as users of older converters wrote."""
    if low.converter.mean:
        _reduced(low, node, "MEAN")
    else:
        flow = low.with_height(node, low.of(node)[0])
        _averaged(low, node, flow, (flow.shape[0], flow.shape[1]))


def global_maxpool(low: Lowering, node: Node) -> None:
    """REDUCE_MAX over height and width."""
    _reduced(low, node, "REDUCE_MAX")


def reduction(code: str) -> LoweringRule:
    """Return the rule of a reduction over any axes, kept as axes of 1 or not."""

    def rule(low: Lowering, node: Node) -> None:
        layer = cast("Reduction", node.layer)
        (tensor,) = node.inputs
        (flow,) = low.as_they_lie(node)
        over = axis_indices(layer.axis, tensor.shape)
        more = len(flow.shape) - len(tensor.shape)
        places = [place + more for place, axis in enumerate(low.order(tensor)) if axis in over]
        kept = [1 if place in places else size for place, size in enumerate(flow.shape)]
        left = [size for place, size in enumerate(flow.shape) if place not in places] or [1]
        shape = tuple(kept if layer.keepdims else left)
        low.emit(code, node, [flow], low.integers(*[place + 1 for place in places]), shape=shape)

    return rule


def _pool(low: Lowering, node: Node, code: str, flow: DeviceTensor, taps: Sliding) -> None:
    low.emit(code, node, [flow], shape=map_shape(node)).taps = taps


def _averaged(low: Lowering, node: Node, flow: DeviceTensor, bins: Pair) -> None:
    """Append the average of each of the bins, of some height and width, into which a map is divided."""
    _pool(low, node, "AVERAGE_POOL_2D", flow, Sliding(bins, bins, UNPADDED, (1, 1)))


def _reduced(low: Lowering, node: Node, code: str) -> None:
    """Append a reduction over all axes but the channels; a map of one axis loses its height before it."""
    flow = low.flat(node)
    low.emit(code, node, [flow], low.integers(*range(1, len(flow.shape))), shape=last(node.shape))


# --- padding by itself ---------------------------------------------------------------------------------------


def pad(low: Lowering, node: Node) -> None:
    """PAD, PADV2 or MIRROR_PAD; convolutions after it that can do that padding themselves read its input."""
    layer = cast("Pad", node.layer)
    if layer.mode in ("replicate", "circular"):
        raise UnsupportedError(
            node, f"tflite-micro has no padding with mode {layer.mode}", "use 'mode: reflect' or zeros"
        )
    if any(side < 0 for pair in layer.padding for side in pair):
        raise UnsupportedError(node, "the conversion of a pad that crops is not verified", "use center_crop or slice")
    flow = low.flat(node)
    readers, is_output = low.beyond(node)
    takers = [reader for reader in readers if _takes_padding(node, reader, flow)]
    for taker in takers:
        low.borders[taker] = layer.padding
        low.raw[taker] = flow
    low.take_away(node, takers)
    if takers and len(takers) == len(readers) and not is_output:
        low.passes(node)
        return
    code = "MIRROR_PAD" if layer.mode == "reflect" else "PADV2" if layer.value else "PAD"
    borders = low.integers(0, 0, *[side for pair in (*layer.padding, layer.channels) for side in pair])
    value = [low.number(layer.value)] if layer.value else []
    low.emit(code, node, [flow], borders, *value, shape=last(node.shape))


def _takes_padding(node: Node, reader: Node, flow: DeviceTensor) -> bool:
    """Whether a layer that reads a padded map is a convolution that can do that padding itself."""
    layer = cast("Pad", node.layer)
    if reader.layer.type != "conv" or len(flow.shape) != 3 or len(layer.padding) != 2:
        return False
    taps = taps_of(reader)
    if layer.channels != (0, 0) or layer.mode != "constant" or layer.value or any(map(sum, taps.pads)):
        return False
    return reached(reader, taps._replace(pads=layer.padding), flow.shape)[1]


RULES: dict[str, LoweringRule] = {
    "conv": conv,
    "conv_transpose": conv_transpose,
    "maxpool": maxpool,
    "avgpool": avgpool,
    "adaptive_avgpool": adaptive_avgpool,
    "global_avgpool": global_avgpool,
    "global_maxpool": global_maxpool,
    "mean": reduction("MEAN"),
    "max": reduction("REDUCE_MAX"),
    "min": reduction("REDUCE_MIN"),
    "sum": reduction("SUM"),
    "pad": pad,
}
