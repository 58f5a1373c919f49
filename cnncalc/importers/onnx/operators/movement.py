"""Operators that change the shape or the order of elements, repeat them, or pad them."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd, prod

from cnncalc.importers.onnx.batch import size_in_file
from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.evaluator import broadcast
from cnncalc.importers.onnx.evaluator_moves import position, reshaped_sizes
from cnncalc.importers.onnx.operators.contraction import permuted
from cnncalc.importers.onnx.operators.elementwise import LARGEST
from cnncalc.importers.onnx.values import SAMPLES, Call, UnfitError, Value, alias
from cnncalc.layers.shapes import Shape


@operator("Reshape")
def _reshape(build: Builder, call: Call) -> Value:
    x = call.input(0)
    target = call.listed("shape", 1, 5) or ()
    return reshaped(build, x, target, bool(call.integer("allowzero")))


@operator("Flatten")
def _flatten(build: Builder, call: Call) -> Value:
    x, at = call.input(0), call.integer("axis", 1)
    at = at + x.rank if at < 0 else at
    if x.axis == 0 and at == 1 and len(x.shape) > 1:
        return build.step("flatten", [x])
    return reshaped(build, x, [prod(x.dims[:at]), prod(x.dims[at:])])


def reshaped(build: Builder, x: Value, target: Sequence[int], allowzero: bool = False) -> Value:
    """Return a value in another shape of the file.

    The batch is the axis of the new shape before which there are as many elements as before the batch axis of x; in a
    file that was made for one sample its size is 1.

    Raises:
        UnfitError: if the number of elements differs, or the batch is not an axis of the new shape.
    """
    if not x.is_live:
        return build.view(x, reshaped_sizes(x.shape, [size_in_file(size, 1) for size in target], allowzero), None)
    if x.axis is None:
        shape = reshaped_sizes(x.shape, [size_in_file(size, build.file_batch) for size in target], allowzero)
        stated = [i for i, size in enumerate(target) if size > 0 and size % SAMPLES == 0]
        if x.before_batch is not None and not stated:
            before, times = x.before_batch
            stated = [i for i, size in enumerate(shape) if size == times and prod(shape[:i]) == before]
            if stated and times > 1:
                return build.step("fold", [build.view(x, shape, None)], stated[0], axis=stated[0])
        return with_batch_axis(build, x, shape, stated[0] if stated else 0)
    if not allowzero and x.axis < len(target) and not target[x.axis]:  # it keeps the batch where it is
        target = [*target[: x.axis], x.dims[x.axis], *target[x.axis + 1 :]]
    plain = tuple([size_in_file(size, build.file_batch) for size in x.dims])
    shape = reshaped_sizes(plain, [size_in_file(size, build.file_batch) for size in target], allowzero)
    before = prod(x.shape[: x.axis])
    moved = _moved_batch_axis(x, shape, target) if build.file_batch == 1 else None
    if moved is not None:
        build.one_sample_only.append(build.call.operator.label)
        return build.view(x, (*shape[:moved], *shape[moved + 1 :]), moved)
    at = _batch_axis(x, shape, target, build.file_batch)
    ends = [prod(shape[: i + 1]) for i in range(len(shape))]
    if at is None and build.file_batch == 1 and (before in ends or before * x.times in ends):
        inner = before, 1 if before in ends else x.times
        hidden = build.view(build.unbatched(x), shape, None)
        hidden.before_batch = inner
        return hidden
    if at is None:
        build.one_sample_only.append(build.call.operator.label)
        return build.view(build.view(x, x.shape, None), shape, None)
    times, rest = shape[at] // build.file_batch, (*shape[:at], *shape[at + 1 :])
    if times == x.times:
        is_flat = at == x.axis == 0 and len(rest) == 1 < len(x.shape)
        return build.step("flatten", [x]) if is_flat else build.view(x, rest, at)
    if before == 1:
        common = gcd(times, x.times)
        y = build.step("reshape", [x], at, shape=rest or (1,), fold=times // common, unfold=x.times // common)
        return alias(y, rest, at)
    x = build.view(build.unbatched(x), shape if times > 1 else rest, None)
    if times > 1:
        x = build.step("fold", [x], None, axis=at)
    return alias(x, x.shape, at)


def _moved_batch_axis(x: Value, shape: Shape, target: Sequence[int]) -> int | None:
    """Return the axis to which a new shape moves a batch of one sample; None if it does not do just that."""
    alone = x.times == 1 and shape.count(1) == 1 and 1 not in x.shape and not any(size >= SAMPLES for size in target)
    if not alone or x.axis == 0 or [size for size in shape if size > 1] != list(x.shape):
        return None
    at = shape.index(1)
    return at if at != x.axis else None


def with_batch_axis(build: Builder, x: Value, shape: Shape, at: int = 0) -> Value:
    """Return a value without a batch axis in a new shape, whose axis ``at`` becomes the batch if its size is 1."""
    if x.times and shape[at : at + 1] == (1,):
        return build.view(x, (*shape[:at], *shape[at + 1 :]), at)
    return build.view(x, shape, None)


def _batch_axis(x: Value, shape: Shape, target: Sequence[int], file_batch: int) -> int | None:
    """Return the axis of a value's new shape that is the batch, if possible the same as before; None for none."""
    stated = [i for i, size in enumerate(target) if size > 0 and size % SAMPLES == 0]
    before, kept = prod(x.shape[: x.axis]), (x.axis, x.times * file_batch)
    for at in stated or sorted(range(len(shape)), key=lambda at: (at, shape[at]) != kept):
        if prod(shape[:at]) == before and shape[at] % file_batch == 0:
            is_all = at == len(shape) - 1 > 0 and shape[at] > file_batch and not stated
            return None if is_all else at  # the batch would be the rest of a longer last axis
    return None


@operator("Squeeze")
def _squeeze(build: Builder, call: Call) -> Value:
    x = call.input(0)
    axes = call.listed("axes", 1, 13)
    dims = [size_in_file(size, build.file_batch) for size in x.dims]
    ones = [i for i, size in enumerate(x.dims) if size == 1]
    gone = {position(axis, x.rank) for axis in axes} if axes else set(ones)
    if any(dims[i] != 1 for i in gone):
        raise UnfitError(f"axes {sorted(gone)} of {dims} are not all of size 1")
    return with_axes(build, x, [i for i in range(x.rank) if i not in gone])


@operator("Unsqueeze")
def _unsqueeze(build: Builder, call: Call) -> Value:
    x = call.input(0)
    axes = call.listed("axes", 1, 13) or ()
    rank = x.rank + len(axes)
    new = {position(axis, rank) for axis in axes}
    if len(new) < len(axes):
        raise UnfitError(f"axes {list(axes)} name one twice")
    old = iter(range(x.rank))
    return with_axes(build, x, [None if i in new else next(old) for i in range(rank)])


def with_axes(build: Builder, x: Value, order: Sequence[int | None]) -> Value:
    """Return a value with axes of size 1 removed or added: ``order`` has the axes to keep, and None for new ones."""
    axis = order.index(x.axis) if x.axis is not None and x.axis in order else None
    if axis is None and x.is_live and x.times and order[:1] == [None]:
        axis = 0  # the new axis is the batch, which an earlier operator had removed
        order = [x.axis if x.axis is not None else -1, *order[1:]]
    if x.axis is not None and axis is None and x.is_live:
        build.one_sample_only.append(build.call.operator.label)
    dims = x.dims
    shape = tuple([1 if i is None else dims[i] for place, i in enumerate(order) if place != axis])
    return build.view(x, shape, axis)


@operator("Transpose")
def _transpose(build: Builder, call: Call) -> Value:
    x = call.input(0)
    order = call.integers("perm") or tuple(range(x.rank))[::-1]
    if not x.is_live:
        if sorted(order) != list(range(x.rank)):
            raise UnfitError(f"perm {order} of {x.rank} axes")
        return Value("", tuple([x.shape[i] for i in order]), x.dtype)
    return permuted(build, x, order)


# --- larger tensors ------------------------------------------------------------------------------------------


@operator("Expand")
def _expand(build: Builder, call: Call) -> Value:
    x = call.input(0)
    return expanded(build, x, call.sizes(1, "shape") or ())


def expanded(build: Builder, x: Value, target: Sequence[int]) -> Value:
    """Return a value that is repeated along its axes of size 1 so that it has the target's shape."""
    dims = broadcast([tuple([size_in_file(size, 1) for size in sizes]) for sizes in (x.dims, target)])
    if not x.is_live:
        return alias(x, dims, None) if dims == x.shape else build.derived("Expand", x, shape=dims)
    pad = len(dims) - x.rank
    axis = None if x.axis is None else x.axis + pad
    before = (1,) * pad + x.shape
    if axis is not None and dims[axis] != x.times:
        raise UnfitError("it repeats the batch")
    wanted = dims if axis is None else (*dims[:axis], *dims[axis + 1 :])
    x = build.view(x, before, axis)
    return x if wanted == before else build.step("expand", [x], axis, shape=wanted)


@operator("Tile")
def _tile(build: Builder, call: Call) -> Value:
    x, repeats = call.input(0), list(call.sizes(1, "repeats") or ())
    if len(repeats) != x.rank:
        raise UnfitError(f"{len(repeats)} repeats of {x.rank} axes")
    if x.axis is not None and repeats.pop(x.axis) != 1:
        raise UnfitError("it repeats the batch")
    if not x.times:
        repeats = [size_in_file(count, 1) for count in repeats]
    if set(repeats) <= {1}:
        return x.copy()
    return build.step("tile", [x], x.axis, repeats=tuple(repeats))


@operator("Pad")
def _pad(build: Builder, call: Call) -> Value:
    x = call.input(0)
    pads = call.listed("pads", 1, 11) or ()
    axes = call.sizes(3, "axes") if call.opset >= 18 else None
    where = range(x.rank) if axes is None else [position(axis, x.rank) for axis in axes]
    if len(pads) != 2 * len(where):
        raise UnfitError(f"{len(pads)} pads for {len(where)} axes")
    filling = call.given(2) if call.opset >= 11 else None
    if filling is not None and filling.number is None:
        raise UnfitError("what it pads with is not known before it runs")
    borders = [(0, 0)] * len(x.shape)
    for axis, before, after in zip(where, pads, pads[len(where) :], strict=False):
        own = x.sample_axis(axis)
        if own is None and (before or after):
            raise UnfitError("it pads the batch")
        if own is not None:
            borders[own] = (before, after)
    value = call.number("value") if call.opset < 11 else filling.number if filling is not None else 0.0
    return padded(build, x, borders, call.text("mode", "constant"), max(float(value or 0), -LARGEST))


def padded(build: Builder, x: Value, borders: list[tuple[int, int]], mode: str, value: float) -> Value:
    """Return a value padded by (before, after) on each axis of a sample; negative numbers crop."""
    for axis, (before, after) in enumerate(borders):
        if min(before, after) < 0:
            x = build.step("slice", [x], x.axis, axis=axis, start=max(-before, 0), stop=min(after, 0) or None)
    borders = [(max(before, 0), max(after, 0)) for before, after in borders]
    if not any(map(any, borders)):
        return x.copy()
    shape, how = x.shape, {"edge": "replicate", "wrap": "circular"}.get(mode, mode)
    arguments: dict[str, object] = {"mode": how if how != "constant" else None, "value": value or None}
    flat = len(shape) == 1 or (any(borders[0]) and how != "constant")
    if flat:  # a sample without channels, or one whose channels are padded with a mode, gets an axis for channels
        x, borders = build.view(x, (1, *shape), x.axis), [(0, 0), *borders]
    y = build.step(
        "pad", [x], x.axis, padding=tuple(borders[1:]), channels=borders[0] if any(borders[0]) else None, **arguments
    )
    return build.view(y, y.shape[1:], y.axis) if flat else y


@operator("Trilu")
def _trilu(build: Builder, call: Call) -> Value:
    x, k = call.input(0), call.sizes(1, "k")
    if x.axis is not None and x.axis >= x.rank - 2:
        raise UnfitError("it cuts the batch")
    return build.step("trilu", [x], x.axis, upper=bool(call.integer("upper", 1)), k=int(k[0]) if k else 0)
