"""Normalisations whose statistics depend on the input, written out as Keras 3.15 does: 13 to 18 operators.

The mean is negated, and squared deviations are taken, in float32: tflite-micro has no NEG and SQUARE in int8.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, cast

from cnncalc.deployment.lowering import Lowering, LoweringRule
from cnncalc.deployment.operators import Constant, DeviceTensor, Operator
from cnncalc.deployment.rules.elementwise import in_float
from cnncalc.deployment.unsupported import UnsupportedError

if TYPE_CHECKING:
    from cnncalc.graph import Node
    from cnncalc.layers.normalization.groupnorm import GroupNorm
    from cnncalc.layers.normalization.layernorm import LayerNorm
    from cnncalc.layers.shapes import Shape

BATCHNORM = "use batchnorm, which is folded into the convolution"


def layernorm(low: Lowering, node: Node) -> None:
    """SQUARED_DIFFERENCE from a MEAN over the last axis, whose MEAN is the variance."""
    layer = cast("LayerNorm", node.layer)
    over = [axis for axis in layer.over(node.shape) if node.shape[axis] != 1]
    if over != [low.order(node)[-1]] or not (layer.affine and layer.bias):
        raise UnsupportedError(node, "a layernorm is verified over the channels, with a scale and a shift", BATCHNORM)
    (flow,) = low.as_they_lie(node)
    one, axes = (*flow.shape[:-1], 1), low.integers(-1)
    mean = low.emit("MEAN", node, [flow], axes, shape=one, name=f"{node.name} (mean)").output
    negated = in_float(low, node, "NEG", mean, f"{node.name} (minus mean)")
    squares = low.emit("SQUARED_DIFFERENCE", node, [flow, mean], name=f"{node.name} (squares)").output
    variance = low.emit("MEAN", node, [squares], axes, shape=one, name=f"{node.name} (variance)").output
    _standardised(low, node, flow, negated, variance, flow.shape)


def groupnorm(low: Lowering, node: Node) -> None:
    """RESHAPE to groups; SUB of a MEAN, in float32 SQUARE, and MEAN are the variance."""
    layer = cast("GroupNorm", node.layer)
    if not layer.affine or len(node.shape) != 3:
        why = "a groupnorm is verified on maps of two axes, with a scale and a shift for each channel"
        raise UnsupportedError(node, why, BATCHNORM)
    (flow,) = low.of(node)
    *sizes, channels = flow.shape
    of_group = channels // layer.num_groups
    shape, one = (*sizes, layer.num_groups, of_group), (*[1] * len(sizes), layer.num_groups, 1)
    split = low.reshape(node, flow, shape, f"{node.name} (in groups)", -1)
    axes = low.integers(*range(1, len(sizes) + 1), len(sizes) + 2)
    mean = low.emit("MEAN", node, [split], axes, shape=one, name=f"{node.name} (mean)").output
    negated = in_float(low, node, "NEG", mean, f"{node.name} (minus mean)")
    centred = low.emit("SUB", node, [split, mean], name=f"{node.name} (centred)").output
    squares = in_float(low, node, "SQUARE", centred, f"{node.name} (squares)")
    variance = low.emit("MEAN", node, [squares], axes, shape=one, name=f"{node.name} (variance)").output
    groups = _standardised(low, node, split, negated, variance, (*one[:-1], of_group)).output
    groups.name = f"{node.name} (of groups)"
    low.reshape(node, groups, flow.shape)


def _standardised(
    low: Lowering, node: Node, flow: DeviceTensor, negated: DeviceTensor, variance: DeviceTensor, learned: Shape
) -> Operator:
    """Append ``x · s + (shift - mean · s)``, where s is the scale over the deviation; ``learned`` is s's shape.

    Returns its last operator.
    """
    layer = cast("GroupNorm | LayerNorm", node.layer)
    owner, count = node.shares or node, prod(node.use.weights["weight"].shape)

    def step(what: str, code: str, inputs: list[DeviceTensor], *constants: Constant, to: Shape) -> DeviceTensor:
        return low.emit(code, node, inputs, *constants, shape=to, name=f"{node.name} ({what})").output

    added = step("eps", "ADD", [variance], low.number(layer.eps), to=variance.shape)
    root = step("one over deviation", "RSQRT", [added], to=variance.shape)
    scale = step("scale", "MUL", [root], low.factors(count, ("scale", owner)), to=learned)
    offset = step("offset", "MUL", [negated, scale], to=learned)
    shift = step("shift", "ADD", [offset], low.factors(count, ("shift", owner)), to=learned)
    scaled = step("scaled", "MUL", [flow, scale], to=flow.shape)
    low.note(f"{node.layer.type} is written out on the device; batchnorm would be part of the convolution before it")
    return low.emit("ADD", node, [scaled, shift])


RULES: dict[str, LoweringRule] = {"layernorm": layernorm, "groupnorm": groupnorm}
