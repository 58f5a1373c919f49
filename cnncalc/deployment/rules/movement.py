"""Layers that move elements: on the device each is a copy with a separate tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cnncalc.deployment.axes import laid
from cnncalc.deployment.lowering import Lowering, LoweringRule, last
from cnncalc.deployment.rules.windows import cuts, sliced
from cnncalc.deployment.unsupported import UnsupportedError
from cnncalc.graph import Node
from cnncalc.layers.shapes import axis_index

if TYPE_CHECKING:
    from cnncalc.layers.shape.channel_shuffle import ChannelShuffle
    from cnncalc.layers.shape.gather import Gather
    from cnncalc.layers.shape.select import Select
    from cnncalc.layers.shape.slice import Slice
    from cnncalc.layers.shape.upsample import Upsample


def reshape(low: Lowering, node: Node) -> None:
    """RESHAPE, after a TRANSPOSE if the axes that are merged don't lie beside each other.

    The order of a vector's elements is the one that costs nothing: the weights after it follow.
    """
    (tensor,) = node.inputs
    flow = low.turned(node, tensor, low.axes.needed[node])
    doubt, before = "", low.producer(tensor)
    if len(tensor.shape) == 1 < len(node.shape) and tensor in low.axes.mixed:
        doubt = "a vector that was a map, whose channels come last on the device"
    elif before is not None and before.code == "FULLY_CONNECTED" and len(before.output.shape) > 1:
        doubt = "a reshape after a dense layer of several positions, which the converter may drop"
    low.reshape(node, flow, laid(node.shape, low.order(node)), doubt=doubt)


def expand(low: Lowering, node: Node) -> None:
    """BROADCAST_TO; a merge stretches axes of 1 itself."""
    (flow,) = low.as_they_lie(node)
    shape = laid(node.shape, low.order(node))
    low.emit("BROADCAST_TO", node, [flow], low.integers(1, *shape), shape=shape)


def gather(low: Lowering, node: Node) -> None:
    """GATHER of one axis by constant indices."""
    layer = cast("Gather", node.layer)
    if layer.indices is None or len(node.inputs) > 1:
        raise UnsupportedError(node, "only a gather by a list of indices is verified")
    flow, place = low.along(node, layer.axis)
    shape = (*flow.shape[:place], len(layer.indices), *flow.shape[place + 1 :])
    low.emit("GATHER", node, [flow], low.integers(*layer.indices), shape=shape)


def channel_shuffle(low: Lowering, node: Node) -> None:
    """RESHAPE, TRANSPOSE, RESHAPE: three copies."""
    flow = low.flat(node)
    *sizes, channels = flow.shape
    groups, count = cast("ChannelShuffle", node.layer).groups, len(sizes)
    split = low.reshape(node, flow, (*sizes, groups, channels // groups), f"{node.name} (split)")
    turned = low.transpose(node, split, [*range(count), count + 1, count], f"{node.name} (turned)")
    low.reshape(node, turned, flow.shape)


def pixel_shuffle(low: Lowering, node: Node) -> None:
    """DEPTH_TO_SPACE, or SPACE_TO_DEPTH for its inverse."""
    code = "DEPTH_TO_SPACE" if node.layer.type == "pixel_shuffle" else "SPACE_TO_DEPTH"
    low.emit(code, node, low.of(node), shape=last(node.shape))


def upsample(low: Lowering, node: Node) -> None:
    """RESIZE_NEAREST_NEIGHBOR or RESIZE_BILINEAR, as tf.image.resize becomes.

    Keras' UpSampling2D becomes RESHAPE and TILE, which tflite-micro does not have.
    """
    if len(node.shape) != 3:
        raise UnsupportedError(node, "an upsample is verified on maps of two axes")
    code = "RESIZE_BILINEAR" if cast("Upsample", node.layer).mode == "linear" else "RESIZE_NEAREST_NEIGHBOR"
    shape = last(node.shape)
    low.emit(code, node, low.of(node), low.integers(*shape[:2]), shape=shape)
    low.note(
        "upsample is written as tf.image.resize; Keras' UpSampling2D becomes TILE, which tflite-micro does not have"
    )


def strided_slice(low: Lowering, node: Node) -> None:
    """STRIDED_SLICE of one axis, with the bounds as they are written: 0 for an end that is not."""
    layer = cast("Slice", node.layer)
    flow, place = low.along(node, layer.axis)
    shape = (*flow.shape[:place], node.shape[axis_index(layer.axis, node.shape)], *flow.shape[place + 1 :])
    sliced(low, node, flow, shape, {place: (layer.start, layer.stop or 0, layer.step)})


def select(low: Lowering, node: Node) -> None:
    """STRIDED_SLICE of one index, whose axis is dropped."""
    layer = cast("Select", node.layer)
    flow, place = low.along(node, layer.axis)
    shape = flow.shape[:place] + flow.shape[place + 1 :]
    sliced(low, node, flow, shape or (1,), {place: (layer.index, layer.index + 1, 1)})


def center_crop(low: Lowering, node: Node) -> None:
    """STRIDED_SLICE of height and width."""
    flow = low.flat(node)
    shape = last(node.shape)
    starts = [(have - size) // 2 for have, size in zip(flow.shape[:-1], shape, strict=False)]
    sliced(low, node, flow, shape, cuts(shape, starts))


RULES: dict[str, LoweringRule] = {
    "flatten": reshape,
    "parameter": Lowering.constant,
    "reshape": reshape,
    "expand": expand,
    "gather": gather,
    "select": select,
    "channel_shuffle": channel_shuffle,
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_shuffle,
    "upsample": upsample,
    "slice": strided_slice,
    "center_crop": center_crop,
}
