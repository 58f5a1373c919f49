"""Whether two constants are equal because the same operators compute them from the same stored tensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnncalc.importers.onnx.model import StoredTensor

if TYPE_CHECKING:
    from cnncalc.importers.onnx.values import Call, Value
    from cnncalc.layers.shapes import Shape

MOST_COMPARED = 64
"""The most pairs of constants that one comparison may look at; if there are more, the answer is "not equal"."""


MOST_ALIKE = 8
"""How many constants of one key are compared with a new one."""


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


Outputs = dict[tuple[object, ...], "tuple[Value, Value]"]
"""Constants that are a layer of their own and the layers' outputs, by keys that equal constants share."""


def output_of(outputs: Outputs, constant: Value, shape: Shape) -> Value | None:
    """Return the output that is a constant, or one equal to it, in some shape; None if there is none yet."""
    if (id(constant), shape) in outputs:
        return outputs[id(constant), shape][1]
    is_literal = constant.source is None and constant.data is not None  # the key has its elements
    for key in _keys(constant, shape):
        if key not in outputs:
            return None
        known, output = outputs[key]
        if is_literal or are_same([(known, constant)]):
            return output
    return None


def add_output(outputs: Outputs, constant: Value, shape: Shape, output: Value) -> None:
    """Add the output of a new layer."""
    free = next((key for key in _keys(constant, shape) if key not in outputs), None)
    outputs[id(constant), shape] = constant, output
    if free is not None:
        outputs[free] = constant, output


def _keys(constant: Value, shape: Shape) -> Iterator[tuple[object, ...]]:
    elements = constant.data if constant.source is None else None
    leaves = tuple([id(leaf) for leaf in constant.leaves])
    return ((number, shape, constant.dtype, leaves, elements) for number in range(MOST_ALIKE))


def _source(value: Value) -> StoredTensor | Call | None:
    """Return where a constant comes from; Identity, which exporters write for a second name, is skipped."""
    source = value.source
    while source is not None and not isinstance(source, StoredTensor) and source.op == "Identity":
        source = source.input(0).source
    return source
