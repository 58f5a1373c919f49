"""Operators that normalise: batch, layer, RMS, instance and group normalisation, and LRN."""

from __future__ import annotations

from math import isclose, prod

from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.operators.contraction import feature_map
from cnncalc.importers.onnx.operators.elementwise import decimal
from cnncalc.importers.onnx.provenance import is_attribute, is_generated_name
from cnncalc.importers.onnx.steps import layer_of, own_tensors
from cnncalc.importers.onnx.values import Call, ConstantInput, UnfitError, Value


@operator("BatchNormalization")
def _batchnorm(build: Builder, call: Call) -> Value:
    x = call.input(0)
    weight, bias, mean, variance = [call.input(i) for i in range(1, 5)]
    for statistic in (mean, variance):
        build.statistics |= dict.fromkeys([id(leaf) for leaf in statistic.leaves])
    build.training += [call.op] * (x.is_live and call.integer("training_mode") == 1)
    if not x.is_live:  # an exporter's way to standardise weights
        epsilon, training = call.number("epsilon", 1e-5), call.integer("training_mode")
        inputs = x, weight, bias, mean, variance
        value = build.derived(call.op, *inputs, epsilon=epsilon, training_mode=training)
        shift = () if bias.fill is not None else bias.leaves
        scale = () if weight.fill == 1 and not any("." in leaf.name for leaf in weight.leaves) else weight.leaves
        value.leaves = tuple({id(leaf): leaf for leaf in (*x.leaves, *scale, *shift)}.values())
        return value
    at = x.sample_axis(1) if x.rank > 1 else 0
    if at is None or any(value.shape != (x.shape[at],) for value in (weight, bias, mean, variance)):
        raise UnfitError(f"scales of {list(weight.shape)} for channels of {list(x.shape)}")
    leaves = (*weight.leaves, *bias.leaves)
    is_fixed = all(id(leaf) in build.constants or is_generated_name(leaf.name) for leaf in leaves)
    is_plain = is_fixed and _is_near(weight, 1) and _is_near(bias, 0)
    tensors = {} if is_plain else own_tensors(weight=weight, bias=bias)
    tensors |= {"running_mean": ConstantInput(mean, False), "running_var": ConstantInput(variance, False)}
    arguments = {"eps": decimal(call.number("epsilon", 1e-5)), "affine": not is_plain} | ({"axis": at} if at else {})
    return build.layer(layer_of("batchnorm", arguments), [x], x.axis, tensors)


@operator("LayerNormalization")
def _layernorm(build: Builder, call: Call) -> Value:
    return _normalised(build, call, call.input(0), call.input(1), call.given(2))


@operator("RMSNormalization", "SimplifiedLayerNormalization")
@operator("SimplifiedLayerNormalization", domain="com.microsoft")
def _rmsnorm(build: Builder, call: Call) -> Value:
    return _normalised(build, call, call.input(0), call.input(1), None, "rmsnorm")


def _normalised(
    build: Builder, call: Call, x: Value, weight: Value, bias: Value | None, kind: str = "layernorm"
) -> Value:
    """Return a value normalised over all axes from the operator's ``axis`` on.

    Raises:
        UnfitError: if the batch is one of them, or there are none.
    """
    axis = call.integer("axis", -1)
    own = [x.sample_axis(i) for i in range(axis + x.rank if axis < 0 else axis, x.rank)]
    places = [i for i in own if i is not None]
    if not places or len(places) < len(own):
        raise UnfitError("it normalises over the batch")
    shape = tuple([x.shape[i] for i in places])
    tensors = own_tensors(weight=_in_shape(build, weight, shape), bias=bias and _in_shape(build, bias, shape))
    arguments: dict[str, object] = {"axis": (-1,) if len(places) == 1 else tuple(places)}
    arguments["eps"] = decimal(call.number("epsilon", 1e-5))
    if kind == "layernorm":
        arguments["bias"] = bias is not None
    return build.layer(layer_of(kind, arguments), [x], x.axis, tensors)


def _in_shape(build: Builder, value: Value, shape: tuple[int, ...]) -> Value:
    if value.is_live:
        raise UnfitError("its scales are computed, not stored")
    if value.shape == shape:
        return value
    return build.derived("Reshape" if value.elements == prod(shape) else "Expand", value, shape=shape)


@operator("InstanceNormalization")
def _instancenorm(build: Builder, call: Call) -> Value:
    x, weight, bias = feature_map(call.input(0)), call.input(1), call.input(2)
    named = any(is_attribute(leaf.name) for leaf in (*weight.leaves, *bias.leaves))
    plain = _is_near(weight, 1) and _is_near(bias, 0) and not named
    tensors = {} if plain else own_tensors(weight=weight, bias=bias)
    arguments = {"eps": decimal(call.number("epsilon", 1e-5))} | ({} if plain else {"affine": True})
    return build.layer(layer_of("instancenorm", arguments), [x], x.axis, tensors)


def _is_near(value: Value, number: float) -> bool:
    """Whether all elements of a constant are one number, up to the rounding of quantised constants."""
    return not value.is_live and value.fill is not None and isclose(value.fill, number, rel_tol=1e-3, abs_tol=1e-6)


@operator("GroupNormalization")
def _groupnorm(build: Builder, call: Call) -> Value:
    x, weight, bias = feature_map(call.input(0)), call.input(1), call.input(2)
    groups, channels = call.integer("num_groups", 1), x.shape[0]
    if weight.elements == groups != channels:
        weight = build.derived("RepeatChannels", weight, shape=(channels,), count=channels // groups)
        bias = build.derived("RepeatChannels", bias, shape=(channels,), count=channels // groups)
    layer = layer_of("groupnorm", {"num_groups": groups, "eps": decimal(call.number("epsilon", 1e-5))})
    return build.layer(layer, [x], x.axis, own_tensors(weight=weight, bias=bias))


@operator("MeanVarianceNormalization")
def _mean_variance_normalization(build: Builder, call: Call) -> Value:
    x = call.input(0)
    axes = call.integers("axes") or (0, 2, 3)
    if x.axis in axes:
        build.require_one_sample("it summarises the batch")
    places = tuple([i for i in [x.sample_axis(axis) for axis in axes] if i is not None])
    eps = 1e-18  # of the variance, as 1e-9 is added to its root
    return build.layer(layer_of("layernorm", {"axis": places, "eps": eps, "affine": False}), [x], x.axis)


@operator("LRN")
def _lrn(build: Builder, call: Call) -> Value:
    x = feature_map(call.input(0))
    numbers = {"alpha": 1e-4, "beta": 0.75, "bias": 1.0}
    alpha, beta, k = [decimal(call.number(name, default)) for name, default in numbers.items()]
    return build.step("lrn", [x], x.axis, size=call.integer("size", 1), alpha=alpha, beta=beta, k=k)
