"""Operators that compare values, and those that choose between values by a condition."""

from __future__ import annotations

from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.evaluator import broadcast
from cnncalc.importers.onnx.operators.elementwise import affine, is_learned, merged
from cnncalc.importers.onnx.proto import BOOL
from cnncalc.importers.onnx.values import Call, LayerStep, Value

COMPARISONS = {
    "Equal": "equal", "Greater": "greater", "GreaterOrEqual": "greater_equal", "Less": "less",
    "LessOrEqual": "less_equal",
}  # fmt: skip


@operator(*COMPARISONS)
def _compare(build: Builder, call: Call) -> Value:
    return compared(build, call.input(0), call.input(1), COMPARISONS[call.op])


def compared(build: Builder, a: Value, b: Value, by: str) -> Value:
    """Return where a comparison of two values holds; a number becomes the second of them."""
    if a.number is not None and not a.is_live and b.is_live:
        a, b, by = b, a, MIRRORED.get(by, by)
    made = _with_numbers(build, "compare", [a], {"number": b}, by=by)
    made.dtype = BOOL
    return made


MIRRORED = {
    "greater": "less", "greater_equal": "less_equal", "less": "greater", "less_equal": "greater_equal",
}  # fmt: skip


@operator("And", "Or", "Xor")
def _logic(build: Builder, call: Call) -> Value:
    values = [call.input(0), call.input(1)]
    if call.op == "Xor":
        return merged(build, "compare", values, by="not_equal")
    return merged(build, "multiply" if call.op == "And" else "maximum", values)


@operator("Not")
def _not(build: Builder, call: Call) -> Value:
    return affine(build, call.input(0), -1.0, 1.0)


@operator("Where")
def _where(build: Builder, call: Call) -> Value:
    condition, a, b = call.input(0), call.input(1), call.input(2)
    if not condition.is_live and condition.fill is not None:
        chosen = a if condition.fill else b
        if chosen.dims == broadcast([condition.dims, a.dims, b.dims]):
            return chosen.copy()
    guarded = _guarded(condition, a, b)
    if guarded is not None:
        return build.step("softmax", guarded.inputs, b.axis, axis=guarded["axis"], zero_masked=True)
    made = _with_numbers(build, "where", [condition], {"then": a, "otherwise": b})
    made.dtype = a.dtype
    return made


def _with_numbers(build: Builder, kind: str, values: list[Value], choices: dict[str, Value], **more: object) -> Value:
    """Return the output of a layer with several values; numbers of a formula become arguments, not inputs."""
    rank = max(value.rank for value in values if value.is_live) if any(value.is_live for value in values) else 0
    numbers = {
        name: float(value.number)
        for name, value in choices.items()
        if value.number is not None and not is_learned(value) and value.rank <= rank
    }
    inputs = [*values, *[value for name, value in choices.items() if name not in numbers]]
    return merged(build, kind, inputs, **numbers, **more)


def _guarded(condition: Value, zero: Value, x: Value) -> LayerStep | None:
    """Return the softmax whose NaN a choice replaces by 0, as PyTorch exports masked attention; None if it is none."""
    asked, step = condition.step, x.step
    if (
        asked is None
        or step is None
        or step.layer.type != "softmax"
        or zero.number != 0
        or asked.layer.type != "compare"
    ):
        return None
    is_of_it = asked["by"] == "not_equal" and all(value.step is step for value in asked.inputs)
    return step if is_of_it and zero.rank <= x.rank else None
