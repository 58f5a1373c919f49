"""Whether two constants are equal because the same operators compute them from the same stored tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.importers.onnx.model import StoredTensor

if TYPE_CHECKING:
    from cnncalc.importers.onnx.values import Call, Value

MOST_COMPARED = 64
"""The most pairs of constants that one comparison may look at; if there are more, the answer is "not equal"."""


def are_same(pairs: list[tuple[Value, Value]]) -> bool:
    """Whether the two constants of each pair are computed from the same stored tensors by the same operators."""
    for one, other in pairs:  # the loop appends the inputs of the operators that compute them
        source, other_source = _source(one), _source(other)
        if one is other or (source is other_source and source is not None and one.index == other.index):
            continue
        if (
            source is None
            or other_source is None
            or isinstance(source, StoredTensor)
            or isinstance(other_source, StoredTensor)
        ):
            return False
        first, second = ((call.op, call.operator.attributes, len(call.inputs)) for call in (source, other_source))
        if first != second or (one.shape, one.index) != (other.shape, other.index) or len(pairs) > MOST_COMPARED:
            return False
        for part, match in zip(source.inputs, other_source.inputs, strict=True):
            if part is not None and match is not None:
                pairs.append((part, match))
            elif part is not match:
                return False
    return True


def _source(value: Value) -> StoredTensor | Call | None:
    """Return where a constant comes from; Identity, which exporters write for a second name, is skipped."""
    source = value.source
    while source is not None and not isinstance(source, StoredTensor) and source.op == "Identity":
        source = source.input(0).source
    return source
