"""Operators on constants whose elements are known: the arithmetic by which a file computes shapes.

Tensors are flat tuples in row-major order, with at most MAX_KNOWN_ELEMENTS elements.  Integers beyond 64 bits are
refused, so that no file makes Python compute with numbers of a million digits.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from math import prod
from struct import pack, unpack
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.ground.limits import MAX_KNOWN_ELEMENTS
from cnncalc.importers.onnx.proto import BITS, BOOL, FLOAT, FLOATS
from cnncalc.importers.onnx.values import SAMPLES, Call, UnfitError

if TYPE_CHECKING:
    from cnncalc.layers.shapes import Shape

BEYOND_64_BITS = 2**63
MOST_EXPONENT = 64


class Known(NamedTuple):
    """A tensor whose elements are known."""

    data: tuple[float, ...]
    shape: Shape
    dtype: int


NOTHING = Known((), (0,), 0)
"""An input that is left out."""

Rule = Callable[[Call, "list[Known]"], "Known | list[Known] | None"]
RULES: dict[str, Rule] = {}


def rule(*ops: str) -> Callable[[Rule], Rule]:
    """Register a function that evaluates operators; the function returns None for inputs that it can't evaluate."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(ops, function))
        return function

    return register


def evaluate(call: Call) -> list[Known] | None:
    """Return an operator's outputs; None if an input is not known, or the operator has no rule.

    Raises:
        UnfitError: if an integer of an output does not fit into 64 bits.
    """
    function = RULES.get(call.op)
    if function is None or call.operator.domain:
        return None
    inputs = []
    for value in call.inputs:
        if value is not None and (value.is_live or max(value.shape, default=0) > MAX_KNOWN_ELEMENTS):
            return None
    for value in call.inputs:
        data = () if value is None else value.data
        if data is None and value is not None and value.number is not None:
            data = (value.number,)
        if data is None:
            return None
        inputs.append(NOTHING if value is None else Known(data, value.shape, value.dtype))
    result = function(call, inputs)
    if result is None:
        return None
    found = [_rounded(one) for one in (result if isinstance(result, list) else [result])]
    for one in found:
        data = one.data
        if len(data) > MAX_KNOWN_ELEMENTS:
            return None
        is_far = data and (max(data) >= BEYOND_64_BITS or min(data) < -BEYOND_64_BITS)
        if is_far and any(isinstance(item, int) and not -BEYOND_64_BITS <= item < BEYOND_64_BITS for item in data):
            raise UnfitError("a number has more than 64 bits")
    return found


def _rounded(known: Known) -> Known:
    """Return a tensor with numbers of float32, as a runtime computes them: the size 10 · 0.7 is 7, not 6.9999999.

    Numbers of SAMPLES or more are kept: the batch's size stands in them for a smaller one.
    """
    data = known.data
    if known.dtype != FLOAT or not data:
        return known
    if not (max(data) < SAMPLES and min(data) > -SAMPLES):
        return known._replace(data=tuple([float32(x) if abs(x) < SAMPLES else x for x in data]))
    form = f"{len(data)}f"
    return known._replace(data=unpack(form, pack(form, *data)))


def float32(x: float) -> float:
    """Return a number rounded to float32."""
    number: float = unpack("f", pack("f", x))[0]
    return number


# --- element by element -------------------------------------------------------------------------------------


def broadcast(shapes: Iterable[Shape]) -> Shape:
    """Return the shape to which some shapes broadcast.  Raises UnfitError if they do not broadcast."""
    result: list[int] = []
    for shape in shapes:
        result = [1] * (len(shape) - len(result)) + result
        offset = len(result) - len(shape)
        for i, size in enumerate(shape):
            if result[offset + i] == 1:
                result[offset + i] = size
            elif size not in (1, result[offset + i]):
                raise UnfitError(f"sizes {result[offset + i]} and {size} differ")
    return tuple(result)


def broadcast_elements(known: Known, shape: Shape) -> Sequence[float]:
    """Return the elements of a tensor broadcast to a shape."""
    if known.shape == shape:
        return known.data
    if len(known.data) == 1 or not prod(shape):
        return known.data[:1] * prod(shape)
    own = (1,) * (len(shape) - len(known.shape)) + known.shape
    rows = [row if size == length else row * length for row, size, length in zip(offsets(own), own, shape, strict=True)]
    return [known.data[i] for i in sums(rows)]


def offsets(shape: Shape) -> list[list[int]]:
    """Return, for each axis, the offset of each of its indices from the first element."""
    return [[i * step for i in range(size)] for size, step in zip(shape, strides(shape), strict=True)]


def sums(rows: Iterable[Sequence[int]]) -> list[int]:
    """Return all sums of one number from each row, the last row varying fastest.

    If the rows are the offsets of each axis, the sums are the positions of all elements.
    """
    found = [0]
    for row in rows:
        found = [a + b for a in found for b in row]
    return found


def strides(shape: Shape) -> list[int]:
    """Return, for each axis, how far apart its neighbouring elements are in memory."""
    return [prod(shape[i + 1 :]) for i in range(len(shape))]


def divided(a: float, b: float) -> float:
    """Return a quotient: truncated for integers, infinity or NaN for a real number divided by 0."""
    if isinstance(a, int) and isinstance(b, int):
        quotient = abs(a) // abs(b)
        return quotient if (a < 0) == (b < 0) else -quotient
    return a / b if b else math.copysign(math.inf, a) if a else math.nan


def _power(a: float, b: float) -> float:
    if abs(b) >= MOST_EXPONENT:
        raise UnfitError(f"an exponent of {b}")
    result = a**b
    return int(result) if isinstance(a, int) and not isinstance(result, complex) else result


def _truncated_remainder(a: float, b: float) -> float:
    """Return a − b · trunc(a / b), C's fmod."""
    return a - b * divided(a, b) if isinstance(a, int) and isinstance(b, int) else math.fmod(a, b)


BINARY: dict[str, Callable[[float, float], float]] = {
    "Add": operator.add, "Sub": operator.sub, "Mul": operator.mul, "Div": divided, "Pow": _power, "Mod": operator.mod,
    "Min": min, "Max": max, "Equal": operator.eq, "Greater": operator.gt, "Less": operator.lt,
    "GreaterOrEqual": operator.ge, "LessOrEqual": operator.le, "And": lambda a, b: bool(a and b),
    "Or": lambda a, b: bool(a or b), "Xor": operator.ne,
}  # fmt: skip
TO_BOOLEANS = ("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "And", "Or", "Xor")


@rule(*BINARY)
def _binary(call: Call, inputs: list[Known]) -> Known | None:
    shape = broadcast([known.shape for known in inputs])
    if prod(shape) > MAX_KNOWN_ELEMENTS:
        return None
    function = _truncated_remainder if call.op == "Mod" and call.integer("fmod") else BINARY[call.op]
    data = broadcast_elements(inputs[0], shape)
    for other in inputs[1:]:
        data = [function(a, b) for a, b in zip(data, broadcast_elements(other, shape), strict=True)]
    return Known(tuple(data), shape, BOOL if call.op in TO_BOOLEANS else inputs[0].dtype)


def _of_real_numbers(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda x: x if isinstance(x, int) or not math.isfinite(x) else float(function(x))


UNARY: dict[str, Callable[[float], float]] = {
    "Neg": operator.neg, "Abs": abs, "Floor": _of_real_numbers(math.floor), "Ceil": _of_real_numbers(math.ceil),
    "Round": _of_real_numbers(round), "Sqrt": lambda x: math.sqrt(x) if x >= 0 else math.nan, "Not": operator.not_,
    "Identity": lambda x: x, "Reciprocal": lambda x: divided(1.0, x), "Exp": lambda x: math.exp(min(x, 700)),
    "Log": lambda x: math.log(x) if x > 0 else math.nan, "Sign": lambda x: (x > 0) - (x < 0),
    "Relu": lambda x: max(x, 0), "Sigmoid": lambda x: 1 / (1 + math.exp(min(-x, 700))), "Erf": math.erf,
    "Tanh": math.tanh, "Sin": math.sin, "Cos": math.cos,
}  # fmt: skip


@rule(*UNARY)
def _unary(call: Call, inputs: list[Known]) -> Known:
    function = UNARY[call.op]
    (known,) = inputs
    return Known(tuple([function(x) for x in known.data]), known.shape, BOOL if call.op == "Not" else known.dtype)


@rule("Cast", "CastLike")
def _cast(call: Call, inputs: list[Known]) -> Known | None:
    to = call.integer("to") if call.op == "Cast" else inputs[1].dtype
    known = inputs[0]
    if to in BITS:  # types of at most 8 bits, which do not hold all numbers
        return None
    if to in FLOATS:
        return Known(tuple([float(x) for x in known.data]), known.shape, to)
    if to == BOOL:
        return Known(tuple([bool(x) for x in known.data]), known.shape, to)
    whole = [int(x) if isinstance(x, int) or math.isfinite(x) else 0 for x in known.data]
    return Known(tuple(whole), known.shape, to)


@rule("Clip")
def _clip(call: Call, inputs: list[Known]) -> Known:
    known = inputs[0]
    if call.opset < 11:
        low, high = call.number("min", -math.inf), call.number("max", math.inf)
    else:
        low, high = [
            inputs[i].data[0] if len(inputs) > i and inputs[i].data else edge
            for i, edge in ((1, -math.inf), (2, math.inf))
        ]
    return Known(tuple([min(max(x, low), high) for x in known.data]), known.shape, known.dtype)


@rule("Where")
def _where(call: Call, inputs: list[Known]) -> Known | None:
    shape = broadcast([known.shape for known in inputs])
    if prod(shape) > MAX_KNOWN_ELEMENTS:
        return None
    parts = zip(*[broadcast_elements(known, shape) for known in inputs], strict=True)
    return Known(tuple([a if condition else b for condition, a, b in parts]), shape, inputs[1].dtype)
