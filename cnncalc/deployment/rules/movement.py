"""Layers that move elements: on the device each is a copy with a separate tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cnncalc.deployment.lowering import Lowering, LoweringRule, last
from cnncalc.deployment.operators import DeviceTensor, Operator
from cnncalc.deployment.rules.windows import sliced
from cnncalc.layers.shapes import Shape, axis_index

if TYPE_CHECKING:
    from cnncalc.graph import Node
    from cnncalc.layers.shape.channel_shuffle import ChannelShuffle
    from cnncalc.layers.shape.permute import Permute
    from cnncalc.layers.shape.slice import Slice
    from cnncalc.layers.shape.upsample import Upsample


def reshaped(low: Lowering, node: Node, flow: DeviceTensor, shape: Shape, name: str = "") -> Operator:
    """Append a RESHAPE: a copy, as no two tensors of the arena share their place (kernels/reshape.cc)."""
    operator = low.emit("RESHAPE", node, [flow], shape, name=name)
    operator.constants.append(low.integers(1, *shape))
    return operator


def reshape(low: Lowering, node: Node) -> None:
    """RESHAPE, whose order of elements the weights behind it follow."""
    (flow,) = low.of(node)
    operator = reshaped(low, node, flow, last(node.shape))
    if len(node.shape) > 1 and len(flow.shape) > 1:
        operator.doubt = "a reshape of a map, whose channels come last on the device"
    low.end(node, operator.output)


def permute(low: Lowering, node: Node) -> None:
    """TRANSPOSE."""
    (flow,) = low.of(node)
    operator = low.emit("TRANSPOSE", node, [flow], last(node.shape))
    layer = cast("Permute", node.layer)
    operator.constants.append(low.integers(0, *layer.dims))
    operator.doubt = "a permutation, whose channels come last on the device"
    low.end(node, operator.output)


def channel_shuffle(low: Lowering, node: Node) -> None:
    """RESHAPE, TRANSPOSE, RESHAPE: three copies."""
    (flow,) = low.of(node)
    layer = cast("ChannelShuffle", node.layer)
    *sizes, channels = flow.shape
    groups = layer.groups
    split = reshaped(low, node, flow, (*sizes, groups, channels // groups), f"{node.name} (split)")
    turned = low.emit(
        "TRANSPOSE", node, [split.output], (*sizes, channels // groups, groups), name=f"{node.name} (turned)"
    )
    turned.constants.append(low.integers(*range(len(sizes) + 1), len(sizes) + 2, len(sizes) + 1))
    low.end(node, reshaped(low, node, turned.output, flow.shape).output)


def one(code: str) -> LoweringRule:
    """Return the rule of a layer that is one operator without constants."""

    def rule(low: Lowering, node: Node) -> None:
        low.end(node, low.emit(code, node, low.of(node), last(node.shape)).output)

    rule.__doc__ = f"{code}."
    return rule


def upsample(low: Lowering, node: Node) -> None:
    """RESIZE_NEAREST_NEIGHBOR or RESIZE_BILINEAR, as tf.image.resize becomes.

    Keras' UpSampling2D becomes RESHAPE and TILE, which tflite-micro does not have.
    """
    layer = cast("Upsample", node.layer)
    code = "RESIZE_BILINEAR" if layer.mode == "linear" else "RESIZE_NEAREST_NEIGHBOR"
    operator = low.emit(code, node, low.of(node), last(node.shape))
    operator.constants.append(low.integers(*operator.output.shape[:2]))
    note = "upsample is written as tf.image.resize; Keras' UpSampling2D becomes TILE, which tflite-micro does not have"
    if note not in low.notes:
        low.notes.append(note)
    low.end(node, operator.output)


def cut(low: Lowering, node: Node) -> None:
    """STRIDED_SLICE of one axis."""
    layer = cast("Slice", node.layer)
    (flow,) = low.of(node)
    axis = axis_index(layer.axis, node.use.inputs[0])
    place = len(flow.shape) - 1 if axis == 0 else axis - 1 + len(flow.shape) - len(node.shape)
    shape = list(flow.shape)
    shape[place] = node.shape[axis]
    start = layer.start if layer.start >= 0 else max(node.use.inputs[0][axis] + layer.start, 0)
    starts = [start if i == place else 0 for i in range(len(shape))]
    low.end(node, sliced(low, node, flow, tuple(shape), starts, layer.step).output)


def center_crop(low: Lowering, node: Node) -> None:
    """STRIDED_SLICE of height and width."""
    (flow,) = low.of(node)
    shape = last(node.shape)
    starts = [(have - size) // 2 for have, size in zip(flow.shape, shape, strict=True)]
    low.end(node, sliced(low, node, flow, shape, starts).output)


RULES: dict[str, LoweringRule] = {
    "flatten": reshape,
    "reshape": reshape,
    "permute": permute,
    "channel_shuffle": channel_shuffle,
    "pixel_shuffle": one("DEPTH_TO_SPACE"),
    "pixel_unshuffle": one("SPACE_TO_DEPTH"),
    "upsample": upsample,
    "slice": cut,
    "center_crop": center_crop,
}
