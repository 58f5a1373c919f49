"""Products of tensors: BATCH_MATMUL, and attention, which is two of them with a softmax in between."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, cast

from cnncalc.deployment.axes import rows_last
from cnncalc.deployment.lowering import Lowering, LoweringRule
from cnncalc.deployment.unsupported import UnsupportedError

if TYPE_CHECKING:
    from cnncalc.deployment.axes import Order
    from cnncalc.deployment.operators import DeviceTensor
    from cnncalc.graph import Node, Tensor
    from cnncalc.layers.matrix.attention import Attention
    from cnncalc.layers.matrix.matmul import Matmul


def attention(low: Lowering, node: Node) -> None:
    """BATCH_MATMUL of queries and keys, MUL by the scale, ADD of biases, SOFTMAX, BATCH_MATMUL with the values."""
    layer, rank = cast("Attention", node.layer), len(node.shape)
    if layer.mask != "none" or layer.scaled not in ("logits", "queries", "both"):
        raise UnsupportedError(node, "attention with a mask, or scaled otherwise than by one number, is not verified")
    if any(len(tensor.shape) != rank for tensor in node.inputs) or any(map(low.is_constant, node.inputs[:3])):
        raise UnsupportedError(node, "attention to constants, or of different numbers of axes, is not verified")
    q, k, v = [_turned(low, node, one, rows_last(rank, layer.features_first)) for one in node.inputs[:3]]
    biases = [_turned(low, node, one, tuple(range(rank))) for one in node.inputs[3:]]
    scale = 1 / sqrt(q.shape[-1]) if layer.scale is None else layer.scale
    if layer.scaled in ("queries", "both"):
        q = _scaled(low, node, q, scale, 0)
    if layer.scaled == "both":
        k = _scaled(low, node, k, scale, 1)
    logits = _product(low, node, q, k, True, f"{node.name} (logits)")
    if layer.scaled == "logits":
        logits = _scaled(low, node, logits, scale)
    for number, bias in enumerate(biases, 1):
        logits = low.emit("ADD", node, [logits, bias], name=f"{node.name} (bias {number})").output
    shares = low.emit("SOFTMAX", node, [logits], name=f"{node.name} (shares)").output
    shares.fixed_scale = True
    _product(low, node, shares, v, False)


def _turned(low: Lowering, node: Node, tensor: Tensor, order: Order) -> DeviceTensor:
    """Return a tensor as a product takes it: its axes in an order, and no height."""
    return low.without_height(node, tensor, low.turned(node, tensor, order))


def _scaled(low: Lowering, node: Node, flow: DeviceTensor, scale: float, number: int | None = None) -> DeviceTensor:
    """Append MUL by one number, unless the layer that makes input ``number`` takes it into its weights."""
    if number is not None:
        before = low.before_copies(node.inputs[number])
        alone = low.sole_reader(node.inputs[number]) is node
        if alone and before is not None and before.takes_factors:
            return flow
    if scale == 1:
        return flow
    return low.emit("MUL", node, [flow], low.number(scale), name=f"{node.name} (scaled)").output


def _product(
    low: Lowering, node: Node, a: DeviceTensor, b: DeviceTensor, b_turned: bool, name: str = "", a_turned: bool = False
) -> DeviceTensor:
    """Append BATCH_MATMUL of a and b; ``turned`` ones are taken by columns, which is the rule for b."""
    *leading, rows, depth = (*a.shape[:-2], a.shape[-1], a.shape[-2]) if a_turned else a.shape
    *others, columns, _ = b.shape if b_turned else (*b.shape[:-2], b.shape[-1], b.shape[-2])
    shape = (*[max(sizes) for sizes in zip(leading, others, strict=True)], rows, columns)
    made = low.emit("BATCH_MATMUL", node, [a, b], shape=shape, name=name)
    made.copied = [b] * (not b_turned) + [a] * a_turned
    made.macs = made.output.elements * depth
    return made.output


def matmul(low: Lowering, node: Node) -> None:
    """BATCH_MATMUL."""
    layer, rank = cast("Matmul", node.layer), len(node.shape)
    if any(len(tensor.shape) != rank or low.is_constant(tensor) for tensor in node.inputs):
        raise UnsupportedError(node, "a matmul of constants, or of different numbers of axes, is not verified")
    a, b = [_turned(low, node, one, tuple(range(rank))) for one in node.inputs]
    _product(low, node, a, b, layer.transpose_b, a_turned=layer.transpose_a)
    if any((before := low.makers.get(one)) and before.code == "TRANSPOSE" for one in (a, b)):
        low.operators[-1].doubt = "the product may take over the TRANSPOSE before it"


RULES: dict[str, LoweringRule] = {"attention": attention, "matmul": matmul}
