"""Operators that gather and scatter single elements."""

from __future__ import annotations

from math import prod

from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.operators.elementwise import aligned_tensors
from cnncalc.importers.onnx.operators.opaque import uncounted
from cnncalc.importers.onnx.operators.parts import (
    begins_with_sample,
    flat_indices,
    without_sample,
    without_sample_index,
)
from cnncalc.importers.onnx.values import Call, UnfitError, Value, alias
from cnncalc.layers.shapes import Shape


def _axis_of_sample(build: Builder, call: Call, rank: int, batch: int | None) -> int:
    """Return an operator's axis as an axis of the sample.  Raises UnfitError if it is the batch."""
    alike = [value is not None and (value.is_live or value.fill is not None) for value in call.inputs]
    if batch is not None and not all(alike):
        build.require_one_sample("its constants are those of one sample")
    at = call.integer("axis")
    at = at + rank if at < 0 else at
    if not 0 <= at < rank or at == batch:
        raise UnfitError("it goes along the batch")
    return at if batch is None or at < batch else at - 1


@operator("GatherElements")
def _gather_elements(build: Builder, call: Call) -> Value:
    values = [call.input(0), call.input(1)]
    live, axis = aligned_tensors(build, values)
    return build.step("gather_elements", live, axis, axis=_axis_of_sample(build, call, values[0].rank, axis))


@operator("ScatterElements", "Scatter")
def _scatter_elements(build: Builder, call: Call) -> Value:
    values = [call.input(index) for index in range(3)]
    live, axis = aligned_tensors(build, values)
    how = call.text("reduction", "none")
    return build.step("scatter", live, axis, axis=_axis_of_sample(build, call, values[0].rank, axis), reduce=how)


@operator("ScatterND")
def _scatter_nd(build: Builder, call: Call) -> Value:
    """Return a tensor with updates written at some indices; the indexed axes are merged for the layer."""
    x, chosen, updates = [call.input(index) for index in range(3)]
    if not any(value.is_live for value in (x, chosen, updates)):
        return Value("", x.shape, x.dtype)
    batch, depth = (x if x.is_live else updates).axis, chosen.dims[-1]
    if depth == 1 and chosen.axis == batch == updates.axis == 0 and build.file_batch == 1:
        return _scattered_in_one_axis(build, x, chosen, updates, call.text("reduction", "none"))
    sizes = x.shape if x.is_live or batch is None else (*x.shape[:batch], *x.shape[batch + 1 :])
    if chosen.axis == batch == 0 and depth > 1 and begins_with_sample(build, chosen):
        chosen, depth = without_sample_index(build, chosen), depth - 1
    elif chosen.axis is not None or (batch and batch < depth):
        raise UnfitError("its indices differ from sample to sample")
    elif batch == 0:  # the file was made for one sample, whose index is 0
        is_written = call.text("reduction", "none") == "none"
        if is_written and (_is_whole(chosen, (1, *sizes)) or (chosen.elements == 1 and chosen.fill == 0)):
            return _batch_first(build, updates, sizes)
        chosen, depth = _without_batch_index(build, chosen), depth - 1
    rest, flat = sizes[depth:], flat_indices(build, chosen, sizes[:depth])
    count = flat.elements
    tensors = [
        _batch_first(build, x, (prod(sizes[:depth]), *rest)),
        _batch_first(build, flat, (count, *(1,) * len(rest))),
        _batch_first(build, updates, (count, *rest)),
    ]
    return build.view(build.step("scatter", tensors, reduce=call.text("reduction", "none")), sizes, batch)


def _is_whole(chosen: Value, sizes: Shape) -> bool:
    """Whether indices are those of all elements in their order, as PyTorch writes ``x[:, :] = y`` (MViTv2)."""
    source = chosen.source
    if not isinstance(source, Call) or source.op != "Concat" or chosen.shape != (*sizes, len(source.inputs)):
        return False
    if len(source.inputs) != len(sizes):
        return False
    for axis, places in enumerate(source.inputs):
        column = places.source if places is not None and places.shape == (*sizes, 1) else None
        grid = column.given(0) if isinstance(column, Call) and column.op in ("Unsqueeze", "Reshape") else None
        if grid is None or grid.shape != sizes or not isinstance(grid.source, Call) or grid.source.op != "Expand":
            return False
        row, wanted = grid.source.input(0), (sizes[axis], *[1] * (len(sizes) - 1 - axis))
        if row.shape[-len(wanted) :] != wanted or row.data is None or row.data != tuple(range(sizes[axis])):
            return False
    return True


def _scattered_in_one_axis(build: Builder, x: Value, chosen: Value, updates: Value, how: str) -> Value:
    """Return a tensor whose samples lie one after the other in its first axis, with updates of each sample written."""
    count, times = x.times if x.is_live else x.shape[0], chosen.times
    if updates.times != times:
        raise UnfitError(f"{times} indices of each sample, but {updates.times} updates")
    if chosen.sample_step != count:
        build.one_sample_only.append(build.call.operator.label)
    rest = updates.shape or (1,)
    places, new = [
        build.step("unfold", [build.view(value, shape, 0)], None, size=times)
        for value, shape in ((chosen, (1,) * len(rest)), (updates, rest))
    ]
    old = build.step("unfold", [x], None, size=count) if x.is_live else build.parameter(x, (count, *rest))
    written = build.step("scatter", [old, places, new], None, reduce=how)
    return alias(build.step("fold", [written], None), updates.shape, 0)


def _batch_first(build: Builder, value: Value, shape: Shape) -> Value:
    """Return a tensor in another shape, with the batch as its first axis."""
    if not value.is_live:
        return build.parameter(value, shape)
    return build.view(value, shape, None if value.axis is None else 0)


def _without_batch_index(build: Builder, chosen: Value) -> Value:
    """Return indices without the first one, that of the sample.  Raises UnfitError if it is not always 0."""
    depth = chosen.shape[-1]
    if depth < 2 or chosen.is_live or (chosen.data is not None and any(chosen.data[::depth])):
        raise UnfitError("it writes to samples of the batch")
    return without_sample(build, chosen)


@operator("GridSample")
def _grid_sample(build: Builder, call: Call) -> Value:
    x, grid = [one_sample(build, call.input(index)) for index in (0, 1)]
    mode = call.text("mode", "linear")
    mode = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    if {x.axis, grid.axis} - {0, None}:
        return uncounted(build, call, (x.shape[0], *grid.shape[:-1]), x.axis)
    outside = call.text("padding_mode", "zeros")
    corners = bool(call.integer("align_corners"))
    return build.step("grid_sample", [x, grid], mode=mode, padding_mode=outside, align_corners=corners)


def one_sample(build: Builder, value: Value) -> Value:
    """Return a value as a tensor; a constant for one sample becomes a parameter that all samples share."""
    if value.is_live:
        return value
    return build.parameter(value, value.shape[1:] if value.shape[:1] == (1,) else value.shape)
