"""Loops whose number of passes is known: their body is taken in once for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnncalc.ground.limits import MAX_MODEL_PASSES
from cnncalc.importers.onnx.call import Call, UnfitError
from cnncalc.importers.onnx.model import OnnxOperator, Subgraph
from cnncalc.importers.onnx.proto import BOOL
from cnncalc.importers.onnx.values import Value, ValueScope, literal

if TYPE_CHECKING:
    from cnncalc.importers.onnx.builder import Builder


def unrolled(build: Builder, call: Call, scope: ValueScope) -> Sequence[Value | None] | None:
    """Return what a Loop makes, its body taken in pass by pass; None where the number of passes is not known.

    A condition that is only known when it runs may end it sooner: all passes that are allowed are counted, and said.

    Raises:
        UnfitError: where its body does not have the inputs and outputs of a loop.
    """
    from cnncalc.importers.onnx.builder import where

    body, most = call.operator.attributes.get("body"), call.given(0)
    if not isinstance(body, Subgraph) or most is None or not isinstance(most.number, int):
        return None
    carried: list[Value | None] = list(call.inputs[2:])
    if not 0 < most.number <= MAX_MODEL_PASSES:
        return None
    if len(body.inputs) != len(carried) + 2 or len(body.outputs) <= len(carried):
        raise UnfitError("its body has not the inputs and outputs of a loop")
    stacked: list[list[Value]] = [[] for _ in body.outputs[len(carried) + 1 :]]
    condition, passes = call.given(1), 0
    is_open = False
    while passes < most.number and not (
        condition is not None and condition.number is not None and not condition.number
    ):
        is_open = is_open or (condition is not None and condition.number is None)
        inside = ValueScope(scope)
        given = [literal((passes,), ()), literal((True,), (), BOOL), *carried]
        inside.values.update({port.name: value for port, value in zip(body.inputs, given, strict=True) if value})
        condition, *rest = build.graph(body, inside, (*call.scopes, call.operator.name or call.op))
        carried = rest[: len(carried)]
        for pile, value in zip(stacked, rest[len(carried) :], strict=True):
            if value is None:
                raise UnfitError("its body does not make what it is to stack")
            pile.append(value)
        passes += 1
    if is_open:
        build.notes.append(f"{where(call.operator)} may end sooner; all its {passes:,} passes are counted")
    if not passes:
        return None
    return [*carried, *[_stack(build, call, pile) for pile in stacked]]


def _stack(build: Builder, call: Call, pile: list[Value]) -> Value:
    """Return what the passes make, one behind the other on a new first axis."""
    from cnncalc.importers.onnx.builder import HANDLERS

    def made(op: str, inputs: list[Value | None], **attributes: int) -> Value:
        item = OnnxOperator(op, "", (), ("",), call.operator.name, dict(attributes), (), {}, "")
        value = HANDLERS["", op](build, Call(item, inputs, 13, call.scopes))
        assert isinstance(value, Value), op
        if not value.is_live:
            build.derive(value, Call(item, inputs, 13, call.scopes))
        return value

    rows: list[Value | None] = [made("Unsqueeze", [value, literal((0,), (1,))]) for value in pile]
    return made("Concat", rows, axis=0)
