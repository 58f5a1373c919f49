"""How often the operators of a graph read each value; they are counted once, when the first number is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property

from cnncalc.importers.onnx.model import OnnxOperator, Subgraph


class Readers:
    """How often the values of a graph are read."""

    def __init__(self, operators: Sequence[OnnxOperator] = (), outputs: Collection[str] = ()) -> None:
        """Take the operators of a graph, and the names of its outputs."""
        self.operators = operators
        self.graph_outputs = frozenset(outputs)

    @cached_property
    def _counts(self) -> Counter[str]:
        return Counter(_reads(self.operators))

    @cached_property
    def _known(self) -> set[int]:
        return {id(item) for item in self.operators}

    def count(self, name: str) -> int:
        """Return how often operators read a value."""
        return self._counts[name]

    def may_read(self, item: OnnxOperator, name: str) -> bool:
        """Whether anything may read an output of an operator; always true for operators of functions."""
        return id(item) not in self._known or name in self.graph_outputs or name in self._counts


def _reads(operators: Sequence[OnnxOperator]) -> Iterator[str]:
    """Yield the names of the values that operators read, their subgraphs included."""
    for item in operators:
        yield from item.inputs
        for value in item.attributes.values():
            if isinstance(value, Subgraph):
                yield from _reads(value.operators)
                yield from [port.name for port in value.outputs]
