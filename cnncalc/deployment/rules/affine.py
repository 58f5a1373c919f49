"""Layers that multiply and add constants: dense layers, and batchnorms and factors, folded where they can be."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, cast

from cnncalc.deployment.axes import laid
from cnncalc.deployment.lowering import Lowering, LoweringRule, adds
from cnncalc.deployment.operators import BIAS, Constant, Operator
from cnncalc.deployment.rules.elementwise import is_clamped, only_in_float
from cnncalc.deployment.rules.windows import pads_itself, taps_of
from cnncalc.deployment.traits import MOVING
from cnncalc.deployment.unsupported import UnsupportedError
from cnncalc.layers.shapes import axis_index

if TYPE_CHECKING:
    from cnncalc.deployment.operators import DeviceTensor
    from cnncalc.graph import Node
    from cnncalc.layers.dense.linear import Linear
    from cnncalc.layers.normalization.batchnorm import BatchNorm
    from cnncalc.layers.other.affine import Affine
    from cnncalc.layers.other.shift import Shift
    from cnncalc.layers.shapes import Shape


MOST_MOVED = 4
"""Most axes, the batch's among them, of a copy's input before which a number is moved."""

OWN, SPLIT = "bias", "bias that others may take over"
"""Whether a dense layer has a bias: it has, or it depends on an order that is not known."""


def linear(low: Lowering, node: Node) -> None:
    """FULLY_CONNECTED, on the last axis: of a map, that of the channels."""
    layer = cast("Linear", node.layer)
    axis = layer.axis if layer.axis is not None else -1
    if low.order(node.inputs[0])[-1] != axis % len(node.shape):
        hint = "use 'axis: channels'"
        raise UnsupportedError(node, "FULLY_CONNECTED works only on the channels, which come last there", hint)
    (flow,) = low.as_they_lie(node)
    owner = node.shares or node
    shape = (*flow.shape[:-1], layer.out_features) if layer.axis is not None else (layer.out_features,)
    weight = low.weight(prod(node.use.weights["weight"].shape), layer.out_features, owner, True)
    operator = low.emit("FULLY_CONNECTED", node, [flow], weight, shape=shape)
    operator.macs = node.macs()
    if _biases(low)[node] == SPLIT:
        operator.doubt = "dense layers after it may take over its bias, and an ADD may add it for others"
    if layer.bias and has_bias(low, node):
        operator.constants.append(low.bias(layer.out_features, owner, True))
    low.takes_ahead(node, operator)


def affine(low: Lowering, node: Node) -> None:
    """Part of the weights before it, or of the layers after it; else MUL, and ADD or SUB, with a tensor each."""
    if _folds_back(low, node):
        return
    if _folds_ahead(low, node, low.values[node.inputs[0]]):
        low.values[node] = low.values[node.inputs[0]]
        return
    if _joins(low, node):
        return
    flow = low.as_they_lie(node)[0]
    terms = _terms(low, node)
    for number, (code, constant, shape) in enumerate(terms, 1):
        name = "" if number == len(terms) else f"{node.name} (factor)"
        operator = low.emit(code, node, [flow], constant, name=name)
        flow = operator.output
        if code == "ADD":
            low.summands[operator] = shape


def fixed(low: Lowering, node: Node) -> None:
    """As other constants; ``c - x`` is a SUB that nothing absorbs, and ``-x`` is NEG, in float32."""
    layer = _affine(node)
    if layer.mul != -1:
        affine(low, node)
    elif layer.add == 0:
        only_in_float("NEG")(low, node)
    else:
        (tensor,) = node.inputs
        low.emit("SUB", node, [low.without_height(node, tensor, low.values[tensor])], low.number(layer.add))


def hardsigmoid(low: Lowering, node: Node) -> None:
    """``relu6(x + 3) / 6``: the shift joins a bias, the clamp is fused, the factor joins the weights after it; nothing
    if it is only a part of hardswishes.
    """
    if not low.is_read(node):
        low.values[node] = low.values[node.inputs[0]]
        return
    operator = low.feeder(node)
    (flow,) = low.as_they_lie(node)
    if operator is not None and operator.takes_factors:
        low.folds(node, operator)
    elif operator in low.summands and operator.activation is None:
        low.joins(node, operator)
    else:
        operator = low.emit("ADD", node, [flow], low.number(3), name=f"{node.name} (shifted)")
    operator.activation = "RELU6"
    if not _folds_ahead(low, node, operator.output):
        low.emit("MUL", node, [operator.output], low.number(1 / 6))


def _terms(low: Lowering, node: Node) -> list[tuple[str, Constant, Shape]]:
    """Return what a layer multiplies with, and then adds, with the constants' shapes, channels last.

    A sum over a map takes over the bias of the layer before it.
    """
    shape = laid(_shape(node), low.order(node))
    if node.layer.type == "hardsigmoid":
        return [("MUL", low.number(1 / 6), shape)]
    if node.layer.type == "affine":
        layer = _affine(node)
        terms = [("MUL", layer.mul)] if layer.mul != 1 else []
        terms += [("ADD" if layer.add > 0 else "SUB", abs(layer.add))] if layer.add else []
        return [(code, low.number(value), shape) for code, value in terms]
    before = low.feeder(node)
    if before is not None and before.takes_factors and _spreads(low, node):
        if node.layer.type != "shift":
            raise UnsupportedError(node, "factors for each position, right after a convolution, are not verified")
        if not _is_continued(low, node):
            shape = _without_bias(low, before, shape)
    codes = ["MUL"] * (node.layer.type != "shift") + ["ADD"] * adds(node)
    return [(code, low.factors(prod(shape), (code, node.shares or node)), shape) for code in codes]


def _affine(node: Node) -> Affine:
    return cast("Affine", node.layer)


def _only_adds(node: Node) -> bool:
    """Whether a layer is an ADD of a constant."""
    return node.layer.type == "shift" or (
        node.layer.type == "affine" and _affine(node).mul == 1 and _affine(node).add > 0
    )


def _joins(low: Lowering, node: Node) -> bool:
    """Join a summand with that of the ADD before it, which feeds this layer alone; return whether that was possible."""
    before = low.feeder(node)
    if before not in low.summands or before.activation or not _only_adds(node):
        return False
    mine, other = laid(_shape(node), low.order(node)), low.summands[before]
    shape = low.summands[before] = tuple([max(sizes) for sizes in zip(mine, other, strict=True)])
    (constant,) = before.constants
    before.constants = [low.factors(prod(shape), ("joined", constant.same, node.shares or node))]
    low.joins(node, before)
    return True


def _shape(node: Node) -> Shape:
    """Return the shape of a layer's constants, as long as the layer's; 1 where they are stretched."""
    if node.layer.type in ("affine", "hardsigmoid"):
        return (1,) * len(node.shape)
    chosen = cast("Shift", node.layer).shape if node.layer.type in ("scale", "shift") else None
    if chosen is not None:
        return chosen
    channels = axis_index(cast("BatchNorm", node.layer).axis, node.shape) if node.layer.type == "batchnorm" else 0
    return tuple([size if axis == channels else 1 for axis, size in enumerate(node.shape)])


def _spreads(low: Lowering, node: Node) -> bool:
    """Whether a layer's constants differ along other axes than the last one on the device."""
    return any(size != 1 for axis, size in enumerate(_shape(node)) if axis != low.order(node)[-1])


def _is_single(node: Node) -> bool:
    """Whether each of a layer's constants is one number."""
    return prod(_shape(node)) == 1


def _is_continued(low: Lowering, node: Node) -> bool:
    """Whether a clamp or another summand joins the sum, so that the converter moves no bias into it."""
    reader = low.sole_reader(node)
    return reader is not None and (reader.layer.type in ("relu", "relu6") or _only_adds(reader))


def _without_bias(low: Lowering, before: Operator, shape: Shape) -> Shape:
    """Move an operator's bias into the sum after it; return the sum's shape, that of both."""
    biases = [one for one in before.constants if one.part == BIAS]
    others = [one for one in before.constants if one.part != BIAS]
    if not biases:
        return shape
    before.constants = others if before.code == "FULLY_CONNECTED" else [*others, low.bias(biases[0].elements, None)]
    return shape if biases[0].same[0] == "zeros" else (*shape[:-1], before.output.shape[-1])


def _folds_back(low: Lowering, node: Node) -> bool:
    """Fold a layer into the convolution or dense layer that alone feeds it, perhaps before copies; return whether that
    was possible.
    """
    operator = low.before_copies(node.inputs[0], whole=_is_single(node))
    if operator is None or not operator.takes_factors or low.feeder(node) is None or _spreads(low, node):
        return False
    shifted = adds(node) and (operator.code != "FULLY_CONNECTED" or has_bias(low, operator.layers[0]))
    low.values[node] = low.values[node.inputs[0]]
    low.folds(node, operator, shifted)
    return True


def _folds_ahead(low: Lowering, node: Node, flow: DeviceTensor) -> bool:
    """Fold a layer's constants, of a tensor, into the layers after it that take them in; return whether these are
    all that read it.  A single number moves before a copy of at most :data:`MOST_MOVED` axes instead.
    """
    if low.takers is None:
        low.takers = _takers(low)
    takers, are_all = low.takers.get(node, ([], False))
    before = low.feeder(node)
    if len(node.shape) == 2 and any(taker.layer.type == "conv" for taker in takers):
        (read,) = low.as_they_lie(node)
        if len(read.shape) == 2:
            return False  # a map of one axis gets a height first
    moves = before is not None and before.code in MOVING and len(before.inputs[0].shape) < MOST_MOVED
    if moves and _is_single(node) and len(_terms(low, node)) == 1 and takers == low.only_readers(node):
        return False
    low.folds_ahead(node, flow, takers)
    return are_all


def _takers(low: Lowering) -> dict[Node, tuple[list[Node], bool]]:
    """Return, by batchnorm or constant, the layers that take it in, perhaps behind others of these, and whether these
    are all that read it.

    A dense layer takes in constants of each channel, and sums if it has a bias; a convolution takes in single numbers,
    and sums if it pads nothing.
    """
    found: dict[Node, tuple[list[Node], bool]] = {}
    for node in reversed(low.nodes):
        if node.layer.type not in RULES or node.layer.type == "linear" or _is_reversed(node) or _spreads(low, node):
            continue
        readers, is_output = low.beyond(node)
        behind = [found.get(reader, ([reader], True)) for reader in readers]
        low.weigh(sum([len(some) for some, _ in behind]) if len(behind) > 1 else 0)
        flat = [taker for some, _ in behind for taker in some] if len(behind) != 1 else behind[0][0]
        takers = [taker for taker in flat if _takes_in(low, node, taker)]
        are_all = bool(takers) and not is_output and len(takers) == len(flat) and all(whole for _, whole in behind)
        if takers:
            found[node] = flat if len(takers) == len(flat) else takers, are_all
    return found


def _is_reversed(node: Node) -> bool:
    """Whether a layer is ``c - x``."""
    return node.layer.type == "affine" and _affine(node).mul == -1


def _takes_in(low: Lowering, node: Node, reader: Node) -> bool:
    """Whether a layer can take in the constants of one before it."""
    if reader.shares is not None:
        return False
    if reader.layer.type == "linear":
        return not adds(node) or has_bias(low, reader)
    if reader.layer.type != "conv" or not _is_single(node) or len(node.shape) == 1:
        return False
    return pads_itself(reader) and not (adds(node) and any(map(sum, taps_of(reader).pads)))


def has_bias(low: Lowering, node: Node) -> bool:
    """Whether a dense layer has a bias in the file."""
    return bool(_biases(low)[node])


def _biases(low: Lowering) -> dict[Node, str]:
    """Return, by dense layer, whether it has a bias in the file: "", :data:`OWN` or :data:`SPLIT`.

    The one that is written, or that a batchnorm or a hardsigmoid gives it, becomes part of those of the dense layers
    that follow at once, if all that reads it are dense layers with a bias, and not all of these are clamped; of a
    chain, the last has its bias, and every second before it.
    """
    if low.biases is not None:
        return low.biases
    found = low.biases = {}
    for node in reversed(low.nodes):
        if node.layer.type != "linear":
            continue
        behind = low.sole_reader(node)
        normed = behind is not None and behind.layer.type in RULES and adds(behind) and not _spreads(low, behind)
        shifted = behind is not None and behind.layer.type == "hardsigmoid"
        readers, is_output = low.beyond(behind if normed and behind is not None else node)
        takers = [reader for reader in readers if found.get(reader)]
        apart = normed and behind is not None and behind.layer.type != "batchnorm"
        are_open = apart or not all(is_clamped(low, taker) for taker in takers)
        passed_on = takers and len(takers) == len(readers) and are_open and not is_output
        given = cast("Linear", node.layer).bias or normed or shifted
        found[node] = (SPLIT if takers and are_open else OWN) if given and not passed_on else ""
    return found


RULES: dict[str, LoweringRule] = {
    "linear": linear,
    "batchnorm": affine,
    "scale": affine,
    "shift": affine,
    "affine": fixed,
    "hardsigmoid": hardsigmoid,
}
