"""Products of quantised tensors as runtimes compute them: sums of integers, and one factor at the end.

Below 2²⁴ such sums are exact in float32.  The order of all other operations decides into which of two integers a number
near their middle is rounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cnncalc.importers.onnx.operators.quantized import ONE, ZERO, keeps_numbers
from cnncalc.importers.onnx.proto import FLOAT, INT8, UINT8
from cnncalc.importers.onnx.steps import OwnTensors, channel_axis, layer_of, own_tensors
from cnncalc.importers.onnx.values import Call, ConstantInput, LayerStep, Value, alias, literal

if TYPE_CHECKING:
    from cnncalc.importers.onnx.builder import Builder
    from cnncalc.importers.onnx.patterns.fuser import Fuser
    from cnncalc.layers.base import Layer
    from cnncalc.layers.shapes import Shape

SLACK = 1e-3
"""A clip that cuts off no more than this part of a step beyond the range of the integers does nothing."""


MOST_MOVES = 8
"""Operators that move the elements of a stored tensor before a product of its integers; exporters write one or two."""


class Integers(NamedTuple):
    """A quantised tensor.

    Attributes:
        steps: its integers minus their zero point.
        scale: what they are multiplied by: one number, or one for each index of ``axis``.
        axis: the axis of ``steps``; None if there is one scale.
    """

    steps: Value
    scale: Value
    axis: int | None = None


def integer_product(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """A product of quantised tensors, its factor, and the quantisation of its output, if nothing else reads it."""
    new: list[LayerStep] = []
    sides = [_computed(value, new) for value in step.inputs]
    stored = {name: tensor.value for name, tensor in step.tensors.items()}
    if "weight" in stored:
        sides.append(_stored(fuser.build, stored["weight"]))
    found = [side for side in sides if side is not None and side.axis in (None, 0)]
    if len(found) != 2 or len(sides) != 2:
        return None
    by, (steps, scale, _) = found[0].scale.number, found[1]
    tensors = own_tensors(weight=steps) if stored else {}
    if "bias" in stored:
        tensors["bias"] = ConstantInput(fuser.build.derived("Sums", stored["bias"], scale, by=by))
    product = _made(step, step.layer, [side.steps for side in found[: len(step.inputs)]], tensors)
    after = _until_quantised(fuser, step)
    shape = [1] * len(step.output.sample)
    if stored:
        shape[channel_axis(step)] = steps.shape[0]
    factors = fuser.build.derived("Factors", scale, shape=tuple(shape), by=by, to=after[-1]["scale"] if after else 1.0)
    factors.leaves = ()  # they are no parameters
    layer, weight = layer_of("scale", {"shape": factors.shape}), {"weight": ConstantInput(factors, False)}
    if not after:
        return fuser.swap([step], layer, [product.output], weight, [*new, product])
    factor = _made(step, layer, [product.output], weight)
    layer = layer_of("quantize", {**_arguments(after[-1]), "scale": 1.0})
    return fuser.swap([step, *after], layer, [factor.output], {}, [*new, product, factor])


def _made(like: LayerStep, layer: Layer, inputs: list[Value], tensors: OwnTensors) -> LayerStep:
    """Return a layer whose output is like that of another one."""
    return LayerStep(layer, inputs, like.output.copy(), tensors, like.calls)


def _computed(value: Value, new: list[LayerStep]) -> Integers | None:
    """Return a computed tensor's integers, with the layers that they need; None if it is not quantised."""
    first = value
    while first.step is not None and len(first.step.inputs) == 1 and keeps_numbers(first.step.layer):
        first = first.step.inputs[0]
    real = first.step
    if real is None or real.layer.type != "affine" or real["add"]:
        return None
    rounds = real.inputs[0].step
    if rounds is None or rounds.layer.type != "quantize" or rounds["output"] != "steps":
        return None
    scale = literal((real["mul"],), (), FLOAT)
    if real is value.step:
        return Integers(alias(real.inputs[0], value.shape, value.axis), scale)
    layer = layer_of("quantize", {**_arguments(rounds), "scale": real["mul"]})
    output = value.copy()
    new.append(LayerStep(layer, [value], output, {}, rounds.calls))
    return Integers(output, scale)


def _arguments(step: LayerStep) -> dict[str, object]:
    return {name: step[name] for name in step.layer.arguments}


def _stored(build: Builder, value: Value) -> Integers | None:
    """Return a constant's integers of 8 bits; None if it is not stored in them."""
    moves: list[tuple[Call, Shape]] = []
    while isinstance(call := value.source, Call) and call.op in ("Transpose", "Reshape") and len(moves) < MOST_MOVES:
        moves.append((call, value.shape))
        value = call.input(0)
    if not isinstance(call, Call) or call.op != "DequantizeLinear":
        return None
    stored, scale = call.input(0), call.input(1)
    if stored.dtype not in (INT8, UINT8) or call.integer("block_size"):
        return None
    attributes = call.operator.attributes
    steps = build.derived("DequantizeLinear", stored, ONE, call.given(2) or ZERO, shape=value.shape, **attributes)
    axis = None if scale.elements == 1 else call.integer("axis", 1) % stored.rank
    for call, shape in reversed(moves):
        if call.op == "Reshape" and axis is not None:
            return None
        perm = call.integers("perm")
        axis = axis if perm is None or axis is None else perm.index(axis)
        steps = build.derived(call.op, steps, shape=shape, **call.operator.attributes)
    return Integers(steps, scale, axis)


def _until_quantised(fuser: Fuser, step: LayerStep) -> list[LayerStep]:
    """Return the layers from a product to the quantisation of its output; [] if they do more than that.

    Between them may be clips that leave all of the integers' range.
    """
    found: list[LayerStep] = []
    reader: LayerStep | None = step
    while reader is not None and reader not in fuser.kept:
        reader = fuser.reader(reader)
        if reader is None:
            break
        found.append(reader)
        if reader.layer.type == "quantize":
            return found if reader["output"] == "steps" and all(_covers(one, reader) for one in found[:-1]) else []
        if reader.layer.clamps() is None:
            break
    return []


def _covers(clip: LayerStep, rounds: LayerStep) -> bool:
    """Whether a clip leaves the range of a quantised tensor."""
    bounds, step = clip.layer.clamps(), rounds["scale"]
    low, high = [(rounds[name] - rounds["zero_point"]) * step for name in ("quant_min", "quant_max")]
    return bounds is not None and bounds[0] <= low + SLACK * step and bounds[1] >= high - SLACK * step
