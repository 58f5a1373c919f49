"""Operators that do a part of another operator's work."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.importers.onnx.builder import Builder
from cnncalc.importers.onnx.model import Attribute, operator_of
from cnncalc.importers.onnx.values import Call, UnfitError, Value


def output_of(build: Builder, op: str, inputs: Sequence[Value | None], opset: int, /, **attributes: Attribute) -> Value:
    """Return the first output of an operator that does a part of the current one's work."""
    item = operator_of(op, build.call.operator.name, **attributes)._replace(outputs=build.call.operator.outputs)
    value = build.outputs(Call(item, [*inputs], opset, build.call.scopes))[0]
    if value is None:
        raise UnfitError(f"its {op} has no output")
    return value
