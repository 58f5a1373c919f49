"""Activations by their primitives."""

from __future__ import annotations

from math import pi, sqrt
from typing import TYPE_CHECKING

from cnncalc.importers.onnx.patterns.fuser import is_affine, same

if TYPE_CHECKING:
    from cnncalc.importers.onnx.patterns.fuser import Fuser
    from cnncalc.importers.onnx.values import LayerStep, Value


def gelu(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """½ · x · (1 + erf(x / √2)), or with a tanh in its place, in any of the orders in which exporters write it."""
    if step.layer.type not in ("multiply", "affine"):
        return None
    parts = [step]
    product = step
    half = False
    if is_affine(step, 0.5):
        found = fuser.maker(step.inputs[0], "multiply")
        if found is None:
            return None
        product, half = found, True
        parts.insert(0, product)
    if product.layer.type != "multiply" or len(product.inputs) != 2:
        return None
    for x, other in (product.inputs, product.inputs[::-1]):
        inner: list[LayerStep] = []
        halved = half
        share = fuser.maker(other, "affine")
        if share is not None and not halved and is_affine(share, 0.5):
            inner, halved = [share], True
            share = fuser.maker(share.inputs[0], "affine")
        scaled = fuser.maker(x, "affine")
        if not halved and is_affine(scaled, 0.5) and scaled is not None:
            inner, halved, x = [scaled], True, scaled.inputs[0]
        if not halved or share is None or not is_affine(share, 1.0, 1.0):
            continue
        for bent, how in ((_erf(fuser, share.inputs[0], x), "none"), (_tanh(fuser, share.inputs[0], x), "tanh")):
            if bent:
                return fuser.put([*bent, share, *inner, *parts], "gelu", [x], approximate=how)
    return None


def _erf(fuser: Fuser, value: Value, x: Value) -> list[LayerStep]:
    """Return the steps of erf(x / √2); nothing where it is not that."""
    erf = fuser.maker(value, "erf")
    divided = fuser.maker(erf.inputs[0], "affine") if erf is not None else None
    if erf is None or divided is None or not is_affine(divided, sqrt(0.5)) or not same(divided.inputs[0], x):
        return []
    return [divided, erf]


def _tanh(fuser: Fuser, value: Value, x: Value) -> list[LayerStep]:
    """Return the steps of tanh(√(2/π) · (x + 0.044715 · x³)); nothing where it is not that."""
    tanh = fuser.maker(value, "tanh")
    scaled = fuser.maker(tanh.inputs[0], "affine") if tanh is not None else None
    total = fuser.maker(scaled.inputs[0], "add") if scaled is not None else None
    if tanh is None or scaled is None or total is None or not is_affine(scaled, sqrt(2 / pi)):
        return []
    small = fuser.maker(total.inputs[1], "affine") or fuser.maker(total.inputs[0], "affine")
    others = [one for one in total.inputs if small is None or one.step is not small]
    if small is None or not is_affine(small, 0.044715) or len(others) != 1 or not same(others[0], x):
        return []
    cube = fuser.maker(small.inputs[0], "multiply")
    if cube is None or len(cube.inputs) != 2:
        return []
    square = fuser.maker(cube.inputs[1], "multiply") or fuser.maker(cube.inputs[0], "multiply")
    if square is None or not any(same(one, x) for one in cube.inputs) or not all(same(one, x) for one in square.inputs):
        return []
    return [square, cube, small, total, scaled, tanh]


def silu(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """x · sigmoid(x), or x · hardsigmoid(x)."""
    if step.layer.type != "multiply" or len(step.inputs) != 2:
        return None
    for x, gate in (step.inputs, step.inputs[::-1]):
        for kind, whole in (("sigmoid", "silu"), ("hardsigmoid", "hardswish")):
            found = fuser.maker(gate, kind)
            if found is not None and same(found.inputs[0], x):
                return fuser.put([found, step], whole, [x])
    return None


def mish(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """x · tanh(softplus(x))."""
    if step.layer.type != "multiply" or len(step.inputs) != 2:
        return None
    for x, gate in (step.inputs, step.inputs[::-1]):
        bent = fuser.maker(gate, "tanh")
        soft = fuser.maker(bent.inputs[0], "softplus") if bent is not None else None
        if bent is not None and soft is not None and soft["beta"] == 1 and same(soft.inputs[0], x):
            return fuser.put([soft, bent, step], "mish", [x])
    return None


def _clipped(fuser: Fuser, value: Value) -> tuple[list[LayerStep], Value] | None:
    """Return the steps of min(max(x + 3, 0), 6), and x."""
    clip = fuser.maker(value, "relu6")
    shifted = fuser.maker(clip.inputs[0], "affine") if clip is not None else None
    if clip is None or shifted is None or not is_affine(shifted, 1.0, 3.0):
        return None
    return [shifted, clip], shifted.inputs[0]


def hardswish(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """x · min(max(x + 3, 0), 6) / 6, divided before or after the product."""
    product: LayerStep | None = step
    if is_affine(step, 1 / 6):
        product = fuser.maker(step.inputs[0], "multiply")
    if product is None or product.layer.type != "multiply" or len(product.inputs) != 2:
        return None
    for x, gate in (product.inputs, product.inputs[::-1]):
        inner: list[LayerStep] = []
        if product is step:
            sixth = fuser.maker(gate, "affine")
            if sixth is None or not is_affine(sixth, 1 / 6):
                continue
            inner, gate = [sixth], sixth.inputs[0]
        found = _clipped(fuser, gate)
        if found is not None and same(found[1], x):
            return fuser.put([*found[0], *inner, *([product] if product is not step else []), step], "hardswish", [x])
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
