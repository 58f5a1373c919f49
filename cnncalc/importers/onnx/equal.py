"""Constants that are the same: made of the same stored tensors in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.importers.onnx.model import StoredTensor

if TYPE_CHECKING:
    from cnncalc.importers.onnx.values import Call, Value

MOST_COMPARED = 64
"""Pairs of constants that are compared at most; what is made of more is taken for another one."""


def are_same(pairs: list[tuple[Value, Value]]) -> bool:
    """Whether constants are made of the same stored tensors by the same operators, as far as these are few."""
    for one, other in pairs:  # which grow meanwhile
        made, again = _source(one), _source(other)
        if one is other or (made is again and made is not None and one.index == other.index):
            continue
        if made is None or again is None or isinstance(made, StoredTensor) or isinstance(again, StoredTensor):
            return False
        first, second = ((call.op, call.operator.attributes, len(call.inputs)) for call in (made, again))
        if first != second or (one.shape, one.index) != (other.shape, other.index) or len(pairs) > MOST_COMPARED:
            return False
        for part, match in zip(made.inputs, again.inputs, strict=True):
            if part is not None and match is not None:
                pairs.append((part, match))
            elif part is not match:
                return False
    return True


def _source(value: Value) -> StoredTensor | Call | None:
    """Return what a constant is made by: exporters write a tensor's other names as operators that do nothing."""
    source = value.source
    while source is not None and not isinstance(source, StoredTensor) and source.op == "Identity":
        source = source.input(0).source
    return source
