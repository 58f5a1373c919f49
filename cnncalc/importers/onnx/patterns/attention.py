"""Attention that a file writes as several operators: two matrix products with a softmax between them.

Keys are transposed, by a permutation of their own or as a part of another one.  The scale multiplies the logits, the
queries, or, as its root, queries and keys (PyTorch's ``scaled_dot_product_attention``).  Biases and masks are added to
the logits, also one for each row and one for each column of a map (MViT v2).  A learned temperature for each head may
take the place of the scale (Swin v2, XCiT).  A choice between the logits and a number is a mask.  Where each window has
its own mask (Swin), the windows, which are samples, become an axis of queries, keys and values, and samples again
behind the attention.  Einstein sums may stand in place of the products.  With any other layer in between, the layers
are not replaced.
"""

from __future__ import annotations

from math import isclose, prod
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.importers.onnx.patterns.fuser import as_parameter, is_in_order, is_plain, is_whole
from cnncalc.importers.onnx.patterns.products import PRODUCTS, Weighted, multiplied, swapped, weighted
from cnncalc.importers.onnx.steps import layer_of
from cnncalc.importers.onnx.values import LayerStep, Value

if TYPE_CHECKING:
    from cnncalc.importers.onnx.patterns.fuser import Fuser
    from cnncalc.importers.onnx.values import Call
    from cnncalc.layers.base import Layer
    from cnncalc.layers.shapes import Shape

MOST_BIASES = 2


class _Side(NamedTuple):
    """Queries or keys before they are scaled and permuted.

    Attributes:
        value: the queries or keys.
        scale: the number that they are multiplied by.
        parts: the layers that scale and permute them.
        order: the permutation of their axes.
        turn: the layer that permutes them, or None.
    """

    value: Value
    scale: float
    parts: list[LayerStep]
    order: tuple[int, ...]
    turn: LayerStep | None


class _Logits:
    """The layers from the product of queries and keys to the softmax.

    Attributes:
        product: the product; None if there is none, or other layers stand in between.
        parts: the layers in between.
        scale: the number that the product is multiplied by.
        temperature: the tensor that it is multiplied by, or None.
        biases: the tensors that are added to it.
        windows: how many windows of a sample have their own mask; 0 if none have.
        mask: a mask of the logits, or None.
        arguments: the attention's arguments that say how it masks, and that biases are scaled.
    """

    def __init__(self) -> None:
        self.product: LayerStep | None = None
        self.parts: list[LayerStep] = []
        self.scale = 1.0
        self.temperature: Value | None = None
        self.biases: list[Value] = []
        self.windows = 0
        self.mask: Value | None = None
        self.arguments: dict[str, object] = {}


def attention(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """softmax(scale · q·kᵀ + biases) · v, or with the features first v · softmax(…)ᵀ."""
    found = weighted(fuser, step)
    if found is None or found.normal["axis"] not in (-1, len(found.normal.output.shape) - 1):
        return None
    new: list[LayerStep] = []
    logits = _logits(fuser, found.normal, new)
    if logits.product is None or len(logits.product.output.shape) < 2:
        return None
    logits.parts += found.parts
    return _put(fuser, logits, logits.product, found, new)


def _logits(fuser: Fuser, normal: LayerStep, new: list[LayerStep]) -> _Logits:
    """Return the layers before a softmax; a learned bias or temperature becomes a layer of its own, in ``new``."""
    found = _Logits()
    value, is_split = normal.inputs[0], False
    whole: Value | None = None  # the logits, whose positions are rows and columns while their biases are added
    while True:
        before = _maker(fuser, value)
        if before is None:
            return found
        kind, source = before.layer.type, before.inputs[0]
        if kind in PRODUCTS:
            if not is_split and whole is None:
                found.product, found.parts = before, [before, *found.parts]
            return found
        if kind == "affine" and before["add"] == 0 and before["mul"] > 0 and found.temperature is None:
            if found.biases and (found.scale != 1 or fuser.maker(source, *PRODUCTS) is None):
                return found
            found.scale *= before["mul"]
        elif kind == "where" and found.mask is None and not found.biases and whole is None and not is_split:
            source = _unmasked(found, before)
            if source.shape != value.shape:
                return found
        elif kind == "scale" and is_whole(before) and fuser.maker(source, *PRODUCTS) is not None:
            found.temperature, made_here = as_parameter(before)
            new.append(made_here)
        elif kind == "reshape" and is_plain(before):
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
        elif len(found.biases) + (found.mask is not None) == MOST_BIASES or found.temperature is not None:
            return found
        elif kind == "shift" and is_whole(before) and whole is None:
            bias, made_here = as_parameter(before)
            found.biases.insert(0, bias)
            new.append(made_here)
        elif kind == "add" and len(before.inputs) == 2:
            first = _leads_to_a_product(source)
            source, bias = before.inputs if first else before.inputs[::-1]
            found.biases.insert(0, bias if whole is None else _stretched(bias, value, whole, before, new))
        else:
            return found
        if kind in ("shift", "add") and found.scale != 1:
            found.arguments["scaled"] = "sum"
        found.parts.insert(0, before)
        value = source


def _unmasked(found: _Logits, choice: LayerStep) -> Value:
    """Return the logits before a mask gives some of them a number, and set the mask; the condition if there is none."""
    mask, source = choice.inputs[0], choice.inputs[-1]
    for number, kind in ((choice["then"], "drop"), (choice["otherwise"], "keep")):
        if number is not None and number < 0 and len(choice.inputs) == 2:
            found.mask = mask
            found.arguments |= {"mask": kind, "fill": float(f"{number * found.scale:.7g}")}
            return source
    return mask


def _stretched(bias: Value, apart: Value, whole: Value, add: LayerStep, new: list[LayerStep]) -> Value:
    """Return a bias of rows or of columns, expanded to every position and reshaped as the logits are."""
    for kind, shape in (("expand", apart.shape), ("reshape", whole.shape)):
        bias = _output(layer_of(kind, {"shape": shape}), [bias], bias, shape, add.calls, new)
    return bias


def _output(
    layer: Layer, inputs: list[Value], like: Value, shape: Shape, calls: list[Call], new: list[LayerStep],
    windows: int = 1,
) -> Value:  # fmt: skip
    """Append a layer to ``new`` and return its output, with the batch of another value.

    Args:
        layer: the layer.
        inputs: the values that it reads.
        like: a value with the same element type and batch axis.
        shape: the output's shape.
        calls: the operators that the layer stands for.
        new: the layers so far.
        windows: how many arrays of ``like`` are one array of the output.
    """
    output = Value("", shape, like.dtype)
    output.axis, output.times = like.axis, like.times // windows
    new.append(LayerStep(layer, inputs, output, {}, calls))
    return output


def _maker(fuser: Fuser, value: Value) -> LayerStep | None:
    """Return the layer of any type that computes a value, if nothing else reads it and it has an input; else None."""
    step = value.step
    return fuser.maker(value, step.layer.type) if step is not None and step.inputs else None


def _leads_to_a_product(value: Value) -> bool:
    """Whether a summand is the logits, and not a bias of them."""
    for _ in range(MOST_BIASES + 4):
        step = value.step
        if step is None or not step.inputs:
            return False
        if step.layer.type in PRODUCTS:
            return True
        if step.layer.type not in ("affine", "scale", "shift", "add", "reshape"):
            return False
        value = step.inputs[0]
    return False


def _side(fuser: Fuser, value: Value, last: tuple[int, ...]) -> _Side:
    """Return an input of the product, which is permuted there once more, without its scale and its permutation."""
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
            order, value, turn = swapped(tuple(range(rank))), apart[0].inputs[0], apart[1]
            parts[:0] = apart
    return _Side(value, scale, parts, _of(order, last), turn)


def _transposed_apart(fuser: Fuser, value: Value) -> list[LayerStep]:
    """Return the layers that transpose each head as a sample of its own, as PyTorch's exporter does; else nothing."""
    found = fuser.chain(value, "reshape", "permute", "reshape")
    if found is None or found[1]["dims"] != (1, 0):
        return []
    joined, turned, split = found
    source = split.inputs[0]
    is_whole = split["fold"] == joined["unfold"] == prod(source.shape[:-2]) and source.times == value.times
    is_same = source.shape[-2:] == split.output.shape and value.shape == swapped(source.shape)
    return [split, turned, joined] if is_whole and is_same and split["unfold"] == joined["fold"] == 1 else []


def _put(
    fuser: Fuser, logits: _Logits, product: LayerStep, weighted: Weighted, new: list[LayerStep]
) -> LayerStep | None:
    """Replace the layers by an attention, with queries, keys and values permuted as it takes them."""
    factors = multiplied(product)
    if factors is None:
        return None
    features_first = weighted.features_first
    queries, keys = [_side(fuser, value, order) for value, order in factors]
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
    q = _laid(queries, features_first, product, new)
    k = _laid(keys, not features_first, product, new)
    values = _Side(weighted.values, 1.0, [], weighted.order, None)
    turned = None if is_in_order(weighted.order) else fuser.maker(weighted.values, "permute")
    if turned is not None:
        values = _Side(turned.inputs[0], 1.0, [turned], _of(turned["dims"], weighted.order), turned)
    v = _laid(values, False, product, new)
    width = q.sample[-2 if features_first else -1]
    if scale is not None:
        scale = None if isclose(scale, width**-0.5, rel_tol=1e-6) else float(f"{scale:.7g}")
    extra = [value for value in (logits.temperature, *logits.biases, logits.mask) if value is not None]
    arguments = {"scaled": scaled, "features_first": features_first, **logits.arguments}
    layer = layer_of("attention", arguments | ({} if scale is None else {"scale": scale}))
    taken = [*queries.parts, *keys.parts, *values.parts, *logits.parts]
    return _placed(fuser, layer, [q, k, v, *extra], taken, logits.windows, weighted.out, new)


def _placed(
    fuser: Fuser, layer: Layer, inputs: list[Value], taken: list[LayerStep], windows: int, out: tuple[int, ...],
    new: list[LayerStep],
) -> LayerStep | None:  # fmt: skip
    """Replace layers by an attention, and by what gives its output the place of theirs.

    Args:
        fuser: the layers.
        layer: the attention.
        inputs: what it reads.
        taken: the layers that it replaces.
        windows: how many windows of a sample have their own mask, or 0.
        out: the permutation of its output.
        new: layers in front of it.
    """
    y, calls = taken[-1].output, [call for part in taken for call in part.calls]
    if not windows:
        if is_in_order(out):
            return fuser.replace(taken, layer, inputs, new=new)
        shape = tuple([y.shape[out.index(i)] for i in range(len(out))])
        return fuser.replace(
            taken, layer_of("permute", {"dims": out}), [_output(layer, inputs, y, shape, calls, new)], new=new
        )
    if not is_in_order(out):
        return None
    apart = []
    for value in inputs[:3]:  # the windows of a sample become an axis
        shape = (windows, *value.shape)
        unfolded = layer_of("reshape", {"shape": shape, "unfold": windows})
        apart.append(_output(unfolded, [value], value, shape, taken[0].calls, new, windows))
    whole = _output(layer, [*apart, *inputs[3:]], y, (windows, *y.shape), calls, new, windows)
    return fuser.replace(taken, layer_of("reshape", {"shape": y.shape, "fold": windows}), [whole], new=new)


def _of(first: tuple[int, ...] | None, then: tuple[int, ...]) -> tuple[int, ...]:
    """Return two permutations, one after the other, as one."""
    return then if first is None else tuple([first[i] for i in then])


def _laid(side: _Side, turned: bool, product: LayerStep, new: list[LayerStep]) -> Value:
    """Return queries or keys as they came to the product, or with their last two axes exchanged."""
    order = swapped(side.order) if turned else side.order
    if is_in_order(order):
        return side.value
    shape = tuple([side.value.shape[i] for i in order])
    calls = (side.turn or product).calls
    return _output(layer_of("permute", {"dims": order}), [side.value], side.value, shape, calls, new)
