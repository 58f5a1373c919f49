"""Loop and Scan with a known number of passes: the operators of their body are added once per pass.

https://onnx.ai/onnx/operators/onnx__Loop.html, onnx__Scan.html
"""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.ground.limits import MAX_MODEL_PASSES
from cnncalc.importers.onnx.builder import Builder, Result, operator
from cnncalc.importers.onnx.lost import LOST
from cnncalc.importers.onnx.model import Subgraph
from cnncalc.importers.onnx.operators.branches import Additions, scopes_inside
from cnncalc.importers.onnx.operators.opaque import as_stated, unknown
from cnncalc.importers.onnx.proto import BOOL
from cnncalc.importers.onnx.readers import ValueScope
from cnncalc.importers.onnx.values import Call, UnfitError, Value, literal

Outputs = Sequence[Value | None]

OPSET = 12
"""The version of the operators that do a part of a loop's work: the axes of Unsqueeze are an attribute."""


@operator("Loop", "Scan")
def _unrolled(build: Builder, call: Call) -> Result:
    """Return the outputs of all passes together; if an output is lost, all outputs of the loop are."""
    body = call.operator.attributes.get("body")
    if not isinstance(body, Subgraph):
        return unknown(build, call)
    added = Additions(build)
    outputs = _scan(build, call, body) if call.op == "Scan" else _loop(build, call, body)
    if outputs is None:
        return as_stated(build, call, "has an unknown number of passes")
    if LOST not in outputs:
        return outputs
    added.take_back()
    return build.lose(call)


def _loop(build: Builder, call: Call, body: Subgraph) -> Outputs | None:
    """Return the outputs of a Loop; None if its number of passes is not known.

    If a condition that is only known when it runs may end it sooner, all passes are counted, and a note says so.

    Raises:
        UnfitError: if its body does not have the inputs and outputs of a loop.
    """
    most = call.given(0)
    if most is None or not isinstance(most.number, int) or not 0 < most.number <= MAX_MODEL_PASSES:
        return None
    carried: list[Value | None] = list(call.inputs[2:])
    if len(body.inputs) != len(carried) + 2 or len(body.outputs) <= len(carried):
        raise UnfitError("its body does not have the inputs and outputs of a loop")
    stacked: list[list[Value | None]] = [[] for _ in body.outputs[len(carried) + 1 :]]
    condition, passes = call.given(1), 0
    may_end_sooner = False
    while passes < most.number and (condition is None or condition.number is None or condition.number):
        may_end_sooner = may_end_sooner or (condition is not None and condition.number is None)
        given = [literal((passes,), ()), literal((True,), (), BOOL), *carried]
        condition, *rest = _pass(build, call, body, given)
        if LOST in rest:  # further passes would lose their outputs, too
            return [LOST] * len(call.operator.outputs)
        carried = rest[: len(carried)]
        for rows, value in zip(stacked, rest[len(carried) :], strict=True):
            rows.append(value)
        passes += 1
    if may_end_sooner:
        build.notes.append(f"{call.operator.label} may end sooner; all its {passes:,} passes are counted")
    if not passes:
        return None
    return [*carried, *[_stacked(build, rows, 0) for rows in stacked]]


def _scan(build: Builder, call: Call, body: Subgraph) -> Outputs | None:
    """Return the outputs of a Scan over slices of its inputs (opset 9 and later); None if there are too many slices.

    Raises:
        UnfitError: if its body does not have the inputs and outputs of a scan, or it goes along the batch.
    """
    count = call.integer("num_scan_inputs")
    states = len(call.inputs) - count
    if call.opset < 9 or count < 1 or states < 0 or len(body.inputs) != states + count or len(body.outputs) < states:
        raise UnfitError("its body does not have the inputs and outputs of a scan")
    carried, sequences = list(call.inputs[:states]), [call.input(states + i) for i in range(count)]
    stacked: list[list[Value | None]] = [[] for _ in body.outputs[states:]]
    axes = [
        axis % value.rank
        for axis, value in zip(_number_for_each(call, "scan_input_axes", count), sequences, strict=True)
    ]
    lengths = {value.dims[axis] for axis, value in zip(axes, sequences, strict=True)}
    if len(lengths) != 1 or any(value.sample_axis(axis) is None for axis, value in zip(axes, sequences, strict=True)):
        raise UnfitError(f"it goes along axes of {sorted(lengths)}, or along the batch")
    length = lengths.pop()
    if not 0 < length <= MAX_MODEL_PASSES:
        return None
    backwards = _number_for_each(call, "scan_input_directions", count)
    prepends = _number_for_each(call, "scan_output_directions", len(stacked))
    for number in range(length):
        given = list(carried)
        for sequence, axis, is_backwards in zip(sequences, axes, backwards, strict=True):
            index = literal((length - 1 - number if is_backwards else number,), ())
            given.append(build.output_of("Gather", [sequence, index], OPSET, axis=axis))
        rest = _pass(build, call, body, given)
        carried = rest[:states]
        for rows, in_front, value in zip(stacked, prepends, rest[states:], strict=True):
            rows.insert(0 if in_front else number, value)
    ends = _number_for_each(call, "scan_output_axes", len(stacked))
    return [*carried, *[_stacked(build, rows, axis) for rows, axis in zip(stacked, ends, strict=True)]]


def _number_for_each(call: Call, name: str, count: int) -> tuple[int, ...]:
    """Return an attribute that has one number per input or output; if it is left out, the numbers are 0."""
    found = call.integers(name) or (0,) * count
    if len(found) != count:
        raise UnfitError(f"{name} has {len(found)} numbers for {count}")
    return found


def _pass(build: Builder, call: Call, body: Subgraph, given: Outputs) -> list[Value | None]:
    """Add the operators of a body for one pass, and return its outputs."""
    inside = ValueScope(build.scope)
    inside.values.update({port.name: value for port, value in zip(body.inputs, given, strict=True) if value})
    return build.graph(body, inside, scopes_inside(call, body, call.operator.name or call.op))


def _stacked(build: Builder, rows: Outputs, axis: int) -> Value:
    """Return the outputs of the passes, stacked along a new axis."""
    if None in rows:
        raise UnfitError("its body does not compute the tensors to stack")
    tall = [build.output_of("Unsqueeze", [value], OPSET, axes=[axis]) for value in rows]
    return build.output_of("Concat", tall, OPSET, axis=axis)
