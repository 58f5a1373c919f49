"""Casts between real numbers, integers and booleans, and operators whose result depends on the type."""

from __future__ import annotations

from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.operators.elementwise import merged
from cnncalc.importers.onnx.operators.quantized import ONE, as_integers, quantized
from cnncalc.importers.onnx.proto import BFLOAT16, BITS, BOOL, FLOATS, FORMATS, SMALL_FLOATS, UINT8
from cnncalc.importers.onnx.values import Call, QuantizedGrid, UnfitError, Value, before_moves

INTEGER_LAYERS = frozenset(("floor", "ceil", "round", "trunc", "sign", "argmax", "compare"))
"""Layers whose output is integers for any input."""


@operator("Cast", "CastLike")
def _cast(build: Builder, call: Call) -> Value:
    """Return a value as another type: truncated to integers, compared with 0 for booleans, else unchanged."""
    x = call.input(0)
    to = call.integer("to") if call.op == "Cast" else call.input(1).dtype
    if to not in (*FORMATS, *SMALL_FLOATS, BFLOAT16):
        what = f"numbers of {BITS[to]} bits" if to in BITS else f"the type {to}"
        raise UnfitError(f"a cast to {what} is not supported")
    if to in FLOATS and x.is_live and x.grid is not None:
        zero = x.grid.zero
        x = as_integers(build, x, UINT8 if zero is None else zero.dtype)
    if to in SMALL_FLOATS and x.is_live and x.dtype not in SMALL_FLOATS:
        y = quantized(build, x, QuantizedGrid(ONE, None), to)
    elif not x.is_live:
        y = build.derived("Cast", x, to=to)
    elif to == BOOL and x.dtype != BOOL:
        y = build.step("compare", [x], by="not_equal", number=0.0)
    elif to in FLOATS or x.dtype not in FLOATS or to == BOOL or has_integers(x):
        y = x.copy()
    else:
        y = build.step("trunc", [x])
    y.dtype = to
    return y


def has_integers(x: Value) -> bool:
    """Whether a value consists of integers: the last layer before it that does not only move elements shows it."""
    x = before_moves(x)
    return x.dtype not in FLOATS if x.step is None else x.step.layer.type in INTEGER_LAYERS


@operator("Mod")
def _mod(build: Builder, call: Call) -> Value:
    """Return a − b · ⌊a / b⌋, which has the sign of b; with ``fmod``, a − b · trunc(a / b), C's fmod."""
    a, b = call.input(0), call.input(1)
    ratio = merged(build, "divide", [a, b])
    whole = build.step("trunc" if call.integer("fmod") else "floor", [ratio])
    return merged(build, "subtract", [a, merged(build, "multiply", [whole, b])])


@operator("IsNaN", "IsInf")
def _is_nan_or_inf(build: Builder, call: Call) -> Value:
    x = call.input(0)
    if call.op == "IsNaN":
        y = merged(build, "compare", [x, x], by="not_equal")
    else:
        signs = bool(call.integer("detect_positive", 1)), bool(call.integer("detect_negative", 1))
        x = build.step("abs", [x]) if all(signs) else build.step("neg", [x]) if signs[1] else x
        y = build.step("compare", [x], by="greater", number=LARGEST)
    y.dtype = BOOL
    return y


LARGEST = 3.4028235e38
"""The largest float32; what is greater is infinite."""
