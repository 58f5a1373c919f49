"""Operators that normalise."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose

from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.operators.contraction import feature_map
from cnncalc.importers.onnx.operators.elementwise import merged
from cnncalc.importers.onnx.provenance import is_attribute
from cnncalc.importers.onnx.steps import made
from cnncalc.importers.onnx.values import Call, ConstantInput, UnfitError, Value


@operator("BatchNormalization")
def _batchnorm(build: Builder, call: Call) -> Sequence[Value | None]:
    x = call.input(0)
    weight, bias, mean, variance = [call.input(i) for i in range(1, 5)]
    rest: list[Value | None] = [None] * (len(call.operator.outputs) - 1)
    for statistic in (mean, variance):
        build.statistics |= dict.fromkeys([id(leaf) for leaf in statistic.leaves])
    build.training += [call.op] * (x.is_live and call.integer("training_mode") == 1)
    if not x.is_live:  # weights that are standardised with the operator of another purpose
        value = build.derived(
            "BatchNormalization", x, weight, bias, mean, variance, epsilon=call.number("epsilon", 1e-5)
        )
        shift = () if bias.fill is not None else bias.leaves
        scale = () if weight.fill == 1 and not any("." in leaf.name for leaf in weight.leaves) else weight.leaves
        value.leaves = tuple({id(leaf): leaf for leaf in (*x.leaves, *scale, *shift)}.values())
        return [value, *rest]
    at = x.own(1) if x.rank > 1 else 0
    if at is None or any(value.shape != (x.shape[at],) for value in (weight, bias, mean, variance)):
        raise UnfitError(f"scales of {list(weight.shape)} for channels of {list(x.shape)}")
    held = {"weight": ConstantInput(weight), "bias": ConstantInput(bias)}
    held |= {"running_mean": ConstantInput(mean, False), "running_var": ConstantInput(variance, False)}
    arguments = {"eps": _short(call.number("epsilon", 1e-5))} | ({"axis": at} if at else {})
    return [build.layer(made("batchnorm", arguments), [x], x.axis, held), *rest]


def _short(number: float) -> float:
    return float(f"{number:.6g}")


@operator("LayerNormalization")
def _layernorm(build: Builder, call: Call) -> Sequence[Value | None]:
    x, weight, bias = call.input(0), call.input(1), call.given(2)
    value = layernorm(build, x, call.integer("axis", -1), weight, bias, call.number("epsilon", 1e-5))
    return [value] + [None] * (len(call.operator.outputs) - 1)


def layernorm(build: Builder, x: Value, axis: int, weight: Value, bias: Value | None, eps: float) -> Value:
    """Return a value that is normalised over the axes from one on."""
    first = axis + x.rank if axis < 0 else axis
    own = [x.own(i) for i in range(first, x.rank)]
    places = [i for i in own if i is not None]
    if not places or len(places) < len(own):
        raise UnfitError("it normalises over the batch")
    shape = tuple([x.shape[i] for i in places])
    held = {"weight": ConstantInput(_shaped(build, weight, shape))}
    if bias is not None:
        held["bias"] = ConstantInput(_shaped(build, bias, shape))
    axes = (-1,) if len(places) == 1 else tuple(places)
    arguments = {"axis": axes, "eps": _short(eps), "bias": bias is not None}
    return build.layer(made("layernorm", arguments), [x], x.axis, held)


def _shaped(build: Builder, value: Value, shape: tuple[int, ...]) -> Value:
    if value.is_live:
        raise UnfitError("its scales are computed when it runs")
    if value.shape == shape:
        return value
    return build.derived("Reshape" if value.elements == _size(shape) else "Expand", value, shape=shape)


def _size(shape: tuple[int, ...]) -> int:
    from math import prod

    return prod(shape)


@operator("SkipLayerNormalization", "SkipSimplifiedLayerNormalization", domain="com.microsoft")
def _skip_layernorm(build: Builder, call: Call) -> Sequence[Value | None]:
    x = merged(build, "add", [call.input(0), call.input(1)])
    if call.op.startswith("SkipSimplified"):
        added, bias = call.given(3), None
    else:
        bias, added = call.given(3), call.given(4)
    if added is not None:
        x = merged(build, "add", [x, added])
    if call.op.startswith("SkipSimplified"):
        value = rmsnorm(build, x, -1, call.input(2), call.number("epsilon", 1e-5))
    else:
        value = layernorm(build, x, -1, call.input(2), bias, call.number("epsilon", 1e-5))
    return [value, None, None, x][: max(len(call.operator.outputs), 1)]


@operator("RMSNormalization", "SimplifiedLayerNormalization")
def _rmsnorm(build: Builder, call: Call) -> Value:
    return rmsnorm(build, call.input(0), call.integer("axis", -1), call.input(1), call.number("epsilon", 1e-5))


@operator("SimplifiedLayerNormalization", domain="com.microsoft")
def _simplified(build: Builder, call: Call) -> Value:
    return rmsnorm(build, call.input(0), call.integer("axis", -1), call.input(1), call.number("epsilon", 1e-5))


def rmsnorm(build: Builder, x: Value, axis: int, weight: Value, eps: float) -> Value:
    """Return a value that is divided by its root mean square over the axes from one on."""
    first = axis + x.rank if axis < 0 else axis
    places = [i for i in [x.own(i) for i in range(first, x.rank)] if i is not None]
    if len(places) != x.rank - first:
        raise UnfitError("it normalises over the batch")
    shape = tuple([x.shape[i] for i in places])
    axes = (-1,) if len(places) == 1 else tuple(places)
    layer = made("rmsnorm", {"axis": axes, "eps": _short(eps)})
    return build.layer(layer, [x], x.axis, {"weight": ConstantInput(_shaped(build, weight, shape))})


@operator("InstanceNormalization")
def _instancenorm(build: Builder, call: Call) -> Value:
    x, weight, bias = feature_map(call.input(0)), call.input(1), call.input(2)
    named = any(is_attribute(leaf.name) for leaf in (*weight.leaves, *bias.leaves))
    plain = _is_near(weight, 1) and _is_near(bias, 0) and not named
    held = {} if plain else {"weight": ConstantInput(weight), "bias": ConstantInput(bias)}
    arguments = {"eps": _short(call.number("epsilon", 1e-5))} | ({} if plain else {"affine": True})
    return build.layer(made("instancenorm", arguments), [x], x.axis, held)


def _is_near(value: Value, number: float) -> bool:
    """Whether all elements of a constant are one number, as nearly as a quantised one is."""
    return not value.is_live and value.fill is not None and isclose(value.fill, number, rel_tol=1e-3, abs_tol=1e-6)


@operator("GroupNormalization")
def _groupnorm(build: Builder, call: Call) -> Value:
    x, weight, bias = feature_map(call.input(0)), call.input(1), call.input(2)
    groups, channels = call.integer("num_groups", 1), x.shape[0]
    if weight.elements == groups != channels:
        weight = build.derived("RepeatChannels", weight, shape=(channels,), count=channels // groups)
        bias = build.derived("RepeatChannels", bias, shape=(channels,), count=channels // groups)
    layer = made("groupnorm", {"num_groups": groups, "eps": _short(call.number("epsilon", 1e-5))})
    return build.layer(layer, [x], x.axis, {"weight": ConstantInput(weight), "bias": ConstantInput(bias)})


@operator("MeanVarianceNormalization")
def _mvn(build: Builder, call: Call) -> Value:
    x = call.input(0)
    if x.axis in (call.integers("axes") or (0, 2, 3)):
        if build.baked > 1:
            raise UnfitError("it summarises the batch")
        build.single.append(call.op)
    places = tuple([i for i in [x.own(axis) for axis in call.integers("axes") or (0, 2, 3)] if i is not None])
    return build.layer(made("layernorm", {"axis": places, "eps": 1e-9, "affine": False}), [x], x.axis)


@operator("LRN")
def _lrn(build: Builder, call: Call) -> Value:
    x = feature_map(call.input(0))
    numbers = {"alpha": 1e-4, "beta": 0.75, "bias": 1.0}
    alpha, beta, k = [_short(call.number(name, default)) for name, default in numbers.items()]
    return build.step("lrn", [x], x.axis, size=call.integer("size", 1), alpha=alpha, beta=beta, k=k)
