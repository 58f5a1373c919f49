"""Which values the operators of a graph or a function can read, and how often they read each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

from cnncalc.importers.onnx.model import OnnxOperator
from cnncalc.importers.onnx.order import reads
from cnncalc.importers.onnx.values import Value


class ValueScope:
    """The values that operators can read, by name; inputs of a function, ``optional``, may be left out."""

    def __init__(self, around: ValueScope | None = None, optional: Collection[str] = ()) -> None:
        self.values: dict[str, Value] = {}
        self.stored: Mapping[str, Value] = {}
        self.around = around
        self.optional = optional

    def find(self, name: str) -> Value | None:
        """Return the value of a name, also of the scopes around this one; None if there is none."""
        found = self.values.get(name) or self.stored.get(name)
        return found if found is not None or self.around is None else self.around.find(name)


class Readers:
    """How often the values of a graph are read."""

    def __init__(self, operators: Sequence[OnnxOperator] = (), outputs: Collection[str] = ()) -> None:
        """Take the operators of a graph, and the names of its outputs, which are read outside."""
        self.operators = operators
        self.outputs = outputs

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each value is read, counted when it is first asked for."""
        return Counter([*self.outputs, *[name for item in self.operators for name in reads(item)]])

    @cached_property
    def _makers(self) -> dict[str, OnnxOperator]:
        return {name: item for item in self.operators for name in item.outputs}

    def are_alone(self, first: OnnxOperator, name: str) -> bool:
        """Whether a chain of operators computes a value from an operator's output, and each value is read once."""
        while self.counts[name] == 1 and (maker := self._makers.get(name)) is not None:
            if maker is first:
                return True
            name = maker.inputs[0] if maker.inputs else ""
        return False
