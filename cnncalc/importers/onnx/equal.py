"""Which constants are equal: the same operators compute them from the same stored tensors, or their elements are known.

Stored tensors are compared by their identity: an exporter stores equal ones once.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from cnncalc.importers.onnx.model import StoredTensor, Subgraph

if TYPE_CHECKING:
    from cnncalc.importers.onnx.model import Attribute
    from cnncalc.importers.onnx.values import Value


class EqualConstants:
    """Numbers of constants, one for all that are equal."""

    def __init__(self) -> None:
        self.numbers: dict[Hashable, int] = {}
        self.known: dict[int, tuple[Value, int]] = {}  # by identity; the value itself keeps it from being used again

    def number(self, value: Value) -> int:
        """Return a constant's number."""
        waiting = [value]
        while waiting:
            one = waiting.pop()
            if id(one) in self.known:
                continue
            missing = [part for part in _parts(one) if part is not None and id(part) not in self.known]
            if missing:
                waiting += [one, *missing]
            else:
                self.known[id(one)] = one, self._number(one)
        return self.known[id(value)][1]

    def _number(self, value: Value) -> int:
        """Return the number of a constant; those from which it is computed have theirs."""
        source, data = value.source, value.data if value.source is None else None
        if source is None:
            key: Hashable = (value.dtype, value.shape, data) if data is not None else ("unknown", id(value))
        elif isinstance(source, StoredTensor):
            key = id(source)
        else:
            parts = tuple([None if part is None else self.known[id(part)][1] for part in source.inputs])
            if source.op == "Identity" and parts[0] is not None:  # which exporters write for a second name
                return parts[0]
            attributes = {name: _hashable(attribute) for name, attribute in source.operator.attributes.items()}
            key = source.op, value.shape, value.index, parts, frozenset(attributes.items())
        return self.numbers.setdefault(key, len(self.numbers))


def _parts(value: Value) -> list[Value | None]:
    """Return the constants from which a constant is computed."""
    return [] if value.source is None or isinstance(value.source, StoredTensor) else value.source.inputs


def _hashable(attribute: Attribute) -> Hashable:
    """Return a key that is equal for equal attributes."""
    if isinstance(attribute, list):
        return tuple([_hashable(item) for item in attribute])
    return id(attribute) if isinstance(attribute, (StoredTensor, Subgraph)) else attribute
