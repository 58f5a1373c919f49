"""Attention by its primitives: two matrix products with a softmax between them, as exporters write it.

Keys come transposed, by a permutation of their own or of a larger one; the scale is at the logits, the queries, or by
its root at both sides (PyTorch's exporter of ``scaled_dot_product_attention``); biases and masks are added to the
logits, also one for each row and one for each column of a map (MViT v2).  A temperature that is learned for each head
stands in place of the scale (Swin v2, XCiT).  Where each window has a mask of its own (Swin), the windows that were
samples become an axis of queries, keys and values, and samples again behind the attention.  What a network does in
between that is not one of these stays as it is.
"""

from __future__ import annotations

from math import isclose, prod
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.importers.onnx.steps import made
from cnncalc.importers.onnx.values import LayerStep, Value

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


class _Logits:
    """What stands between the product of queries and keys and the softmax.

    Attributes:
        product: the product; None if something else is found.
        parts: the steps between the two.
        scale: what the product is multiplied by.
        temperature: what it is multiplied by that is no number, or None.
        biases: what is added.
        windows: how many of a sample have a mask each; 0 where they have none.
    """

    def __init__(self) -> None:
        self.product: LayerStep | None = None
        self.parts: list[LayerStep] = []
        self.scale = 1.0
        self.temperature: Value | None = None
        self.biases: list[Value] = []
        self.windows = 0


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
    logits = _logits(fuser, normal, new)
    product = logits.product
    if product is None or product["transpose_a"] or product["transpose_b"] or len(product.output.shape) < 2:
        return None
    logits.parts += [normal, *([flipped] if flipped is not None else []), step]
    return _put(fuser, logits, product, values, flipped is not None, new)


def _logits(fuser: Fuser, normal: LayerStep, new: list[LayerStep]) -> _Logits:
    """Return what stands before a softmax.

    A bias or a temperature that is learned becomes a step of its own, in ``new``.
    """
    found = _Logits()
    value, is_split = normal.inputs[0], False
    whole: Value | None = None  # the logits, whose positions are rows and columns while their biases are added
    while True:
        before = _maker(fuser, value)
        if before is None:
            return found
        kind, source = before.layer.type, before.inputs[0]
        if kind == "matmul":
            if not is_split and whole is None:
                found.product, found.parts = before, [before, *found.parts]
            return found
        if kind == "affine" and before["add"] == 0 and before["mul"] > 0 and found.temperature is None:
            found.scale *= before["mul"]
            if fuser.maker(source, "matmul") is None:
                return found
        elif kind == "scale" and _is_whole(before) and fuser.maker(source, "matmul") is not None:
            found.temperature = _as_input(before)
            new += _makers(found.temperature)
        elif kind == "reshape" and before["fold"] == before["unfold"] == 1:
            if whole is not None and source.shape != whole.shape:
                return found
            whole = value if whole is None else None
        elif kind == "reshape" and not found.windows and before["fold"] > 1:
            found.windows, is_split = before["fold"], True
            if source.shape != (found.windows, *value.shape):
                return found
        elif kind == "reshape" and is_split and before["unfold"] == found.windows:
            is_split = False
            if value.shape != (found.windows, *source.shape):
                return found
        elif len(found.biases) == MOST_BIASES:
            return found
        elif kind == "shift" and _is_whole(before) and whole is None:
            found.biases.insert(0, _as_input(before))
            new += _makers(found.biases[0])
        elif kind == "add" and len(before.inputs) == 2:
            first = _leads_to_a_product(fuser, source)
            source, bias = before.inputs if first else before.inputs[::-1]
            found.biases.insert(0, bias if whole is None else _stretched(bias, value, whole, before, new))
        else:
            return found
        found.parts.insert(0, before)
        value = source


def _stretched(bias: Value, apart: Value, whole: Value, add: LayerStep, new: list[LayerStep]) -> Value:
    """Return a bias of rows or of columns for every position; the stretched copy has the logits' elements."""
    for kind, shape in (("expand", apart.shape), ("reshape", whole.shape)):
        output = Value("", shape, bias.dtype)
        output.axis, output.times = bias.axis, bias.times
        output.step = LayerStep(made(kind, {"shape": shape}), [bias], output, {}, add.calls)
        new.append(output.step)
        bias = output
    return bias


def _maker(fuser: Fuser, value: Value) -> LayerStep | None:
    """Return what makes a value that nothing else reads, whatever it is; None for what has no input."""
    step = value.step
    return fuser.maker(value, step.layer.type) if step is not None and step.inputs else None


def _is_whole(step: LayerStep) -> bool:
    """Whether the tensor of a scale or a shift has as many axes as what it is for."""
    return len(step["shape"] or ()) == len(step.output.shape)


def _makers(value: Value) -> list[LayerStep]:
    return [value.step] if value.step is not None else []


def _leads_to_a_product(fuser: Fuser, value: Value) -> bool:
    """Whether a summand are the logits, and not what is added to them."""
    for _ in range(MOST_BIASES + 4):
        step = value.step
        if step is None or not step.inputs:
            return False
        if step.layer.type == "matmul":
            return True
        if step.layer.type not in ("affine", "scale", "shift", "add", "reshape"):
            return False
        value = step.inputs[0]
    return False


def _as_input(shifted: LayerStep) -> Value:
    """Return a learned shift or scale as a tensor of its own, which an attention reads."""
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
        apart = _transposed_apart(fuser, value) if order is None else []
        if scaled is not None and scaled["add"] == 0 and scaled["mul"] > 0:
            scale, value = scaled["mul"], scaled.inputs[0]
            parts.insert(0, scaled)
        elif turned is not None:
            order, value, turn = turned["dims"], turned.inputs[0], turned
            parts.insert(0, turned)
        elif apart:
            rank = len(value.shape)
            order, value, turn = _swapped(tuple(range(rank))), apart[0].inputs[0], apart[1]
            parts[:0] = apart
    return _Side(value, scale, parts, order, turn)


def _transposed_apart(fuser: Fuser, value: Value) -> list[LayerStep]:
    """Return the steps that transpose each head as a sample of its own, as PyTorch's exporter writes it for keys."""
    joined = fuser.maker(value, "reshape")
    turned = fuser.maker(joined.inputs[0], "permute") if joined is not None else None
    split = fuser.maker(turned.inputs[0], "reshape") if turned is not None else None
    if joined is None or turned is None or split is None or turned["dims"] != (1, 0):
        return []
    source = split.inputs[0]
    is_whole = split["fold"] == joined["unfold"] == prod(source.shape[:-2]) and source.times == value.times
    is_same = source.shape[-2:] == split.output.shape and value.shape == _swapped(source.shape)
    return [split, turned, joined] if is_whole and is_same and split["unfold"] == joined["fold"] == 1 else []


def _swapped(order: tuple[int, ...]) -> tuple[int, ...]:
    return (*order[:-2], order[-1], order[-2])


def _put(
    fuser: Fuser, logits: _Logits, product: LayerStep, values: Value, features_first: bool, new: list[LayerStep]
) -> LayerStep | None:
    """Put an attention in place of its parts, queries and keys laid out as it takes them."""
    queries, keys = (_side(fuser, value) for value in product.inputs)
    scale: float | None = logits.scale
    scaled = "logits"
    if logits.temperature is not None:
        scale, scaled = None, "input"
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
    width = q.sample[-2 if features_first else -1]
    if scale is not None:
        scale = None if isclose(scale, width**-0.5, rel_tol=1e-6) else float(f"{scale:.7g}")
    others = [*([] if logits.temperature is None else [logits.temperature]), *logits.biases]
    arguments = {"scaled": scaled, "features_first": features_first} | ({} if scale is None else {"scale": scale})
    layer = made("attention", arguments)
    taken = [*queries.parts, *keys.parts, *logits.parts]
    if not logits.windows:
        return fuser.replace(taken, layer, [q, k, values, *others], new=new)
    calls = [call for part in taken for call in part.calls]
    sides = [_split(value, logits.windows, product, new) for value in (q, k, values)]
    last = taken[-1]
    whole = Value("", (logits.windows, *last.output.shape), last.output.dtype)
    whole.axis, whole.times = last.output.axis, last.output.times // logits.windows
    whole.step = LayerStep(layer, [*sides, *others], whole, {}, calls)
    new.append(whole.step)
    folded = made("reshape", {"shape": last.output.shape, "fold": logits.windows})
    return fuser.replace(taken, folded, [whole], new=new)


def _split(value: Value, windows: int, product: LayerStep, new: list[LayerStep]) -> Value:
    """Return a value of which the windows are an axis, and no samples of their own."""
    output = Value("", (windows, *value.shape), value.dtype)
    output.axis, output.times = value.axis, value.times // windows
    output.step = LayerStep(
        made("reshape", {"shape": output.shape, "unfold": windows}), [value], output, {}, product.calls
    )
    new.append(output.step)
    return output


def _laid(fuser: Fuser, side: _Side, turned: bool, product: LayerStep, new: list[LayerStep]) -> Value:
    """Return queries or keys with their last two axes the other way round, or as they came to the product."""
    rank = len(side.value.shape)
    order = side.order or tuple(range(rank))
    order = _swapped(order) if turned else order
    if order == tuple(range(rank)):
        return side.value
    layer = made("permute", {"dims": order})
    output = Value("", tuple([side.value.shape[i] for i in order]), side.value.dtype)
    output.axis, output.times = side.value.axis, side.value.times
    output.step = LayerStep(layer, [side.value], output, {}, (side.turn or product).calls)
    new.append(output.step)
    return output
