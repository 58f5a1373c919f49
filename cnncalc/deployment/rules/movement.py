"""Layers that move elements: on the device each is a copy with a separate tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cnncalc.deployment.lowering import Lowering, LoweringRule, last
from cnncalc.deployment.rules.windows import sliced
from cnncalc.layers.shapes import axis_index

if TYPE_CHECKING:
    from cnncalc.graph import Node
    from cnncalc.layers.shape.channel_shuffle import ChannelShuffle
    from cnncalc.layers.shape.permute import Permute
    from cnncalc.layers.shape.slice import Slice
    from cnncalc.layers.shape.upsample import Upsample


def reshape(low: Lowering, node: Node) -> None:
    """RESHAPE, whose order of elements the weights after it follow."""
    (flow,) = low.of(node)
    operator = low.reshape(node, flow, last(node.shape))
    if len(node.shape) > 1 and len(flow.shape) > 1:
        operator.doubt = "a reshape of a map, whose channels come last on the device"


def permute(low: Lowering, node: Node) -> None:
    """TRANSPOSE."""
    dims = cast("Permute", node.layer).dims
    operator = low.emit("TRANSPOSE", node, low.of(node), last(node.shape), low.integers(0, *dims))
    operator.doubt = "a permutation, whose channels come last on the device"


def channel_shuffle(low: Lowering, node: Node) -> None:
    """RESHAPE, TRANSPOSE, RESHAPE: three copies."""
    (flow,) = low.of(node)
    *sizes, channels = flow.shape
    groups, count = cast("ChannelShuffle", node.layer).groups, len(sizes)
    split = low.reshape(node, flow, (*sizes, groups, channels // groups), f"{node.name} (split)")
    order = low.integers(*range(count + 1), count + 2, count + 1)
    shape = (*sizes, channels // groups, groups)
    turned = low.emit("TRANSPOSE", node, [split.output], shape, order, name=f"{node.name} (turned)")
    low.reshape(node, turned.output, flow.shape)


def pixel_shuffle(low: Lowering, node: Node) -> None:
    """DEPTH_TO_SPACE, or SPACE_TO_DEPTH for its inverse."""
    code = "DEPTH_TO_SPACE" if node.layer.type == "pixel_shuffle" else "SPACE_TO_DEPTH"
    low.emit(code, node, low.of(node), last(node.shape))


def upsample(low: Lowering, node: Node) -> None:
    """RESIZE_NEAREST_NEIGHBOR or RESIZE_BILINEAR, as tf.image.resize becomes.

    Keras' UpSampling2D becomes RESHAPE and TILE, which tflite-micro does not have.
    """
    code = "RESIZE_BILINEAR" if cast("Upsample", node.layer).mode == "linear" else "RESIZE_NEAREST_NEIGHBOR"
    shape = last(node.shape)
    low.emit(code, node, low.of(node), shape, low.integers(*shape[:2]))
    low.note(
        "upsample is written as tf.image.resize; Keras' UpSampling2D becomes TILE, which tflite-micro does not have"
    )


def strided_slice(low: Lowering, node: Node) -> None:
    """STRIDED_SLICE of one axis."""
    layer = cast("Slice", node.layer)
    (flow,) = low.of(node)
    axis = axis_index(layer.axis, node.use.inputs[0])
    place = len(flow.shape) - 1 if axis == 0 else axis - 1 + len(flow.shape) - len(node.shape)
    shape = list(flow.shape)
    shape[place] = node.shape[axis]
    start = layer.start if layer.start >= 0 else max(node.use.inputs[0][axis] + layer.start, 0)
    starts = [start if i == place else 0 for i in range(len(shape))]
    sliced(low, node, flow, tuple(shape), starts, layer.step)


def center_crop(low: Lowering, node: Node) -> None:
    """STRIDED_SLICE of height and width."""
    (flow,) = low.of(node)
    shape = last(node.shape)
    starts = [(have - size) // 2 for have, size in zip(flow.shape, shape, strict=True)]
    sliced(low, node, flow, shape, starts)


RULES: dict[str, LoweringRule] = {
    "flatten": reshape,
    "reshape": reshape,
    "permute": permute,
    "channel_shuffle": channel_shuffle,
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_shuffle,
    "upsample": upsample,
    "slice": strided_slice,
    "center_crop": center_crop,
}
