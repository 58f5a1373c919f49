"""Sequences of tensors, which PyTorch's exporter writes for Python lists: they are resolved at import."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.ground.limits import MAX_MODEL_PASSES
from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.evaluator_moves import position
from cnncalc.importers.onnx.operators.movement import with_axes
from cnncalc.importers.onnx.operators.parts import pieces
from cnncalc.importers.onnx.values import Call, UnfitError, Value, literal

ITEMS_PER_OPERATOR = 64
"""Copied items of a list that take as long as an operator."""


def _sequence(items: Sequence[Value]) -> Value:
    value = Value("", ())
    value.items = tuple(items)
    return value


def _items(call: Call) -> tuple[Value, ...]:
    """Return the tensors of an operator's list.  Raises UnfitError if its first input is not a list."""
    items = call.input(0).items
    if items is None:
        raise UnfitError("its input is no list of tensors")
    return items


def _index(call: Call, index: int, default: int) -> int:
    """Return an index into a list.  Raises UnfitError if it is not known before a run."""
    return (call.sizes(index, "the place") or (default,))[0]


@operator("SequenceEmpty", "SequenceConstruct")
def _construct(build: Builder, call: Call) -> Value:
    return _sequence([value for value in call.inputs if value is not None])


@operator("SequenceInsert", "SequenceErase")
def _insert_or_erase(build: Builder, call: Call) -> Value:
    items = list(_items(call))
    build.count_operators(len(items) // ITEMS_PER_OPERATOR)
    if call.op == "SequenceErase":
        del items[_index(call, 1, -1)]
    else:
        items.insert(_index(call, 2, len(items)), call.input(1))
    return _sequence(items)


@operator("SequenceAt")
def _sequence_at(build: Builder, call: Call) -> Value:
    return _items(call)[_index(call, 1, -1)]


@operator("SequenceLength")
def _sequence_length(build: Builder, call: Call) -> Value:
    return literal((len(_items(call)),), ())


@operator("ConcatFromSequence")
def _concat_from_sequence(build: Builder, call: Call) -> Value:
    items, axis = list(_items(call)), call.integer("axis")
    if call.integer("new_axis"):
        rank = items[0].rank
        at = position(axis, rank + 1)
        items = [with_axes(build, item, [*range(at), None, *range(at, rank)]) for item in items]
        axis = at
    return build.output_of("Concat", items, 13, axis=axis)


@operator("SplitToSequence")
def _split_to_sequence(build: Builder, call: Call) -> Value:
    x = call.input(0)
    axis = position(call.integer("axis"), x.rank)
    size, sizes, given = x.dims[axis], call.sizes(1, "split"), call.given(1)
    if sizes is None or (given is not None and not given.shape):
        step = sizes[0] if sizes else 1
        if step < 1:
            raise UnfitError(f"parts of {step}")
        sizes = tuple([min(step, size - start) for start in range(0, min(size, MAX_MODEL_PASSES * step), step)])
    if sum(sizes) != size or min(sizes, default=0) < 1 or x.sample_axis(axis) is None:
        raise UnfitError(f"parts of {list(sizes)[:8]} of an axis of {size}")
    items = pieces(build, x, axis, sizes)
    if given is None and not call.integer("keepdims", 1):
        items = [with_axes(build, item, [i for i in range(x.rank) if i != axis]) for item in items]
    return _sequence(items)
