"""Functions that several layers compute together, and PRelu."""

from __future__ import annotations

from math import inf, pi

from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.operators.elementwise import affine, clipped, merged
from cnncalc.importers.onnx.steps import own_tensors
from cnncalc.importers.onnx.values import Call, Value


@operator("Tan", "Sinh", "Cosh")
def _tan_sinh_cosh(build: Builder, call: Call) -> Value:
    """Return tan x = sin x / cos x, sinh x = (eˣ − e⁻ˣ) / 2, or cosh x = (eˣ + e⁻ˣ) / 2."""
    x = call.input(0)
    if call.op == "Tan":
        return merged(build, "divide", [build.step("sin", [x]), build.step("cos", [x])])
    sides = [build.step("exp", [x]), build.step("exp", [build.step("neg", [x])])]
    both = merged(build, "add" if call.op == "Cosh" else "subtract", sides)
    return build.step("affine", [both], mul=0.5)


@operator("Asin", "Acos")
def _asin_acos(build: Builder, call: Call) -> Value:
    """Return asin x = atan(x / √(1 − x²)), or acos x = π/2 − asin x."""
    x = call.input(0)
    root = build.step("sqrt", [build.step("affine", [build.step("power", [x], exponent=2.0)], mul=-1.0, add=1.0)])
    arc = build.step("atan", [merged(build, "divide", [x, root])])
    return arc if call.op == "Asin" else affine(build, arc, mul=-1.0, add=pi / 2)


@operator("Asinh", "Acosh", "Atanh")
def _inverse_hyperbolic(build: Builder, call: Call) -> Value:
    """Return asinh x, acosh x or atanh x.

    These are sign(x) · log(|x| + √(x² + 1)), log(x + √(x² − 1)), and log((1 + x) / (1 − x)) / 2.
    """
    x = call.input(0)
    if call.op == "Atanh":
        sides = [affine(build, x, add=1.0), affine(build, x, mul=-1.0, add=1.0)]
        return build.step("affine", [build.step("log", [merged(build, "divide", sides)])], mul=0.5)
    size = build.step("abs", [x]) if call.op == "Asinh" else x
    square = affine(build, build.step("power", [x], exponent=2.0), add=1.0 if call.op == "Asinh" else -1.0)
    area = build.step("log", [merged(build, "add", [size, build.step("sqrt", [square])])])
    return merged(build, "multiply", [build.step("sign", [x]), area]) if call.op == "Asinh" else area


@operator("Shrink")
def _shrink(build: Builder, call: Call) -> Value:
    """Return x − bias where x > lambd, x + bias where x < −lambd, and 0 elsewhere."""
    x, bias, bound = call.input(0), call.number("bias"), call.number("lambd", 0.5)
    far = build.step("compare", [build.step("abs", [x])], by="greater", number=bound)
    nearer = merged(build, "subtract", [x, build.step("affine", [build.step("sign", [x])], mul=bias)]) if bias else x
    return merged(build, "multiply", [nearer, far])


@operator("PRelu")
def _prelu(build: Builder, call: Call) -> Value:
    x, slope = call.input(0), call.input(1)
    if slope.is_live or not (slope.elements == 1 or _is_of_channels(x, slope)):
        low = merged(build, "multiply", [clipped(build, x, -inf, 0.0), slope])
        return merged(build, "add", [build.step("relu", [x]), low])
    count = "channels" if slope.elements > 1 else 1
    weight = build.view(slope, (slope.elements,), None)
    return build.step("prelu", [x], x.axis, own_tensors(weight=weight), num_parameters=count)


def _is_of_channels(x: Value, slope: Value) -> bool:
    """Whether there is one slope per channel: (C, 1, …), or (C) in older files unless the last axis has C elements."""
    sizes, rank = slope.shape, len(x.shape)
    if slope.elements != x.shape[0]:
        return False
    return rank == 1 or sizes[-1] not in (1, x.shape[-1]) or sizes[-rank : -rank + 1] == x.shape[:1]
