"""Operators that take parts of tensors, or join tensors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import prod

from cnncalc.ground.limits import MAX_KNOWN_ELEMENTS
from cnncalc.importers.onnx.batch import size_in_file
from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.evaluator_moves import position, python_slice, slices, split_sizes
from cnncalc.importers.onnx.operators.elementwise import (
    affine,
    aligned_tensors,
    counted_from_start,
    merged,
    of_first_sample,
)
from cnncalc.importers.onnx.operators.movement import with_batch_axis
from cnncalc.importers.onnx.steps import own_tensors
from cnncalc.importers.onnx.values import Call, UnfitError, Value, alias, literal, whole
from cnncalc.layers.shapes import Shape, axis_index

PARTS_PER_OPERATOR = 512
"""Tensors of a concatenation that can be passed over in the time that an operator takes."""


def sliced(build: Builder, x: Value, axis: int, start: int, stop: int, step: int) -> Value:
    """Return a slice of one axis of the file's shape, or the value itself if the slice is all of it.

    Raises:
        UnfitError: if it is a part of the batch.
    """
    own = x.sample_axis(axis)
    size = x.dims[axis] if own is None else x.shape[own]
    chosen = range(size)[python_slice(start, stop, step, size)]
    if chosen == range(size):
        return x
    if own is None:
        plain = range(build.file_batch * x.times)[python_slice(start, stop, step, build.file_batch * x.times)]
        if plain == range(build.file_batch * x.times):
            build.one_sample_only.append(build.call.operator.label)
            return x
        if x.times > 1 and build.file_batch == 1 and len(plain):
            split = build.step("unfold", [x], None, size=x.times, axis=0)
            cut = build.step("slice", [split], None, axis=0, start=plain[0], stop=plain[-1] + 1, step=plain.step)
            folded = build.step("fold", [cut], None, axis=0)
            return alias(folded, folded.shape, axis)
        raise UnfitError("it takes a part of the batch")
    if not len(chosen) or not x.is_live:  # an empty part is allowed: it may be concatenated with others
        shape = (*x.shape[:own], len(chosen), *x.shape[own + 1 :])
        place = {"axis": own, "start": chosen.start, "stop": chosen.stop, "step": chosen.step}
        return build.derived("Part", x, shape=shape, **place)
    if chosen.step > 0:
        by = chosen.step if chosen.step > 1 else None
        end = chosen[-1] + 1 if chosen.stop < size else None
        return build.step("slice", [x], x.axis, axis=own, start=chosen[0], stop=end, step=by)
    if len(chosen) > MAX_KNOWN_ELEMENTS:
        raise UnfitError(f"an axis of {size} backwards")
    return at_indices(build, x, own, chosen)


@operator("Slice")
def _slice(build: Builder, call: Call) -> Value:
    x = call.input(0)
    for axis, start, stop, step in slices(call, x.rank):
        x = sliced(build, x, axis, int(start), int(stop), int(step))
    return x.copy() if x is call.input(0) else x


@operator("Split")
def _split(build: Builder, call: Call) -> Sequence[Value | None]:
    x = call.input(0)
    axis = position(call.integer("axis"), x.rank)
    return pieces(build, x, axis, split_sizes(call, size_in_file(x.dims[axis], build.file_batch)))


def pieces(build: Builder, x: Value, axis: int, sizes: Sequence[int]) -> list[Value]:
    """Return the parts of some sizes into which an axis of the file's shape is cut."""
    ends = accumulate(sizes)
    parts = [sliced(build, x, axis, end - size, end, 1) for end, size in zip(ends, sizes, strict=True)]
    return [part.copy() if part is x else part for part in parts]


@operator("Gather")
def _gather(build: Builder, call: Call) -> Value:
    x, chosen = call.input(0), call.input(1)
    axis = position(call.integer("axis"), x.rank)
    if chosen.axis is not None and x.axis not in (None, axis):
        build.require_one_sample("each sample is indexed by those of all samples")
        chosen = build.unbatched(chosen)
    return gathered(build, x, chosen, axis)


def gathered(build: Builder, x: Value, chosen: Value, axis: int) -> Value:
    """Return the elements of a value at some indices of an axis of the file's shape."""
    if not x.is_live and not chosen.is_live:
        shape = (*x.shape[:axis], *chosen.shape, *x.shape[axis + 1 :])
        return build.derived("Gather", x, chosen, shape=shape, axis=axis)
    own = x.sample_axis(axis) if x.is_live else axis
    if chosen.is_live:
        taken = _gathered_at_computed(build, x, chosen, axis)
        at = axis if own is None and chosen.axis is None else own or 0  # of an index for each sample, no axis is left
        return taken if chosen.shape else build.view(taken, taken.shape[:at] + taken.shape[at + 1 :], taken.axis)
    if own is None:
        return _gathered_from_batch(build, x, chosen, axis)
    size = x.shape[own]
    if chosen.data is None:
        table = build.parameter(chosen, chosen.shape)
        return build.step("gather", [x, table], _batch_axis_after(x.axis, axis, chosen.rank), axis=own)
    if min(chosen.data, default=0) < -size or max(chosen.data, default=0) >= size:
        raise UnfitError(f"an index is not one of the {size} of its axis")
    indices = [int(i) + size if i < 0 else int(i) for i in chosen.data]
    if not chosen.shape:
        x, indices[0] = _joined_part(build, x, own, indices[0])
        taken = build.step("select", [x], _batch_axis_after(x.axis, axis, 0), axis=own, index=indices[0])
        return alias(taken, (), taken.axis) if len(x.shape) == 1 else taken
    steps = {b - a for a, b in pairwise(indices)} or {1}
    if len(steps) == 1 and min(steps) > 0:
        picked = sliced(build, x, axis, indices[0], indices[-1] + 1, *steps)
    else:
        picked = at_indices(build, x, own, indices)
    if chosen.rank == 1:
        return picked.copy() if picked is x else picked
    shape = (*x.shape[:own], *chosen.shape, *x.shape[own + 1 :])
    return build.view(picked, shape, _batch_axis_after(x.axis, axis, chosen.rank))


def _joined_part(build: Builder, x: Value, axis: int, index: int) -> tuple[Value, int]:
    """Return the tensor of a concatenation that an index of a sample's axis lies in, and the index in that tensor."""
    step = x.step
    if step is None or step.layer.type != "concat" or axis_index(step["axis"], x.shape) != axis:
        return x, index
    build.count_operators(len(step.inputs) // PARTS_PER_OPERATOR)
    ends = [*accumulate([part.shape[axis] for part in step.inputs])]
    part, end = next((part, end) for part, end in zip(step.inputs, ends, strict=True) if index < end)
    return (part, index - end + part.shape[axis]) if part.axis == x.axis else (x, index)


def at_indices(build: Builder, x: Value, axis: int, indices: Sequence[int]) -> Value:
    """Return the elements at known indices of a sample's axis, which are written as a grid if it is much shorter."""
    sizes, steps = grid_of(indices)
    if 0 < 4 * len(sizes) < len(indices):  # a single index has no grid
        return build.step("gather", [x], x.axis, axis=axis, start=indices[0], sizes=sizes, steps=steps)
    return build.step("gather", [x], x.axis, axis=axis, indices=tuple(indices))


def grid_of(indices: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return sizes and steps of a grid of indices, such that the first one plus multiples of the steps are all.

    The last size is that of the longest run of equal steps that indices begin with, if all further runs are equal to
    it; the starts of the runs are a grid again.  Otherwise each index is a run of its own, so that sizes are many.
    """
    sizes: list[int] = []
    steps: list[int] = []
    while len(indices) > 1:
        step = indices[1] - indices[0]
        pairs = enumerate(pairwise(indices), 1)
        size = next((place for place, (a, b) in pairs if b - a != step), len(indices))
        starts = indices[::size]
        if len(indices) % size or [*indices] != [start + i * step for start in starts for i in range(size)]:
            return tuple(indices), ()
        sizes.insert(0, size)
        steps.insert(0, step)
        indices = starts
    return tuple(sizes), tuple(steps)


def _batch_axis_after(batch: int | None, axis: int, rank: int) -> int | None:
    """Return the batch axis after ``axis`` has been replaced by ``rank`` axes."""
    return batch if batch is None or batch < axis else batch + rank - 1


def _gathered_from_batch(build: Builder, x: Value, chosen: Value, axis: int) -> Value:
    """Return what a file gathers along its batch axis: of each sample, or of the one sample that it is for."""
    if chosen.sample_step == x.times and chosen.shape[:1] == (1,) and chosen.data is not None:  # rows of all samples
        whole = build.step("unfold", [x], None, size=x.times, axis=0)
        return gathered(build, alias(whole, whole.shape, 0), literal(chosen.data, chosen.shape[1:], chosen.dtype), 1)
    build.one_sample_only.append(build.call.operator.label)
    if x.times > 1:  # the arrays of one sample lie along the batch axis
        picked = build.step("gather", [build.unbatched(x), build.parameter(chosen, chosen.shape)], None, axis=0)
        return with_batch_axis(build, picked, picked.shape)
    if chosen.data is None or set(chosen.data) - {0, -1}:
        raise UnfitError("it takes a part of the batch")
    if not chosen.shape:
        return alias(x, x.shape, None)
    if chosen.shape == (1,):
        return alias(x, x.shape, axis)
    raise UnfitError("it repeats the batch")


def _gathered_at_computed(build: Builder, table: Value, chosen: Value, axis: int) -> Value:
    """Return the elements of a table, or of a computed tensor, at computed indices."""
    batch = None if chosen.axis is None else axis + chosen.axis
    if not table.is_live and table.rank == 2 and axis == 0:
        embedded = build.step(
            "embedding", [chosen], batch, own_tensors(weight=table), num_embeddings=table.shape[0],
            embedding_dim=table.shape[1],
        )  # fmt: skip
        embedded.dtype = table.dtype
        return embedded
    own = table.sample_axis(axis) if table.is_live else axis
    if (
        own is None and chosen.sample_step == table.times and chosen.axis == 0
    ):  # rows of all samples lie one after the other
        whole = build.step("unfold", [table], None, size=table.times, axis=0)
        return build.step("gather", [alias(whole, whole.shape, 0), chosen.copy()], 0, axis=0)
    if (
        own is None and chosen.axis is None and build.file_batch == 1
    ):  # rows of the one sample that the file was made for
        build.one_sample_only.append(build.call.operator.label)
        return build.step("gather", [build.unbatched(table), chosen], None, axis=axis)
    if own is None and chosen.axis == axis == 0 and chosen.rank == 1 and build.file_batch == 1:  # both are flat
        build.one_sample_only.append(build.call.operator.label)
        rows, places = [build.step("unfold", [one], None, size=one.times, axis=0) for one in (table, chosen)]
        taken = build.step("gather", [alias(rows, rows.shape, 0), alias(places, places.shape, 0)], 0, axis=0)
        return build.step("fold", [taken], 0, axis=0)
    if own is None:
        raise UnfitError("it takes a part of the batch")
    build.require_equal_samples([chosen])
    live = build.tensor(table)
    batch = batch if live.axis is None else _batch_axis_after(live.axis, axis, chosen.rank)
    return build.step("gather", [live, chosen], batch, axis=own)


@operator("GatherND")
def _gather_nd(build: Builder, call: Call) -> Value:
    x, chosen, shared = call.input(0), call.input(1), call.integer("batch_dims")
    last = chosen.sample_axis(-1)
    if last is None:
        raise UnfitError("its indices have the batch as their last axis")
    depth, rows = chosen.shape[last], chosen.shape[:last]
    if not x.is_live and not chosen.is_live:
        return Value("", (*rows, *x.shape[shared + depth :]), x.dtype)
    if not shared and (depth == 1 or (not chosen.is_live and (x.axis is None or x.axis >= depth))):
        if depth > 1:
            rest = x.shape[depth:]
            chosen = flat_indices(build, chosen, x.shape[:depth])
            x = build.view(x, (prod(x.shape[:depth]), *rest), None if x.axis is None else x.axis - depth + 1)
        else:
            chosen = build.view(chosen, rows, chosen.axis)
        return gathered(build, x, chosen, 0)
    if not shared and x.axis == 0 and x.times == build.file_batch == 1 and chosen.is_live and chosen.axis is None:
        build.one_sample_only.append(call.operator.label)  # the first index is that of the one sample
        places = build.step("slice", [chosen], None, axis=last, start=1, stop=depth)
        flat = flat_indices(build, places, x.shape[: depth - 1])
        return gathered(build, build.view(x, (prod(x.shape[: depth - 1]), *x.shape[depth - 1 :]), None), flat, 0)
    if not shared and x.axis == 0 and x.times == build.file_batch == 1 and rows[:1] == (1,) and chosen.axis is None:
        build.one_sample_only.append(call.operator.label)
        flat = flat_indices(build, without_sample(build, chosen), x.shape[: depth - 1])
        one = build.view(x, (prod(x.shape[: depth - 1]), *x.shape[depth - 1 :]), 0)
        y = gathered(build, one, flat, 1)
        return build.view(y, y.shape[1:], 0)
    if not shared and x.axis == chosen.axis == 0 and begins_with_sample(build, chosen):
        chosen, depth, shared = without_sample_index(build, chosen), depth - 1, 1
    if (x.axis, chosen.axis, shared) != (0, 0, 1):
        raise UnfitError("it takes a part of the batch")
    whole = build.view(x, (prod(x.shape[:depth]), *x.shape[depth:]), 0)
    return gathered(build, whole, flat_indices(build, chosen, x.shape[:depth]), 1)


def begins_with_sample(build: Builder, chosen: Value) -> bool:
    """Whether the first of computed indices (N, …, axes) is always that of the sample."""
    first = chosen.step.inputs[0].step if chosen.step is not None and chosen.step.layer.type == "concat" else None
    if first is None or first.layer.type != "parameter" or first.tensors["weight"].value.fill != 0:
        return False
    if chosen.sample_step is None:
        build.require_one_sample("it takes a part of the batch")
    return first.output.shape[-1:] == (1,) and chosen.sample_step in (None, 1)


def without_sample_index(build: Builder, chosen: Value) -> Value:
    """Return computed indices (N, …, axes) without the first, for which :func:`begins_with_sample` holds."""
    joined = chosen.step.inputs[1:] if chosen.step is not None else []
    places = joined[0] if len(joined) == 1 else build.step("concat", joined, axis=-1)
    return build.view(places, (*chosen.shape[:-1], places.shape[-1]), chosen.axis)


def without_sample(build: Builder, chosen: Value) -> Value:
    """Return constant indices (…, axes) without the first, which is that of the only sample."""
    *rows, depth = chosen.shape
    shape = (*rows, depth - 1)
    if chosen.data is None:
        return build.derived("Part", of_first_sample(chosen), shape=shape, axis=len(rows), start=1, stop=depth)
    return literal(tuple([item for number, item in enumerate(chosen.data) if number % depth]), shape)


def flat_indices(build: Builder, chosen: Value, sizes: Shape) -> Value:
    """Return indices (…, axes) of several axes as indices (…) of these axes as one."""
    shape = chosen.shape[:-1]
    if chosen.is_live and len(sizes) == 1:
        return build.view(chosen, shape, chosen.axis)
    if chosen.is_live:
        terms = []
        for i, size in enumerate(sizes):
            term = gathered(build, chosen, literal((i,), ()), chosen.rank - 1)
            term = counted_from_start(build, term, size) if i else term  # the sum may be below 0
            terms.append(affine(build, term, mul=float(prod(sizes[i + 1 :]))))
        place = merged(build, "add", terms)
        return alias(place, shape, place.axis)
    build.require_equal_samples([chosen])
    if chosen.data is None:
        return build.derived("FlatIndices", chosen, shape=shape, sizes=list(sizes))
    flat = []
    for at in range(0, len(chosen.data), len(sizes)):
        number = 0
        for index, size in zip(whole(chosen.data[at : at + len(sizes)]), sizes, strict=True):
            number = number * size + (index + size if index < 0 else index)
        flat.append(number)
    return literal(tuple(flat), shape)


@operator("Concat")
def _concat(build: Builder, call: Call) -> Value:
    values = [call.input(i) for i in range(len(call.inputs)) if 0 not in call.input(i).shape]
    rank = max(value.rank for value in values)
    axis = position(call.integer("axis", 1 if call.opset < 4 else 0), rank)
    if len(values) == 1:
        return values[0].copy()
    if not any(value.is_live for value in values):
        shape = list(values[0].shape)
        shape[axis] = sum(value.shape[axis] for value in values)
        return Value("", tuple(shape), values[0].dtype)
    step = values[0].sample_step if axis == rank - 1 else None  # of indices, the first that of the sample
    live, batch = aligned_tensors(build, values if step is None else [of_first_sample(values[0]), *values[1:]])
    if axis == batch:
        build.require_one_sample("it puts samples after those of another batch")
        rows = [build.unbatched(value) for value in live]
        folded = build.step("fold", [build.step("concat", rows, None, axis=axis)], None, axis=axis)
        return alias(folded, folded.shape, batch)
    own = axis if batch is None or axis < batch else axis - 1
    y = build.step("concat", live, batch, axis=own)
    y.sample_step = step
    return y
