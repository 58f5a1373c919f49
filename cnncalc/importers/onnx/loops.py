"""Loops whose number of passes is known: their body is taken in once for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cnncalc.ground.limits import MAX_MODEL_PASSES
from cnncalc.importers.onnx.model import OnnxOperator, Subgraph
from cnncalc.importers.onnx.proto import BOOL
from cnncalc.importers.onnx.unknown import LOST
from cnncalc.importers.onnx.values import Call, UnfitError, Value, ValueScope, literal, where


class Taker(Protocol):
    """What takes in graphs and operators, as a loop asks for it."""

    notes: list[str]

    def graph(self, graph: Subgraph, scope: ValueScope, scopes: tuple[str, ...] = ()) -> list[Value | None]:
        """Take in a graph; return its outputs."""

    def outputs(self, call: Call, scope: ValueScope) -> Sequence[Value | None]:
        """Return what an operator makes."""


def unrolled(taker: Taker, call: Call, scope: ValueScope) -> Sequence[Value | None] | None:
    """Return what a Loop or a Scan makes, its body taken in pass by pass; None if their number is not known.

    Raises:
        UnfitError: if its body does not have the inputs and outputs of a loop.
    """
    body = call.operator.attributes.get("body")
    if not isinstance(body, Subgraph) or call.operator.domain:
        return None
    return _scan(taker, call, scope, body) if call.op == "Scan" else _loop(taker, call, scope, body)


def _loop(taker: Taker, call: Call, scope: ValueScope, body: Subgraph) -> Sequence[Value | None] | None:
    """Return what a Loop makes.

    A condition that is only known when it runs may end it sooner: all passes that are allowed are counted, and said.
    """
    most = call.given(0)
    if most is None or not isinstance(most.number, int) or not 0 < most.number <= MAX_MODEL_PASSES:
        return None
    carried: list[Value | None] = list(call.inputs[2:])
    if len(body.inputs) != len(carried) + 2 or len(body.outputs) <= len(carried):
        raise UnfitError("its body does not have the inputs and outputs of a loop")
    stacked: list[list[Value | None]] = [[] for _ in body.outputs[len(carried) + 1 :]]
    condition, passes = call.given(1), 0
    is_open = False
    while passes < most.number and not (
        condition is not None and condition.number is not None and not condition.number
    ):
        is_open = is_open or (condition is not None and condition.number is None)
        given = [literal((passes,), ()), literal((True,), (), BOOL), *carried]
        condition, *rest = _pass(taker, call, scope, body, given)
        if LOST in rest:  # so is all that further passes make
            return [LOST] * len(call.operator.outputs)
        carried = rest[: len(carried)]
        for pile, value in zip(stacked, rest[len(carried) :], strict=True):
            pile.append(value)
        passes += 1
    if is_open:
        taker.notes.append(f"{where(call.operator)} may end sooner; all its {passes:,} passes are counted")
    if not passes:
        return None
    return [*carried, *[_stack(taker, call, pile, 0) for pile in stacked]]


def _scan(taker: Taker, call: Call, scope: ValueScope, body: Subgraph) -> Sequence[Value | None] | None:
    """Return what a Scan makes, of the slices of its inputs one after the other (opset 9 and later)."""
    count = call.integer("num_scan_inputs")
    states = len(call.inputs) - count
    if call.opset < 9 or count < 1 or states < 0 or len(body.inputs) != states + count or len(body.outputs) < states:
        raise UnfitError("its body does not have the inputs and outputs of a scan")
    carried, sequences = list(call.inputs[:states]), [call.input(states + i) for i in range(count)]
    stacked: list[list[Value | None]] = [[] for _ in body.outputs[states:]]
    axes = [axis % value.rank for axis, value in zip(_each(call, "scan_input_axes", count), sequences, strict=True)]
    lengths = {value.dims[axis] for axis, value in zip(axes, sequences, strict=True)}
    if len(lengths) != 1 or any(value.own(axis) is None for axis, value in zip(axes, sequences, strict=True)):
        raise UnfitError(f"it goes along axes of {sorted(lengths)}, or along the batch")
    length = lengths.pop()
    if not 0 < length <= MAX_MODEL_PASSES:
        return None
    backwards = _each(call, "scan_input_directions", count)
    for number in range(length):
        given = list(carried)
        for sequence, axis, turned in zip(sequences, axes, backwards, strict=True):
            index = literal((length - 1 - number if turned else number,), ())
            given.append(_made(taker, call, "Gather", [sequence, index], axis=axis))
        rest = _pass(taker, call, scope, body, given)
        carried = rest[:states]
        for pile, turned, value in zip(
            stacked, _each(call, "scan_output_directions", len(stacked)), rest[states:], strict=True
        ):
            pile.insert(0 if turned else number, value)
    ends = _each(call, "scan_output_axes", len(stacked))
    return [*carried, *[_stack(taker, call, pile, axis) for pile, axis in zip(stacked, ends, strict=True)]]


def _each(call: Call, name: str, count: int) -> tuple[int, ...]:
    """Return an attribute with a number for each input or output; 0 where it is left out."""
    found = call.integers(name) or (0,) * count
    if len(found) != count:
        raise UnfitError(f"{name} has {len(found)} numbers for {count}")
    return found


def _pass(
    taker: Taker, call: Call, scope: ValueScope, body: Subgraph, given: Sequence[Value | None]
) -> list[Value | None]:
    """Return what a body makes in one pass."""
    inside = ValueScope(scope)
    inside.values.update({port.name: value for port, value in zip(body.inputs, given, strict=True) if value})
    return taker.graph(body, inside, (*call.scopes, call.operator.name or call.op))


def _made(taker: Taker, call: Call, op: str, inputs: Sequence[Value | None], axis: int) -> Value:
    """Return what an operator makes that stands for a part of the loop."""
    item = OnnxOperator(op, "", (), ("",), call.operator.name, {"axis": axis}, (), {}, "")
    (value,) = taker.outputs(Call(item, list(inputs), 12, call.scopes), ValueScope())
    if value is None:
        raise UnfitError(f"its {op} makes nothing")
    return value


def _stack(taker: Taker, call: Call, pile: Sequence[Value | None], axis: int) -> Value:
    """Return what the passes make, one behind the other on a new axis."""
    rows: list[Value | None] = []
    for value in pile:
        if value is None:
            raise UnfitError("its body does not compute the tensors to stack")
        item = OnnxOperator("Unsqueeze", "", (), ("",), call.operator.name, {"axes": [axis]}, (), {}, "")
        rows += taker.outputs(Call(item, [value], 12, call.scopes), ValueScope())
    return _made(taker, call, "Concat", rows, axis=axis)
