"""One operator of a model file on its values: its attributes, and which values it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnncalc.importers.onnx.model import StoredTensor

if TYPE_CHECKING:
    from cnncalc.importers.onnx.model import OnnxOperator
    from cnncalc.importers.onnx.values import Value


MOVES = frozenset({
    "Reshape", "Transpose", "Slice", "Split", "Squeeze", "Unsqueeze", "Gather", "Identity", "Expand", "Tile", "Cast",
    "Flatten",
})  # fmt: skip
"""Operators whose elements are all their first input's."""


class UnfitError(Exception):
    """An operator that can't be what the file says it is."""


class Call:
    """An operator with its inputs.

    Attributes:
        operator: as the file has it.
        inputs: its values; None for one that is left out.
        opset: the version of the operator set that it belongs to.
        scopes: names of the functions' calls that it stands in, from the outside.
    """

    __slots__ = ("inputs", "operator", "opset", "scopes")

    def __init__(self, operator: OnnxOperator, inputs: list[Value | None], opset: int, scopes: tuple[str, ...]) -> None:
        self.operator = operator
        self.inputs = inputs
        self.opset = opset
        self.scopes = scopes

    @property
    def op(self) -> str:
        """The operator's name."""
        return self.operator.op

    def leaves(self) -> tuple[StoredTensor, ...]:
        """Return the stored tensors that the elements of constants are made of, and no sizes and places."""
        values = self.inputs[:1] if self.op in MOVES else self.inputs
        found = {id(leaf): leaf for value in values if value is not None for leaf in value.leaves}
        return tuple(found.values())

    def given(self, index: int) -> Value | None:
        """Return an input that may be left out."""
        return self.inputs[index] if index < len(self.inputs) else None

    def input(self, index: int) -> Value:
        """Return an input.  Raises UnfitError where it is left out."""
        value = self.given(index)
        if value is None:
            raise UnfitError(f"its input {index + 1} is missing")
        return value

    def integer(self, name: str, default: int = 0) -> int:
        """Return an attribute that is an integer."""
        value = self.operator.attributes.get(name, default)
        if not isinstance(value, int):
            raise UnfitError(f"{name} is no integer")
        return value

    def number(self, name: str, default: float = 0.0) -> float:
        """Return an attribute that is a number."""
        value = self.operator.attributes.get(name, default)
        if not isinstance(value, int | float):
            raise UnfitError(f"{name} is no number")
        return float(value)

    def text(self, name: str, default: str = "") -> str:
        """Return an attribute that is a text."""
        value = self.operator.attributes.get(name, default)
        if not isinstance(value, str):
            raise UnfitError(f"{name} is no text")
        return value

    def integers(self, name: str) -> tuple[int, ...] | None:
        """Return an attribute that is a list of integers, or None where it is left out."""
        value = self.operator.attributes.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, int) for item in value):
            raise UnfitError(f"{name} is no list of integers")
        return tuple(value)

    def tensor(self, name: str) -> StoredTensor | None:
        """Return an attribute that is a tensor, or None where it is left out."""
        value = self.operator.attributes.get(name)
        return value if isinstance(value, StoredTensor) else None

    def known(self, index: int, name: str) -> tuple[Any, ...] | None:
        """Return the elements of an input that decides over shapes; None where it is left out.

        Raises:
            UnfitError: where they are not known.
        """
        value = self.given(index)
        if value is None:
            return None
        if value.data is None:
            raise UnfitError(f"{name} is not known before it runs")
        return value.data

    def listed(self, name: str, index: int, since: int) -> tuple[int, ...] | None:
        """Return a list that is an attribute before an opset, and an input from it on."""
        return self.integers(name) if self.opset < since else self.known(index, name)
