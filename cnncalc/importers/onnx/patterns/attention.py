"""Attention by its primitives: two matrix products with a softmax between them, as exporters write it.

Keys come transposed, by a permutation of their own or of a larger one; the scale is at the logits, the queries, or by
its root at both sides (PyTorch's exporter of ``scaled_dot_product_attention``); biases and masks are added to the
logits.  What a network does in between that is not one of these stays as it is.
"""

from __future__ import annotations

from math import isclose
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.importers.onnx.steps import LayerStep, made
from cnncalc.importers.onnx.values import Value

if TYPE_CHECKING:
    from cnncalc.importers.onnx.patterns.fuser import Fuser

MOST_BIASES = 2


class _Side(NamedTuple):
    """Queries or keys before they are multiplied.

    Attributes:
        value: what they are without the scale and the permutation.
        scale: what they are multiplied by.
        parts: the steps that do so.
        order: the permutation of their axes, or None.
    """

    value: Value
    scale: float
    parts: list[LayerStep]
    order: tuple[int, ...] | None
    turn: LayerStep | None


def attention(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """softmax(scale · q·kᵀ + biases) · v, or with the features first v · softmax(…)ᵀ."""
    if step.layer.type != "matmul" or step["transpose_a"] or step["transpose_b"]:
        return None
    normal = fuser.maker(step.inputs[0], "softmax")
    flipped = fuser.maker(step.inputs[1], "permute") if normal is None else None
    if flipped is not None and flipped["dims"] == _swapped(tuple(range(len(flipped.output.shape)))):
        normal = fuser.maker(flipped.inputs[0], "softmax")
    if normal is None or normal["axis"] not in (-1, len(normal.output.shape) - 1):
        return None
    values = step.inputs[1] if flipped is None else step.inputs[0]
    new: list[LayerStep] = []
    between, biases, scale, product = _logits(fuser, normal, new)
    if product is None or product["transpose_a"] or product["transpose_b"] or len(product.output.shape) < 2:
        return None
    parts = [product, *between, normal, *([flipped] if flipped is not None else []), step]
    return _put(fuser, parts, product, [values, *biases], scale, flipped is not None, new)


def _logits(
    fuser: Fuser, normal: LayerStep, new: list[LayerStep]
) -> tuple[list[LayerStep], list[Value], float, LayerStep | None]:
    """Return the steps before a softmax, the biases among them, the scale, and the product that they begin with.

    A bias that is learned becomes a step of its own, in ``new``.
    """
    parts: list[LayerStep] = []
    biases: list[Value] = []
    value = normal.inputs[0]
    while True:
        product = fuser.maker(value, "matmul")
        if product is not None:
            return parts, biases, 1.0, product
        scaled = fuser.maker(value, "affine")
        if scaled is not None and scaled["add"] == 0 and scaled["mul"] > 0:
            product = fuser.maker(scaled.inputs[0], "matmul")
            return [scaled, *parts], biases, scaled["mul"], product
        if len(biases) == MOST_BIASES:
            return parts, biases, 1.0, None
        shifted = fuser.maker(value, "shift")
        added = fuser.maker(value, "add")
        if shifted is not None and len(shifted["shape"] or ()) == len(shifted.output.shape):
            biases.insert(0, _as_input(shifted))
            new += [step for step in (biases[0].step,) if step is not None]
            parts.insert(0, shifted)
            value = shifted.inputs[0]
        elif added is not None and len(added.inputs) == 2:
            first = _leads_to_a_product(fuser, added.inputs[0])
            value, bias = added.inputs if first else added.inputs[::-1]
            biases.insert(0, bias)
            parts.insert(0, added)
        else:
            return parts, biases, 1.0, None


def _leads_to_a_product(fuser: Fuser, value: Value) -> bool:
    """Whether a summand are the logits, and not what is added to them."""
    for _ in range(MOST_BIASES + 2):
        step = value.step
        if step is None or not step.inputs:
            return False
        if step.layer.type == "matmul":
            return True
        if step.layer.type not in ("affine", "shift", "add"):
            return False
        value = step.inputs[0]
    return False


def _as_input(shifted: LayerStep) -> Value:
    """Return a learned shift as a tensor of its own, which an attention reads."""
    layer = made("parameter", {"shape": shifted["shape"]})
    output = Value(shifted.held["weight"].value.name, shifted["shape"])
    output.step = LayerStep(layer, [], output, shifted.held, shifted.calls)
    return output


def _side(fuser: Fuser, value: Value) -> _Side:
    """Take the scale and the permutation off what a product reads."""
    parts: list[LayerStep] = []
    scale, order, turn = 1.0, None, None
    for _ in range(2):
        scaled = fuser.maker(value, "affine") if scale == 1 else None
        turned = fuser.maker(value, "permute") if order is None else None
        if scaled is not None and scaled["add"] == 0 and scaled["mul"] > 0:
            scale, value = scaled["mul"], scaled.inputs[0]
            parts.insert(0, scaled)
        elif turned is not None:
            order, value, turn = turned["dims"], turned.inputs[0], turned
            parts.insert(0, turned)
    return _Side(value, scale, parts, order, turn)


def _swapped(order: tuple[int, ...]) -> tuple[int, ...]:
    return (*order[:-2], order[-1], order[-2])


def _put(
    fuser: Fuser,
    parts: list[LayerStep],
    product: LayerStep,
    others: list[Value],
    scale: float,
    features_first: bool,
    new: list[LayerStep],
) -> LayerStep | None:
    """Put an attention in place of its parts, queries and keys laid out as it takes them."""
    queries, keys = (_side(fuser, value) for value in product.inputs)
    scaled = "logits"
    if (queries.scale, keys.scale) != (1.0, 1.0):
        if scale != 1:
            return None
        scale = queries.scale * keys.scale
        if keys.scale == 1:
            scaled = "queries"
        elif isclose(queries.scale, keys.scale, rel_tol=1e-3):
            scaled = "both"
        else:
            return None
    q = _laid(fuser, queries, features_first, product, new)
    k = _laid(fuser, keys, not features_first, product, new)
    inputs = [q, k, *others]
    layer = made("attention", {"scale": scale, "scaled": scaled, "features_first": features_first})
    taken = [*queries.parts, *keys.parts, *parts]
    return fuser.replace(taken, layer, inputs, new=new)


def _laid(fuser: Fuser, side: _Side, turned: bool, product: LayerStep, new: list[LayerStep]) -> Value:
    """Return queries or keys with their last two axes the other way round, or as they came to the product."""
    rank = len(side.value.shape)
    order = side.order or tuple(range(rank))
    order = _swapped(order) if turned else order
    if order == tuple(range(rank)):
        return side.value
    layer = made("permute", {"dims": order})
    output = Value("", tuple([side.value.shape[i] for i in order]), side.value.dtype)
    output.step = LayerStep(layer, [side.value], output, {}, (side.turn or product).calls)
    new.append(output.step)
    return output
