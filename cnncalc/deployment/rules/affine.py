"""Layers that multiply and add constants: dense layers, and batchnorms and factors, folded where they can be."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, cast

from cnncalc.deployment.lowering import FOLDABLE, Lowering, LoweringRule, adds, refusal
from cnncalc.deployment.rules.windows import pads_itself, taps_of

if TYPE_CHECKING:
    from cnncalc.graph import Node
    from cnncalc.layers.dense.linear import Linear


def linear(low: Lowering, node: Node) -> None:
    """FULLY_CONNECTED, on the last axis: of a map, that of the channels."""
    layer = cast("Linear", node.layer)
    if layer.axis is not None and layer.axis % len(node.shape) != 0:
        raise refusal(node, "FULLY_CONNECTED works only on the channels, which come last there", "use 'axis: channels'")
    (flow,) = low.of(node)
    owner = node.shares or node
    shape = (*flow.shape[:-1], layer.out_features) if layer.axis is not None else (layer.out_features,)
    weight = low.weight(prod(node.use.weights["weight"].shape), layer.out_features, owner, True)
    operator = low.emit("FULLY_CONNECTED", node, [flow], shape, weight)
    operator.macs = node.macs()
    if layer.bias and has_bias(low, node):
        operator.constants.append(low.bias(layer.out_features, owner, True))
    for folded in low.ahead.get(node, ()):
        low.folds(folded, operator, adds(folded))


def affine(low: Lowering, node: Node) -> None:
    """Part of the weights before it, or of the layers after it; else MUL, and ADD if it shifts, with a tensor each."""
    if _folds_back(low, node) or _folds_ahead(low, node):
        return
    flow = low.of(node)[0]
    for code in ("MUL", "ADD") if adds(node) else ("MUL",):
        name = f"{node.name} (factor)" if code == "MUL" and adds(node) else ""
        factors = low.factors(node.shape[0], (code, node.shares or node))
        flow = low.emit(code, node, [flow], flow.shape, factors, name=name).output


def _folds_back(low: Lowering, node: Node) -> bool:
    """Fold a layer into the convolution or dense layer that alone feeds it; return whether that was possible."""
    operator = low.producer(node.inputs[0])
    if operator is None or operator.code not in FOLDABLE or operator.activation is not None:
        return False
    if low.sole_reader(node.inputs[0]) is None:
        return False
    shifted = adds(node) and (operator.code != "FULLY_CONNECTED" or has_bias(low, operator.layers[0]))
    low.folds(node, operator, shifted)
    return True


def _folds_ahead(low: Lowering, node: Node) -> bool:
    """Fold a layer into the layers that alone read it: dense layers, and convolutions of a single channel."""
    if low.before_dense is None:
        low.before_dense = _before_dense(low)
    readers = low.before_dense.get(node, [])
    if adds(node) and not all(has_bias(low, reader) for reader in readers):
        return False
    readers = readers or _windows_on_one_channel(low, node)
    low.folds_ahead(node, readers)
    return bool(readers)


def _windows_on_one_channel(low: Lowering, node: Node) -> list[Node]:
    """Return the convolutions that alone read a map of one channel, without padding if the map is shifted."""
    (flow,) = low.of(node)
    readers = low.all_readers(node) if flow.shape[-1] == 1 and len(flow.shape) > 1 else []
    for reader in readers:
        if reader.layer.type != "conv" or reader.shares is not None or not pads_itself(reader, flow):
            return []
        if adds(node) and any(map(sum, taps_of(reader).pads)):
            return []
    return readers


def _before_dense(low: Lowering) -> dict[Node, list[Node]]:
    """Return, by batchnorm or factor, the dense layers that alone read it, directly or through others of these."""
    found: dict[Node, list[Node]] = {}
    for node in reversed(low.nodes):
        if node.layer.type not in ("batchnorm", "scale"):
            continue
        readers = low.all_readers(node)
        if not all(reader in found or (reader.layer.type == "linear" and reader.shares is None) for reader in readers):
            continue
        dense = [found.get(reader, [reader]) for reader in readers]
        if len(dense) == 1:
            found[node] = dense[0]
        elif dense:
            low.weigh(sum([len(some) for some in dense]))
            found[node] = [one for some in dense for one in some]
    return found


def has_bias(low: Lowering, node: Node) -> bool:
    """Whether a dense layer has a bias in the file.

    The one that is written, or that a batchnorm or a hardsigmoid gives it, becomes part of the next one's where a
    dense layer with a bias of its own follows at once; of a chain, the last has its bias, and every second before it.
    """
    chain: list[Node] = []
    waiting: Node | None = node
    while waiting is not None and waiting.layer.type == "linear" and waiting not in low.biased:
        behind = low.sole_reader(waiting)
        normed = behind is not None and behind.layer.type == "batchnorm"
        shifted = behind is not None and behind.layer.type == "hardsigmoid"
        layer = cast("Linear", waiting.layer)
        if not (layer.bias or normed or shifted):
            break
        chain.append(waiting)
        waiting = low.sole_reader(behind) if normed and behind is not None else behind
    biased = waiting is not None and low.biased.get(waiting, False)
    for one in reversed(chain):
        low.biased[one] = biased = not biased
    return low.biased.get(node, False)


RULES: dict[str, LoweringRule] = {"linear": linear, "batchnorm": affine, "scale": affine}
