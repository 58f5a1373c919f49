"""Operators that move, create or reduce elements of known constants."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate, product
from math import prod
from typing import TYPE_CHECKING

from cnncalc.ground.limits import MAX_KNOWN_ELEMENTS
from cnncalc.importers.onnx.evaluator import Known, broadcast, broadcast_elements, divided, offsets, rule, strides, sums
from cnncalc.importers.onnx.proto import INT64
from cnncalc.importers.onnx.values import Call, UnfitError, whole

if TYPE_CHECKING:
    from cnncalc.layers.shapes import Shape


def position(axis: int, rank: int) -> int:
    """Return an axis counted from the front.  Raises UnfitError if there is no such axis."""
    if not -rank <= axis < max(rank, 1):
        raise UnfitError(f"axis {axis} of {rank}")
    return axis + rank if axis < 0 else axis


def selected(known: Known, axes: list[Sequence[int]]) -> Known:
    """Return the elements at all combinations of the given indices of each axis."""
    rows = [[i * step for i in axis] for axis, step in zip(axes, strides(known.shape), strict=True)]
    return Known(tuple([known.data[i] for i in sums(rows)]), tuple([len(axis) for axis in axes]), known.dtype)


@rule("Gather")
def _gather(call: Call, inputs: list[Known]) -> Known | None:
    known, chosen = inputs
    at = position(call.integer("axis"), len(known.shape))
    size = known.shape[at]
    indices = [i + size if i < 0 else i for i in whole(chosen.data)]
    if any(not 0 <= i < size for i in indices):
        raise UnfitError(f"an index beyond an axis of {size}")
    axes: list[Sequence[int]] = [range(size) for size in known.shape]
    axes[at] = indices
    if prod([len(axis) for axis in axes]) > MAX_KNOWN_ELEMENTS:
        return None
    found = selected(known, axes)
    return Known(found.data, (*known.shape[:at], *chosen.shape, *known.shape[at + 1 :]), known.dtype)


@rule("Slice")
def _slice(call: Call, inputs: list[Known]) -> Known:
    known = inputs[0]
    axes: list[Sequence[int]] = [range(size) for size in known.shape]
    for axis, start, stop, step in slices(call, len(known.shape)):
        axes[axis] = range(known.shape[axis])[python_slice(start, stop, step, known.shape[axis])]
    return selected(known, axes)


def slices(call: Call, rank: int) -> list[tuple[int, int, int, int]]:
    """Return (axis, start, stop, step) of a Slice.  Raises UnfitError if they are not known."""
    if call.opset < 10:
        starts, stops, axes = call.integers("starts") or (), call.integers("ends") or (), call.integers("axes")
        steps: Sequence[int] = [1] * len(starts)
    else:
        starts, stops = call.sizes(1, "starts") or (), call.sizes(2, "ends") or ()
        axes, steps = call.sizes(3, "axes"), call.sizes(4, "steps") or [1] * len(starts)
    where = range(len(starts)) if axes is None else [position(axis, rank) for axis in axes]
    if not len(where) == len(starts) == len(stops) == len(steps):
        raise UnfitError("starts, ends, axes and steps differ in length")
    return list(zip(where, starts, stops, steps, strict=True))


def python_slice(start: int, stop: int, step: int, size: int) -> slice:
    """Return a slice as ONNX defines it: an end below −size is the beginning, also for a negative step."""
    if step == 0:
        raise UnfitError("a step of 0")
    return slice(start, None if step < 0 and stop < -size else stop, step)


@rule("Concat")
def _concat(call: Call, inputs: list[Known]) -> Known | None:
    if sum([len(known.data) for known in inputs]) > MAX_KNOWN_ELEMENTS:
        return None
    at = position(call.integer("axis"), len(inputs[0].shape))
    rows = prod(inputs[0].shape[:at])
    data: list[float] = []
    for row in range(rows):
        for known in inputs:
            run = len(known.data) // rows
            data += known.data[row * run : (row + 1) * run]
    shape = list(inputs[0].shape)
    shape[at] = sum(known.shape[at] for known in inputs)
    if len(data) != prod(shape):
        raise UnfitError("shapes differ")
    return Known(tuple(data), tuple(shape), inputs[0].dtype)


@rule("Split")
def _split(call: Call, inputs: list[Known]) -> list[Known]:
    known = inputs[0]
    at = position(call.integer("axis"), len(known.shape))
    run = prod(known.shape[at + 1 :])
    row = run * known.shape[at]
    found, start = [], 0
    for size in split_sizes(call, known.shape[at]):
        parts = [known.data[i : i + size * run] for i in range(start, len(known.data), row or 1)]
        data = parts[0] if len(parts) == 1 else tuple([item for part in parts for item in part])
        found.append(Known(data, (*known.shape[:at], size, *known.shape[at + 1 :]), known.dtype))
        start += size * run
    return found


def split_sizes(call: Call, size: int) -> list[int]:
    """Return the sizes of a Split's parts.  Raises UnfitError if they don't add up to the axis's size."""
    count = len(call.operator.outputs)
    given = call.listed("split", 1, 13)
    if given is None:
        part = -(-size // count)
        sizes = [part] * (count - 1) + [size - part * (count - 1)]
    else:
        sizes = list(given)
    if len(sizes) != count or sum(sizes) != size or min(sizes) < 0:
        raise UnfitError(f"parts of {sizes[:8]} of an axis of {size}, and {count} outputs")
    return sizes


@rule("Transpose")
def _transpose(call: Call, inputs: list[Known]) -> Known:
    (known,) = inputs
    order = call.integers("perm") or tuple(range(len(known.shape)))[::-1]
    if sorted(order) != list(range(len(known.shape))):
        raise UnfitError(f"perm {order} of {len(known.shape)} axes")
    rows = offsets(known.shape)
    data = tuple([known.data[i] for i in sums([rows[i] for i in order])])
    return Known(data, tuple([known.shape[i] for i in order]), known.dtype)


def reshaped_sizes(shape: Shape, target: Sequence[int], allowzero: bool = False) -> Shape:
    """Return the shape that a Reshape gives.  Raises UnfitError if the elements don't fit."""
    sizes = [shape[i] if size == 0 and not allowzero and i < len(shape) else size for i, size in enumerate(target)]
    if sizes.count(-1) > 1 or any(size < -1 for size in sizes):
        raise UnfitError(f"a shape of {list(target)[:8]}")
    if -1 in sizes:
        rest = -prod(sizes)
        if rest <= 0 or prod(shape) % rest:
            raise UnfitError(f"{list(shape)} can't be {list(target)[:8]}")
        sizes[sizes.index(-1)] = prod(shape) // rest
    if prod(sizes) != prod(shape):
        raise UnfitError(f"{list(shape)} can't be {list(target)[:8]}")
    return tuple(sizes)


@rule("Expand")
def _expand(call: Call, inputs: list[Known]) -> Known | None:
    if prod(inputs[1].data) > MAX_KNOWN_ELEMENTS:  # a size of the batch, SAMPLES, makes it larger, too
        return None
    shape = broadcast([inputs[0].shape, whole(inputs[1].data)])
    if prod(shape) > MAX_KNOWN_ELEMENTS:
        return None
    return Known(tuple(broadcast_elements(inputs[0], shape)), shape, inputs[0].dtype)


@rule("Tile")
def _tile(call: Call, inputs: list[Known]) -> Known | None:
    known, repeats = inputs[0], whole(inputs[1].data)
    if (
        len(repeats) != len(known.shape)
        or prod(repeats) * max(len(known.data), 1) > MAX_KNOWN_ELEMENTS
        or min(repeats, default=1) < 0
    ):
        return None
    return selected(known, [list(range(size)) * times for size, times in zip(known.shape, repeats, strict=True)])


@rule("Pad")
def _pad(call: Call, inputs: list[Known]) -> Known | None:
    known = inputs[0]
    pads = call.listed("pads", 1, 11) or ()
    if len(known.shape) != 1 or len(pads) != 2 or min(pads) < 0 or call.text("mode", "constant") != "constant":
        return None
    if sum(pads) > MAX_KNOWN_ELEMENTS:
        return None
    fill = inputs[2].data[0] if len(inputs) > 2 and inputs[2].data else 0
    return Known((fill,) * pads[0] + known.data + (fill,) * pads[1], (len(known.data) + sum(pads),), known.dtype)


# --- operators that create or reduce elements ---------------------------------------------------------------


@rule("Range")
def _range(call: Call, inputs: list[Known]) -> Known | None:
    start, stop, step = [known.data[0] for known in inputs]
    if not step:
        raise UnfitError("a step of 0")
    count = max(0, math.ceil((stop - start) / step))
    if count > MAX_KNOWN_ELEMENTS:
        return None
    return Known(tuple([start + i * step for i in range(count)]), (count,), inputs[0].dtype)


REDUCTIONS: dict[str, Callable[[Sequence[float]], float]] = {
    "ReduceSum": sum, "ReduceProd": prod, "ReduceMax": max, "ReduceMin": min,
    "ReduceMean": lambda items: divided(sum(items), len(items)),
}  # fmt: skip


@rule(*REDUCTIONS)
def _reduce(call: Call, inputs: list[Known]) -> Known | None:
    known = inputs[0]
    axes = call.listed("axes", 1, 13 if call.op == "ReduceSum" else 18)
    over = {position(axis, len(known.shape)) for axis in axes} if axes else set(range(len(known.shape)))
    if not axes and call.integer("noop_with_empty_axes") == 1:
        return known
    rows = offsets(known.shape)
    inner = sums([row for i, row in enumerate(rows) if i in over])
    starts = sums([row for i, row in enumerate(rows) if i not in over])
    data = [REDUCTIONS[call.op]([known.data[start + i] for i in inner]) for start in starts]
    keeps = call.integer("keepdims", 1)
    shape = tuple([1 if i in over else size for i, size in enumerate(known.shape) if keeps or i not in over])
    return Known(tuple(data), shape, known.dtype)


@rule("CumSum")
def _cumsum(call: Call, inputs: list[Known]) -> Known | None:
    known = inputs[0]
    if len(known.shape) != 1 or call.integer("exclusive") or call.integer("reverse"):
        return None
    return Known(tuple(accumulate(known.data)), known.shape, known.dtype)


@rule("NonZero")
def _nonzero(call: Call, inputs: list[Known]) -> Known | None:
    (known,) = inputs
    if len(known.shape) * sum([bool(item) for item in known.data]) > MAX_KNOWN_ELEMENTS:
        return None
    places = [at for at, item in zip(product(*[range(n) for n in known.shape]), known.data, strict=True) if item]
    rank = len(known.shape)
    return Known(tuple([at[i] for i in range(rank) for at in places]), (rank, len(places)), INT64)


@rule("ScatterND")
def _scatter(call: Call, inputs: list[Known]) -> Known | None:
    known, indices, updates = inputs
    if len(known.shape) != 1 or call.text("reduction", "none") != "none":
        return None
    data = list(known.data)
    for at, item in zip(whole(indices.data), updates.data, strict=False):
        data[at] = item
    return Known(tuple(data), known.shape, known.dtype)


@rule("OneHot")
def _one_hot(call: Call, inputs: list[Known]) -> Known | None:
    chosen, depth, (off, on) = inputs[0], int(inputs[1].data[0]), inputs[2].data
    at = position(call.integer("axis", -1), len(chosen.shape) + 1)
    if depth < 1 or depth * len(chosen.data) > MAX_KNOWN_ELEMENTS:
        return None
    rows = [
        [on if i == (index + depth if index < 0 else index) else off for i in range(depth)] for index in chosen.data
    ]
    inner = prod(chosen.shape[at:])
    blocks = [rows[start : start + inner] for start in range(0, len(rows), inner)]
    data = [row[i] for block in blocks for i in range(depth) for row in block]
    return Known(tuple(data), (*chosen.shape[:at], depth, *chosen.shape[at:]), inputs[2].dtype)
