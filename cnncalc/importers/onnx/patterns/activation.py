"""Activations that a file writes as several operators."""

from __future__ import annotations

from math import isclose, pi, sqrt
from typing import TYPE_CHECKING

from cnncalc.importers.onnx.patterns.fuser import CLOSE, is_affine, same

if TYPE_CHECKING:
    from cnncalc.importers.onnx.patterns.fuser import Fuser
    from cnncalc.importers.onnx.values import LayerStep, Value


def gelu(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """½ · x · (1 + erf(x / √2)), or with a tanh in its place, in any of the orders in which exporters write it."""
    half = is_affine(step, 0.5)
    product = fuser.maker(step.inputs[0], "multiply") if half else step
    parts = [step] if product is None or product is step else [product, step]
    for x, other in _factors(product):
        inner: list[LayerStep] = []
        halved = half
        share = fuser.maker(other, "affine")
        if share is not None and not halved and is_affine(share, 0.5):
            inner, halved = [share], True
            share = fuser.maker(share.inputs[0], "affine")
        scaled = fuser.maker(x, "affine")
        if not halved and scaled is not None and is_affine(scaled, 0.5):
            inner, halved, x = [scaled], True, scaled.inputs[0]
        if not halved or share is None or not is_affine(share, 1.0, 1.0):
            continue
        for bent, how in ((_erf(fuser, share.inputs[0], x), "none"), (_tanh(fuser, share.inputs[0], x), "tanh")):
            if bent:
                return fuser.put([*bent, share, *inner, *parts], "gelu", [x], approximate=how)
    return None


def _factors(product: LayerStep | None, kind: str = "multiply") -> list[list[Value]]:
    """Return the two inputs of a product, or of a sum, in both orders; nothing if a layer is none."""
    if product is None or product.layer.type != kind or len(product.inputs) != 2:
        return []
    return [product.inputs, product.inputs[::-1]]


def _erf(fuser: Fuser, value: Value, x: Value) -> list[LayerStep]:
    """Return the steps of erf(x / √2); nothing if a value is not computed so."""
    found = fuser.chain(value, "erf", "affine")
    if found is None or not is_affine(found[1], sqrt(0.5)) or not same(found[1].inputs[0], x):
        return []
    return found[::-1]


def _tanh(fuser: Fuser, value: Value, x: Value) -> list[LayerStep]:
    """Return the steps of tanh(√(2/π) · (x + 0.044715 · x³)); nothing if a value is not computed so."""
    found = fuser.chain(value, "tanh", "affine", "add")
    if found is None or not is_affine(found[1], sqrt(2 / pi)):
        return []
    tanh, scaled, total = found
    for plain, small in _factors(total, "add"):
        cube = _power(fuser, small, x)
        if same(plain, x) and cube is not None and cube[2] == 3 and isclose(cube[1], 0.044715, rel_tol=CLOSE):
            return [*cube[0], total, scaled, tanh]
    return []


def _power(fuser: Fuser, value: Value, x: Value, most: int = 3) -> tuple[list[LayerStep], float, int] | None:
    """Return the steps that compute a · xⁿ by at most so many products in a row, a and n; None if others do."""
    if same(value, x):
        return [], 1.0, 1
    step = fuser.maker(value, "multiply", "affine") if most else None
    if step is None or (step.layer.type == "affine" and step["add"] != 0):
        return None
    parts, factor, exponent = [step], step["mul"] if step.layer.type == "affine" else 1.0, 0
    for one in step.inputs:
        found = _power(fuser, one, x, most - 1)
        if found is None:
            return None
        parts, factor, exponent = [*found[0], *parts], factor * found[1], exponent + found[2]
    return parts, factor, exponent


def silu(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """x · sigmoid(x), or x · hardsigmoid(x)."""
    for x, gate in _factors(step):
        found = fuser.maker(gate, "sigmoid", "hardsigmoid")
        if found is not None and same(found.inputs[0], x):
            return fuser.put([found, step], "silu" if found.layer.type == "sigmoid" else "hardswish", [x])
    return None


def mish(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """x · tanh(softplus(x))."""
    for x, gate in _factors(step):
        found = fuser.chain(gate, "tanh", "softplus")
        if found is not None and found[1]["beta"] == 1 and same(found[1].inputs[0], x):
            return fuser.put([*found[::-1], step], "mish", [x])
    return None


def _clipped(fuser: Fuser, value: Value) -> tuple[list[LayerStep], Value] | None:
    """Return the steps of min(max(x + 3, 0), 6), and x."""
    found = fuser.chain(value, "relu6", "affine")
    return (found[::-1], found[1].inputs[0]) if found is not None and is_affine(found[1], 1.0, 3.0) else None


def hardswish(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """x · min(max(x + 3, 0), 6) / 6, divided before or after the product."""
    product = fuser.maker(step.inputs[0], "multiply") if is_affine(step, 1 / 6) else step
    parts = [step] if product is None or product is step else [product, step]
    for x, gate in _factors(product):
        inner: list[LayerStep] = []
        if product is step:
            sixth = fuser.maker(gate, "affine")
            if sixth is None or not is_affine(sixth, 1 / 6):
                continue
            inner, gate = [sixth], sixth.inputs[0]
        found = _clipped(fuser, gate)
        if found is not None and same(found[1], x):
            return fuser.put([*found[0], *inner, *parts], "hardswish", [x])
    return None


def hardsigmoid(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """min(max(x + 3, 0), 6) / 6 that no product reads with x."""
    if not is_affine(step, 1 / 6):
        return None
    found = _clipped(fuser, step.inputs[0])
    if found is None:
        return None
    reader = fuser.reader(step)
    if reader is not None and reader.layer.type == "multiply" and any(same(found[1], x) for x in reader.inputs):
        return None  # it is part of a hardswish
    return fuser.put([*found[0], step], "hardsigmoid", [found[1]])
