"""Operators into which ONNX Runtime fuses others when it optimises a model: with an activation, or channels last.

https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.model import Attribute
from cnncalc.importers.onnx.operators.contraction import convolution, permuted
from cnncalc.importers.onnx.operators.elementwise import merged
from cnncalc.importers.onnx.operators.parts import sliced
from cnncalc.importers.onnx.steps import layer_of, own_tensors
from cnncalc.importers.onnx.values import Call, UnfitError, Value, literal

OPSET = 17
"""The version of the operators for which fused operators stand."""

ACTIVATION_OPSET = 10
"""The last version in which all parameters of activations are attributes."""

FUSED_EPSILON = 1e-12
"""The default of a normalisation that ONNX Runtime fused with the sum before it; in ONNX, it is 1e-5."""

PARAMETERS = {"LeakyRelu": ("alpha",), "HardSigmoid": ("alpha", "beta"), "Clip": ("min", "max")}
"""Attributes of activations, in the order in which a FusedConv lists them."""

ACTIVATIONS = frozenset((
    *PARAMETERS, "Elu", "Relu", "Selu", "Sigmoid", "Softplus", "Softsign", "Tanh", "ThresholdedRelu",
))  # fmt: skip


def _activated(build: Builder, call: Call, x: Value, parameters: Mapping[str, Attribute]) -> Value:
    """Return a value after the activation that an operator's attributes name, if they name one."""
    name = call.text("activation")
    if not name:
        return x
    if name not in ACTIVATIONS:
        raise UnfitError(f"the activation {name} is not supported")
    return build.output_of(name, [x], ACTIVATION_OPSET, **parameters)


@operator("NhwcConv", domain="com.microsoft")
def _nhwc_conv(build: Builder, call: Call) -> Value:
    weight = call.input(1)
    order = [0, weight.rank - 1, *range(1, weight.rank - 1)]
    turned = build.derived("Transpose", weight, shape=tuple([weight.shape[i] for i in order]), perm=order)
    return channels_last(build, convolution(build, call, channels_first(build, call.input(0)), turned, call.given(2)))


@operator("GroupNorm", domain="com.microsoft")
def _group_norm(build: Builder, call: Call) -> Value:
    layer = layer_of("groupnorm", {"num_groups": call.integer("groups", 1), "eps": call.number("epsilon", 1e-5)})
    is_last, x = call.integer("channels_last", 1), call.input(0)
    x = channels_first(build, x) if is_last else x
    y = build.layer(layer, [x], x.axis, own_tensors(weight=call.input(1), bias=call.input(2)))
    y = build.step("silu", [y]) if call.integer("activation") else y
    return channels_last(build, y) if is_last else y


@operator("EmbedLayerNormalization", domain="com.microsoft")
def _embed_layernorm(build: Builder, call: Call) -> Sequence[Value | None]:
    """Return the normalised sum of embeddings of words, positions and segments, and the lengths that a mask gives."""
    ids, table, mask = call.input(0), call.input(3), call.given(7)
    length = ids.shape[-1]
    if call.given(8) is None:
        parts = [sliced(build, table, 0, 0, length, 1)]
    else:
        parts = [build.output_of("Gather", [table, call.input(8)], OPSET)]
    for rows, places in ((call.input(2), ids), (call.given(4), call.given(1))):
        parts += [build.output_of("Gather", [rows, places], OPSET)] if rows is not None and places is not None else []
    x = merged(build, "add", [*parts[1:], parts[0]])
    epsilon = call.number("epsilon", FUSED_EPSILON)
    y = build.output_of("LayerNormalization", [x, call.input(5), call.input(6)], OPSET, epsilon=epsilon)
    lengths = None if mask is None else build.output_of("ReduceSum", [mask, literal((1,), (1,))], OPSET, keepdims=0)
    return [y, lengths, x]


@operator("SkipLayerNormalization", "SkipSimplifiedLayerNormalization", domain="com.microsoft")
def _skip_layernorm(build: Builder, call: Call) -> Sequence[Value | None]:
    """Return the normalised sum of two values and a bias, and the sum."""
    op = call.op.removeprefix("Skip")
    last = 3 if op.startswith("Simplified") else 4
    x = build.output_of("Add", call.inputs[:2])
    x = x if call.given(last) is None else build.output_of("Add", [x, call.given(last)])
    y = build.output_of(op, [x, *call.inputs[2:last]], epsilon=call.number("epsilon", FUSED_EPSILON))
    return [y, None, None, x]


@operator("FusedConv", domain="com.microsoft")
def _fused_conv(build: Builder, call: Call) -> Value:
    y, added = build.output_of("Conv", call.inputs[:3], OPSET, **call.operator.attributes), call.given(3)
    y = y if added is None else merged(build, "add", [y, added])
    names = PARAMETERS.get(call.text("activation"), ())
    return _activated(build, call, y, dict(zip(names, call.numbers("activation_params") or (), strict=False)))


@operator("FusedGemm", domain="com.microsoft")
def _fused_gemm(build: Builder, call: Call) -> Value:
    prefix = "activation_"
    given = {key: value for key, value in call.operator.attributes.items() if key.startswith(prefix)}
    y = build.output_of("Gemm", call.inputs, OPSET, **call.operator.attributes)
    return _activated(build, call, y, {key.removeprefix(prefix): value for key, value in given.items()})


@operator("NhwcMaxPool", domain="com.microsoft")
def _nhwc_maxpool(build: Builder, call: Call) -> Value:
    x = channels_first(build, call.input(0))
    return channels_last(build, build.output_of("MaxPool", [x], OPSET, **call.operator.attributes))


def channels_first(build: Builder, value: Value) -> Value:
    """Return a batch of maps (N, …, C) as (N, C, …)."""
    return _turned(build, value, (0, value.rank - 1, *range(1, value.rank - 1)))


def channels_last(build: Builder, value: Value) -> Value:
    """Return a batch of maps (N, C, …) as (N, …, C)."""
    return _turned(build, value, (0, *range(2, value.rank), 1))


def _turned(build: Builder, value: Value, order: tuple[int, ...]) -> Value:
    """Return a value with its axes in another order; after a permute that did the opposite, the permute's input."""
    step = value.step
    if step is not None and step.layer.type == "permute" and step.inputs[0].axis == value.axis == 0:
        before = [step["dims"][i - 1] for i in order[1:]]
        if before == sorted(before):
            return step.inputs[0]
    return permuted(build, value, order)


@operator(
    "Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "ReorderInput", "ReorderOutput", "Upsample",
    domain="com.microsoft.nchwc",
)  # fmt: skip
def _of_one_processor(build: Builder, call: Call) -> Value:
    raise UnfitError(
        "its channels are in blocks for one kind of processor; optimise the model at level 'extended' instead of 'all'"
    )
