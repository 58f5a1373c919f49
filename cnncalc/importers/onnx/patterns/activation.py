"""Activations that a file writes as several operators.

An activation is a product of x, of a gate and of a number: ½ · x · (1 + erf(x / √2)).  Exporters write its factors in
any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose, pi, sqrt
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.importers.onnx.patterns.fuser import CLOSE, is_affine, same
from cnncalc.importers.onnx.steps import layer_of

if TYPE_CHECKING:
    from cnncalc.importers.onnx.patterns.fuser import Fuser
    from cnncalc.importers.onnx.values import LayerStep, Value

MOST_PRODUCTS = 4
"""Most products in a row that one activation has."""

_Chain = tuple["str | tuple[float, float]", ...]
"""Layers in a row, the last one first: the type of each, or (mul, add) of an affine one; or :data:`CUBIC`."""

CUBIC = "x + 0.044715 · x³"

RELU6 = ("relu6", (1.0, 3.0))

GATES: tuple[tuple[_Chain, float, str, dict[str, str]], ...] = (
    (("sigmoid",), 1.0, "silu", {}),
    (("hardsigmoid",), 1.0, "hardswish", {}),
    (RELU6, 1 / 6, "hardswish", {}),
    (("tanh", "softplus"), 1.0, "mish", {}),
    (((1.0, 1.0), "erf", (sqrt(0.5), 0.0)), 0.5, "gelu", {"approximate": "none"}),
    (((1.0, 1.0), "tanh", (sqrt(2 / pi), 0.0), CUBIC), 0.5, "gelu", {"approximate": "tanh"}),
)
"""The gates: how they are computed of x, the number that multiplies them and x, and the activation."""


class _Factored(NamedTuple):
    """The layers that multiply values and a number."""

    parts: list[LayerStep]
    number: float
    factors: list[Value]

    def is_number(self, number: float) -> bool:
        """Whether the number is another one."""
        return isclose(self.number, number, rel_tol=CLOSE)


def _product(fuser: Fuser, step: LayerStep, most: int = MOST_PRODUCTS) -> _Factored:
    """Return what a layer and those before it multiply."""
    product = _Factored([step], step["mul"] if step.layer.type == "affine" else 1.0, [])
    for value in step.inputs:
        before = fuser.maker(value, "multiply", "affine") if most else None
        if before is None or (before.layer.type == "affine" and before["add"] != 0):
            product.factors.append(value)
            continue
        inner = _product(fuser, before, most - 1)
        parts, factors = [*inner.parts, *product.parts], [*product.factors, *inner.factors]
        product = _Factored(parts, product.number * inner.number, factors)
    return product


def gated(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """A product of x and of a gate that is computed of x."""
    if step.layer.type == "affine" and step["add"] != 0:
        return None
    product = _product(fuser, step)
    if len(product.factors) != 2:
        return None
    for chain, number, kind, arguments in GATES:
        for x, gate in (product.factors, product.factors[::-1]):
            parts = _of(fuser, gate, chain, x) if product.is_number(number) else None
            if parts is not None:
                return fuser.replace([*parts, *product.parts], layer_of(kind, arguments), [x])
    return None


def hardsigmoid(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """min(max(x + 3, 0), 6) / 6 that no product reads with x."""
    found = fuser.chain(step.inputs[0], "relu6", "affine") if is_affine(step, 1 / 6) else None
    if found is None or not is_affine(found[1], *RELU6[1]):
        return None
    x, reader = found[1].inputs[0], fuser.reader(step)
    if reader is not None and reader.layer.type == "multiply" and any(same(x, one) for one in reader.inputs):
        return None  # it is part of a hardswish
    return fuser.put([*found[::-1], step], "hardsigmoid", [x])


def _of(fuser: Fuser, value: Value, chain: Sequence[str | tuple[float, float]], x: Value) -> list[LayerStep] | None:
    """Return the layers of a chain that computes a value of x; None if others do."""
    found: list[LayerStep] = []
    for kind in chain:
        if kind == CUBIC:
            cubic = _cubic(fuser, value, x)
            return None if cubic is None else [*cubic, *found]
        step = fuser.maker(value, kind if isinstance(kind, str) else "affine")
        if step is None or (not isinstance(kind, str) and not is_affine(step, *kind)):
            return None
        if kind == "softplus" and step["beta"] != 1:
            return None
        found.insert(0, step)
        value = step.inputs[0]
    return found if same(value, x) else None


def _cubic(fuser: Fuser, value: Value, x: Value) -> list[LayerStep] | None:
    """Return the layers that compute :data:`CUBIC`; None if a value is not computed so."""
    total = fuser.maker(value, "add")
    for plain, small in (total.inputs, total.inputs[::-1]) if total is not None and len(total.inputs) == 2 else ():
        power = fuser.maker(small, "multiply", "affine")
        if total is None or power is None or not same(plain, x):
            continue
        cube = _product(fuser, power)
        if cube.is_number(0.044715) and [same(one, x) for one in cube.factors] == [True] * 3:
            return [*cube.parts, total]
    return None
