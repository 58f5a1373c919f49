"""Operators whose number of output rows depends on the data: the largest possible number is counted."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.evaluator_moves import position
from cnncalc.importers.onnx.opaque import Opaque
from cnncalc.importers.onnx.operators.contraction import feature_map
from cnncalc.importers.onnx.operators.opaque import uncounted
from cnncalc.importers.onnx.operators.parts import gathered
from cnncalc.importers.onnx.proto import INT64
from cnncalc.importers.onnx.values import Call, UnfitError, Value, literal
from cnncalc.layers.shapes import Shape


def variable_output(
    build: Builder, call: Call, values: list[Value], most: int, before: Shape = (), behind: Shape = ()
) -> Value:
    """Return an output with at most ``most`` rows per sample; ``before`` and ``behind`` are its other axes' sizes."""
    live = [value for value in values if value.is_live]
    if not live or not most:
        raise UnfitError("its output's shape is not known before it runs")
    build.variable_rows.append(call.operator.label)
    y = build.layer(Opaque(op=call.op, shape=(*before, most, *behind)), live, None)
    y.dtype = values[0].dtype
    return y


@operator("NonZero")
def _nonzero(build: Builder, call: Call) -> Value:
    x = call.input(0)
    y = variable_output(build, call, [x], x.elements, before=(max(x.rank, 1),))
    y.dtype = INT64
    return y


@operator("NonMaxSuppression")
def _non_max_suppression(build: Builder, call: Call) -> Value:
    """Return (sample, class, box) of each box that is kept.

    https://onnx.ai/onnx/operators/onnx__NonMaxSuppression.html
    """
    boxes, scores, most = call.input(0), call.input(1), call.given(2)
    if scores.rank != 3:
        raise UnfitError(f"scores of {scores.rank} axes, not of batch, classes and boxes")
    rows, count = prod(scores.shape[:-1]), scores.shape[-1]
    each = count if most is None or most.number is None else min(int(most.number), count)
    y = variable_output(build, call, [boxes, scores], rows * each, behind=(3,))
    y.dtype = INT64
    return y


@operator("Unique")
def _unique(build: Builder, call: Call) -> Sequence[Value | None]:
    """Return the distinct elements, their first places, the inverse indices, and the counts."""
    x, axis = call.input(0), call.operator.attributes.get("axis")
    own = x.sample_axis(position(axis, x.rank)) if isinstance(axis, int) else None
    if isinstance(axis, int) and own is None:
        raise UnfitError("it goes along the batch")
    most, before, behind = (x.elements, (), ()) if own is None else (x.shape[own], x.shape[:own], x.shape[own + 1 :])
    y = [
        variable_output(build, call, [x], most, before, behind),
        *[variable_output(build, call, [x], most) for _ in range(3)],
    ]
    for value in y[1:]:
        value.dtype = INT64
    return y


@operator("Compress")
def _compress(build: Builder, call: Call) -> Value:
    x, axis = call.input(0), call.operator.attributes.get("axis")
    if not isinstance(axis, int):
        return variable_output(build, call, [x, call.input(1)], x.elements)
    own = x.sample_axis(position(axis, x.rank))
    if own is None:
        raise UnfitError("it takes a part of the batch")
    chosen = [index for index, is_chosen in enumerate(call.input(1).data or ()) if is_chosen]
    if chosen:
        return gathered(build, x, literal(tuple(chosen), (len(chosen),)), position(axis, x.rank))
    return variable_output(build, call, [x, call.input(1)], x.shape[own], x.shape[:own], x.shape[own + 1 :])


@operator("RoiAlign", "MaxRoiPool")
def _pooled_regions(build: Builder, call: Call) -> Value:
    """Return each region of a map, pooled to one size (https://onnx.ai/onnx/operators/onnx__RoiAlign.html)."""
    x, regions = feature_map(call.input(0)), call.input(1)
    size = call.integers("pooled_shape") or (call.integer("output_height", 1), call.integer("output_width", 1))
    together = regions.axis == 0 and regions.is_live
    if together:  # the regions of all samples follow each other along the batch axis
        regions = build.unbatched(regions)
    shape = (regions.shape[0], x.shape[-3], *size)
    if not together:
        build.one_sample_only.append(call.operator.label)
    settings: dict[str, object] = {}
    if call.op == "RoiAlign" and x.axis == 0:
        places = call.text("coordinate_transformation_mode", "half_pixel" if call.opset > 15 else "output_half_pixel")
        settings = {
            "size": tuple(size), "scale": call.number("spatial_scale", 1.0), "samples": call.integer("sampling_ratio"),
            "mode": call.text("mode", "avg"), "half_pixel": places == "half_pixel",
        }  # fmt: skip
    elif x.axis == 0:
        settings = {"size": tuple(size), "scale": call.number("spatial_scale", 1.0)}
    inputs = [x, build.tensor(regions)]
    y = uncounted(build, call, shape, None, inputs, "", **settings)
    return build.step("fold", [y], 0, axis=0) if together else y
