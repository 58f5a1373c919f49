"""Operators that are formulas of other operators, and PRelu."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, signature
from math import inf, pi
from typing import Any

from cnncalc.importers.onnx.builder import Builder, Result, operator
from cnncalc.importers.onnx.model import Attribute
from cnncalc.importers.onnx.operators.elementwise import clipped, decimal, merged
from cnncalc.importers.onnx.proto import FLOAT
from cnncalc.importers.onnx.steps import own_tensors
from cnncalc.importers.onnx.values import Call, Value, literal


class FormulaOperators:
    """ONNX's operators as functions: ``f.Add(x, 1.0)`` is the output of an Add."""

    def __init__(self, build: Builder) -> None:
        self.build = build

    def __getattr__(self, op: str) -> Callable[..., Value]:
        """Return a function of inputs and attributes."""

        def output(*inputs: Value | float | None, **attributes: Attribute) -> Value:
            values = [literal((x,), (), FLOAT) if isinstance(x, float) else x for x in inputs]
            return self.build.output_of(op, values, **attributes)

        return output


FORMULAS: dict[str, Callable[..., Value]] = {
    "Tan": lambda f, x: f.Div(f.Sin(x), f.Cos(x)),
    "Sinh": lambda f, x: f.Mul(f.Sub(f.Exp(x), f.Exp(f.Neg(x))), 0.5),
    "Cosh": lambda f, x: f.Mul(f.Add(f.Exp(x), f.Exp(f.Neg(x))), 0.5),
    "Asin": lambda f, x: f.Atan(f.Div(x, f.Sqrt(f.Sub(1.0, f.Pow(x, 2.0))))),
    "Acos": lambda f, x: f.Sub(pi / 2, f.Asin(x)),
    "Asinh": lambda f, x: f.Mul(f.Sign(x), f.Log(f.Add(f.Abs(x), f.Sqrt(f.Add(f.Pow(x, 2.0), 1.0))))),
    "Acosh": lambda f, x: f.Log(f.Add(x, f.Sqrt(f.Sub(f.Pow(x, 2.0), 1.0)))),
    "Atanh": lambda f, x: f.Mul(f.Log(f.Div(f.Add(x, 1.0), f.Sub(1.0, x))), 0.5),
    "Shrink": lambda f, x, *, bias=0.0, lambd=0.5: (
        f.Where(f.Less(x, -lambd), f.Add(x, bias), f.Mul(f.Sub(x, bias), f.Greater(x, lambd)))
        if bias
        else f.Mul(x, f.Greater(f.Abs(x), lambd))
    ),
    "ThresholdedRelu": lambda f, x, *, alpha=1.0: f.Mul(x, f.Greater(x, alpha)),
    "Celu": lambda f, x, *, alpha=1.0: (
        f.Mul(f.Elu(f.Div(x, alpha)), alpha)
        if alpha > 0
        else f.Add(f.Relu(x), f.Min(f.Mul(f.Sub(f.Exp(f.Div(x, alpha)), 1.0), alpha), 0.0))
    ),
    "Swish": lambda f, x, *, alpha=1.0: f.Mul(x, f.Sigmoid(f.Mul(x, alpha))),
}
"""Operators of ONNX by others: a function of :class:`FormulaOperators`, the inputs, and the attributes by name."""

MICROSOFT: dict[str, Callable[..., Any]] = {
    "Gelu": lambda f, x: f.Gelu(x),
    "BiasGelu": lambda f, x, bias: f.Gelu(f.Add(x, bias)),
    "FastGelu": lambda f, x, bias=None: f.Gelu(f.Add(x, 0.0 if bias is None else bias), approximate="tanh"),
    "QuickGelu": lambda f, x, *, alpha=1.702: f.Mul(x, f.Sigmoid(f.Mul(x, alpha))),
}
"""Operators of Microsoft's domain by those of ONNX."""


@operator(*FORMULAS)
@operator(*MICROSOFT, domain="com.microsoft")
def _formula(build: Builder, call: Call) -> Result:
    formula = (MICROSOFT if call.operator.domain else FORMULAS)[call.op]
    _, *parameters = signature(formula).parameters.values()
    inputs: list[Value | None] = []
    attributes: dict[str, float] = {}
    for index, one in enumerate(parameters):
        if one.kind is Parameter.KEYWORD_ONLY:
            attributes[one.name] = decimal(call.number(one.name, one.default))
        else:
            inputs.append(call.input(index) if one.default is Parameter.empty else call.given(index))
    result: Result = formula(FormulaOperators(build), *inputs, **attributes)
    return result


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
