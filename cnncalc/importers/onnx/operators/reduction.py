"""Operators that reduce axes, or compute along one."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.evaluator_moves import position
from cnncalc.importers.onnx.operators.elementwise import merged
from cnncalc.importers.onnx.operators.movement import with_axes
from cnncalc.importers.onnx.operators.parts import at_indices
from cnncalc.importers.onnx.proto import INT64
from cnncalc.importers.onnx.steps import layer_of
from cnncalc.importers.onnx.values import Call, UnfitError, Value, alias, literal

LAYERS = {
    "ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "max", "ReduceMin": "min", "ReduceProd": "prod",
    "ReduceL1": "norm1", "ReduceL2": "norm2",
}  # fmt: skip


def reduced(build: Builder, name: str, x: Value, axes: Sequence[int], keeps: bool) -> Value:
    """Return a value reduced over axes of the file's shape by a layer: "sum", "mean", "argmax".

    Raises:
        UnfitError: if the batch is one of them, and has more than one sample in the file.
    """
    own = [x.sample_axis(axis) for axis in axes]
    places = sorted([i for i in own if i is not None])
    with_batch = None in own
    if with_batch:
        if x.times > 1:
            raise UnfitError("it summarises the batch")
        build.require_one_sample("it summarises the batch")
    axis = x.axis
    if axis is not None and not keeps:
        gone = {i + x.rank if i < 0 else i for i in axes}
        axis = None if with_batch else axis - sum([i < axis for i in gone])
    if not places:  # each result is of one element
        return alias(build.step("abs", [x]) if name in ("norm1", "norm2") else x, x.shape, axis)
    spatial = list(range(1, len(x.shape)))
    if name in ("mean", "max") and places == spatial and x.axis == 0 and x.is_live:
        pooled = build.step("global_avgpool" if name == "mean" else "global_maxpool", [x], axis)
        return pooled if keeps else build.step("flatten", [pooled], axis)
    made_of = build.layer(layer_of(name, {"axis": tuple(places), "keepdims": keeps}), [x], axis)
    if with_batch and keeps and made_of.is_live and len(places) == len(x.shape):  # one number for the only sample
        return alias(made_of, (1, *made_of.shape), None)
    return alias(made_of, (), axis) if not keeps and len(places) == len(x.shape) and made_of.is_live else made_of


def axes_of(call: Call, x: Value, since: int) -> Sequence[int] | None:
    """Return the axes of a reduction: if it names none, all of them, or None if it then changes nothing."""
    axes = call.listed("axes", 1, since)
    if axes:
        return axes
    return None if call.integer("noop_with_empty_axes") == 1 else range(x.rank)


@operator(*LAYERS)
def _reduce(build: Builder, call: Call) -> Value:
    x = call.input(0)
    axes = axes_of(call, x, 13 if call.op == "ReduceSum" else 18)
    if axes is None:
        return x.copy()
    return reduced(build, LAYERS[call.op], x, axes, bool(call.integer("keepdims", 1)))


@operator("ReduceSumSquare", "ReduceLogSum")
def _reduce_composed(build: Builder, call: Call) -> Value:
    x = call.input(0)
    axes = axes_of(call, x, 18) or ()
    if call.op == "ReduceSumSquare":
        x = build.step("power", [x], exponent=2.0)
    x = reduced(build, "sum", x, axes, bool(call.integer("keepdims", 1)))
    return x if call.op == "ReduceSumSquare" else build.step("log", [x])


@operator("ReduceLogSumExp")
def _log_sum_exp(build: Builder, call: Call) -> Value:
    """As runtimes do, it takes the powers relative to the largest one, so that none is too large for float32."""
    x = call.input(0)
    axes = axes_of(call, x, 18) or ()
    largest = reduced(build, "max", x, axes, True)
    powers = build.step("exp", [merged(build, "subtract", [x, largest])])
    total = build.step("log", [reduced(build, "sum", powers, axes, True)])
    y = merged(build, "add", [total, largest])
    gone = {position(axis, x.rank) for axis in axes}
    return y if call.integer("keepdims", 1) else with_axes(build, y, [i for i in range(x.rank) if i not in gone])


@operator("ArgMax", "ArgMin")
def _argmax(build: Builder, call: Call) -> Value:
    x, at = call.input(0), call.integer("axis")
    if x.sample_axis(at) is None:
        raise UnfitError("it selects from the batch")
    x = build.step("neg", [x]) if call.op == "ArgMin" else x
    own = x.sample_axis(at) if call.integer("select_last_index") else None
    if own is not None:
        x = at_indices(build, x, own, range(x.shape[own])[::-1])
    y = reduced(build, "argmax", x, (at,), bool(call.integer("keepdims", 1)))
    if own is not None:
        y = build.step("affine", [y], mul=-1.0, add=x.shape[own] - 1.0)
    y.dtype = INT64
    return y


@operator("TopK")
def _topk(build: Builder, call: Call) -> Sequence[Value | None]:
    x = call.input(0)
    k = call.integer("k") if call.opset < 10 else (call.sizes(1, "k") or (0,))[0]
    at = x.sample_axis(call.integer("axis", -1))
    if at is None:
        raise UnfitError("it selects from the batch")
    largest = bool(call.integer("largest", 1))
    values, indices = [
        build.step("topk", [x], x.axis, None, k=k, axis=at, largest=largest, output=what)
        for what in ("values", "indices")
    ]
    indices.dtype = INT64
    return values, indices


@operator("CumSum")
def _cumsum(build: Builder, call: Call) -> Value:
    x = call.input(0)
    axis = call.sizes(1, "axis") or (0,)
    at = x.sample_axis(axis[0])
    if at is None:
        raise UnfitError("it sums along the batch")
    reverse, exclusive = bool(call.integer("reverse")), bool(call.integer("exclusive"))
    return build.step("cumsum", [x], x.axis, None, axis=at, reverse=reverse, exclusive=exclusive)


@operator("Softmax", "LogSoftmax", "Hardmax")
def _softmax(build: Builder, call: Call) -> Value:
    x = call.input(0)
    axis = call.integer("axis", -1 if call.opset >= 13 else 1)
    axis = axis + x.rank if axis < 0 else axis
    name = {"Softmax": "softmax", "LogSoftmax": "log_softmax"}.get(call.op)
    own = x.sample_axis(axis) if axis < x.rank else None
    if own is None:
        raise UnfitError("it works along the batch")
    if name is None:  # Hardmax: 1 at the first of the largest elements, else 0
        if call.opset < 13 and x.shape[own + 1 :]:
            raise UnfitError("it takes several axes as one")
        largest = build.step("argmax", [x], x.axis, axis=own, keepdims=True)
        places = literal(tuple(range(x.shape[own])), (x.shape[own], *(1,) * (x.rank - 1 - axis)))
        return merged(build, "compare", [largest, places], by="equal")
    if call.opset < 13 and any(size > 1 for size in x.shape[own + 1 :]):  # older opsets take all axes from it on as one
        flat = build.view(x, (*x.shape[:own], prod(x.shape[own:])), x.axis)
        return build.view(build.step(name, [flat], x.axis, None, axis=own), x.shape, x.axis)
    return build.step(name, [x], x.axis, None, axis=own)


@operator("LpNormalization")
def _lp_normalization(build: Builder, call: Call) -> Value:
    x = call.input(0)
    at = x.sample_axis(call.integer("axis", -1))
    if at is None or call.integer("p", 2) != 2:
        raise UnfitError("only p = 2, along an axis of the samples, is supported")
    return build.step("l2_normalize", [x], x.axis, None, axis=at)
