"""Layers that work element by element: activations, which are fused where they only clamp, and merges."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cnncalc.deployment.lowering import Lowering, LoweringRule
from cnncalc.deployment.operators import BIAS, DeviceTensor, Operator
from cnncalc.deployment.rules.windows import pads_itself
from cnncalc.deployment.traits import FUSING
from cnncalc.deployment.unsupported import UnsupportedError
from cnncalc.layers.shapes import axis_index

if TYPE_CHECKING:
    from cnncalc.graph import Node
    from cnncalc.layers.activation.hardtanh import HardTanh
    from cnncalc.layers.activation.softmax import Softmax
    from cnncalc.layers.merge.concat import Concat
    from cnncalc.layers.merge.power import Power
    from cnncalc.layers.shapes import Shape


ELU_NOTE = "elu runs in float32 on the device, with 4 bytes per element; relu would be part of the operator before it"


def one_operator(code: str, fixed_scale: bool = False) -> LoweringRule:
    """Return the rule of an activation that is one operator, with a tensor of its own."""

    def rule(low: Lowering, node: Node) -> None:
        (flow,) = low.as_they_lie(node)
        low.emit(code, node, [flow]).output.fixed_scale = fixed_scale

    return rule


def fuses(low: Lowering, node: Node, activation: str) -> bool:
    """Fuse a clamp into the operator before it, and return whether that was possible.

    A clamp is moved before copies; a duplicate is dropped, unless a copy is between.
    """
    tensor = node.inputs[0]
    end, operator = low.producer(tensor), low.before_copies(tensor)
    if operator is None or low.sole_reader(tensor) is None:
        return False
    again = operator is end and activation in (operator.activation, operator.code) and not low.behind_a_copy(tensor)
    if not again and (operator.code not in FUSING or operator.activation is not None):
        return False
    if operator.code == "TRANSPOSE_CONV" and not any(one.part == BIAS for one in operator.constants):
        return False
    if not again:
        operator.activation = activation
    operator.layers.append(node)
    low.fused.append(node)
    low.values[node] = low.values[tensor]
    return True


def clamp(code: str) -> LoweringRule:
    """Return the rule of a clamp: part of the operator before it if that can clamp, else an operator of its own."""
    own = one_operator(code)

    def rule(low: Lowering, node: Node) -> None:
        if not fuses(low, node, code):
            own(low, node)

    return rule


def hardtanh(low: Lowering, node: Node) -> None:
    """A fused clamp if operators know its bounds, else MINIMUM and MAXIMUM, or RELU for a lower bound of 0."""
    layer = cast("HardTanh", node.layer)
    low_end, high_end = layer.clamps()
    known = {(-1.0, 1.0): "RELU_N1_TO_1", (0.0, 6.0): "RELU6"}.get((low_end, high_end))
    if known and fuses(low, node, known):
        return
    (flow,) = low.as_they_lie(node)
    least = low.emit("MINIMUM", node, [flow], low.number(high_end), name=f"{node.name} (from above)")
    if low_end == 0:
        low.emit("RELU", node, [least.output])
    else:
        most = low.emit("MAXIMUM", node, [least.output], low.number(low_end))
        most.doubt = "a clamp to other bounds"


def hardsigmoid(low: Lowering, node: Node) -> None:
    """``relu6(x + 3) / 6``: the shift joins a bias, the clamp is fused, the factor joins the weights after it."""
    operator = low.producer(node.inputs[0])
    (flow,) = low.as_they_lie(node)
    alone = low.sole_reader(node.inputs[0]) is not None
    if operator is not None and alone and operator.takes_factors:
        low.folds(node, operator)
    elif operator in low.summands and alone and operator.activation is None:
        low.joins(node, operator)
    else:
        operator = low.emit("ADD", node, [flow], low.number(3), name=f"{node.name} (shifted)")
    operator.activation = "RELU6"
    readers = low.only_readers(node)
    if not readers or not all(map(_takes_a_factor, readers)):
        low.emit("MUL", node, [operator.output], low.number(1 / 6))
        return
    for reader in readers:
        low.ahead.setdefault(reader, []).append(node)


def _takes_a_factor(reader: Node) -> bool:
    """Whether a factor becomes part of a layer's weights: of a dense layer, or a convolution without a PAD."""
    return reader.layer.type == "linear" or (reader.layer.type == "conv" and pads_itself(reader))


def silu(low: Lowering, node: Node) -> None:
    """LOGISTIC and MUL: two tensors, and three alive at once."""
    (flow,) = low.as_they_lie(node)
    gate = low.emit("LOGISTIC", node, [flow], name=f"{node.name} (gate)")
    gate.output.fixed_scale = True
    low.emit("MUL", node, [flow, gate.output])


def in_float(low: Lowering, node: Node, code: str, flow: DeviceTensor, name: str = "") -> DeviceTensor:
    """Append an operator that the device has in float32 alone: among quantised numbers an island of float32,
    DEQUANTIZE, the operator, QUANTIZE, with four bytes per element.
    """
    if not low.kind.scaled:
        return low.emit(code, node, [flow], name=name).output
    named = name or node.name
    if flow.width != 4:
        flow = low.emit("DEQUANTIZE", node, [flow], width=4, name=f"{named} (as float32)").output
    inside = low.emit(code, node, [flow], width=4, name=f"{named} (in float32)").output
    return low.emit("QUANTIZE", node, [inside], name=name).output


def only_in_float(code: str, note: str = "") -> LoweringRule:
    """Return the rule of an operator that the device has in float32 alone."""

    def rule(low: Lowering, node: Node) -> None:
        (flow,) = low.as_they_lie(node)
        before = low.producer(node.inputs[0])
        if before is not None and before.code == "QUANTIZE" and low.sole_reader(node.inputs[0]) is not None:
            low.dropped.add(before)  # the island of float32 continues
            flow = before.inputs[0]
        in_float(low, node, code, flow)
        if low.kind.scaled:
            if any(reader.layer.type in ("concat", "maximum", "minimum") for reader in low.beyond(node)[0]):
                low.operators[-1].doubt = "the part in float32 may include the merge after it"
            low.note(note or f"{node.layer.type} runs in float32 on the device, with 4 bytes per element")

    return rule


def power(low: Lowering, node: Node) -> None:
    """A square is MUL of a tensor with itself."""
    exponent = cast("Power", node.layer).exponent
    if exponent == 0.5:
        in_float32 = "the conversion of a square root is not verified"
        raise UnsupportedError(node, "tflite-micro has SQRT only in float32" if low.kind.scaled else in_float32)
    if exponent != 2:
        raise UnsupportedError(node, "tflite-micro has no POW", "use the power 2, or products")
    (flow,) = low.as_they_lie(node)
    low.emit("MUL", node, [flow, flow])


def prelu(low: Lowering, node: Node) -> None:
    """PRELU, with a slope per channel, or a single one."""
    flow = low.flat(node)
    slopes = node.use.weights["weight"].shape[0]
    low.emit("PRELU", node, [flow], low.factors(slopes, node.shares or node))


def softmax(code: str) -> LoweringRule:
    """Return the rule of a softmax along any axis: the device takes the last one, others are swapped with it."""
    plain = one_operator(code, True)

    def rule(low: Lowering, node: Node) -> None:
        flow, place = low.along(node, cast("Softmax", node.layer).axis)
        end = len(flow.shape) - 1
        if place == end:
            plain(low, node)
            return
        if code != "SOFTMAX":
            raise UnsupportedError(
                node, f"{code} works only on the channels, which come last there", "use 'axis: channels'"
            )
        swap = [end if axis == place else place if axis == end else axis for axis in range(end + 1)]
        turned = low.transpose(node, flow, swap, f"{node.name} (turned)")
        found = low.emit(code, node, [turned], name=f"{node.name} (along the last axis)").output
        found.fixed_scale = True
        low.transpose(node, found, swap)

    return rule


def rescaled(low: Lowering, node: Node, flow: DeviceTensor) -> DeviceTensor:
    """Return a tensor, after a QUANTIZE if its operator fixes the scale, which a merge must choose."""
    if not (flow.quantised and flow.fixed_scale):
        return flow
    return low.emit("QUANTIZE", node, [flow], name=f"{flow.name} (rescaled)").output


def aligned(low: Lowering, node: Node) -> list[DeviceTensor]:
    """Return the tensors that a merge reads, with their axes in its order, and none with a height alone."""
    order = low.order(node)
    flows = [low.turned(node, one, order) if len(one.shape) == len(order) else low.values[one] for one in node.inputs]
    given = [(one, flow) for one, flow in zip(node.inputs, flows, strict=True) if flow.constant is None]
    if len(given) < len(flows):
        for tensor, _ in given:
            before = low.producer(tensor)
            if before is not None and before.takes_factors:
                raise UnsupportedError(node, "a constant tensor and the output of a convolution are not verified")
    return low.with_heights(node, flows)


def merge_in_pairs(code: str, one_scale: bool = False) -> LoweringRule:
    """Return the rule of a merge: an operator for each input after the first, never in place.

    ``one_scale`` says that all its tensors have one scale, as only elements are chosen.
    """

    def rule(low: Lowering, node: Node) -> None:
        if sum(map(low.is_constant, node.inputs)) > 1:
            raise UnsupportedError(node, "a merge of several constant tensors is not verified")
        flows = aligned(low, node)
        merged, *others = [rescaled(low, node, flow) for flow in flows] if one_scale else flows
        for number, other in enumerate(others, 1):
            name = node.name if number == len(others) else f"{node.name} ({number} of {len(others)})"
            by_constant = code == "DIV" and other.constant is not None  # its reciprocal is in the file
            word, shape = "MUL" if by_constant else code, _stretched(merged, other)
            made = low.emit(word, node, [merged, other], shape=shape, name=name)
            merged = made.output
            if one_scale:
                _doubt_scales(low, made)
        low.values[node] = merged

    return rule


def concat(low: Lowering, node: Node) -> None:
    """CONCATENATION, all inputs and the output alive together."""
    flows = [rescaled(low, node, flow) for flow in aligned(low, node)]
    layer = cast("Concat", node.layer)
    place = low.place(node, axis_index(layer.axis, node.shape), flows[0])
    shape = list(flows[0].shape)
    shape[place] = sum([flow.shape[place] for flow in flows])
    joined = low.emit("CONCATENATION", node, flows, shape=tuple(shape))
    _doubt_scales(low, joined)


def _doubt_scales(low: Lowering, operator: Operator) -> None:
    """Note that which inputs of a merge are rescaled depends on their values, in 16x8."""
    operator.doubt = "in 16x8, a QUANTIZE may rescale inputs first" if low.kind.name == "int16x8" else ""


def _stretched(a: DeviceTensor, b: DeviceTensor) -> Shape:
    """Return the shape of two merged tensors: axes of 1 are stretched, and missing axes in front are 1."""
    longer, shorter = (a.shape, b.shape) if len(a.shape) >= len(b.shape) else (b.shape, a.shape)
    filled = (1,) * (len(longer) - len(shorter)) + shorter
    return tuple([max(x, y) for x, y in zip(longer, filled, strict=True)])


RULES: dict[str, LoweringRule] = {
    "relu": clamp("RELU"),
    "relu6": clamp("RELU6"),
    "hardtanh": hardtanh,
    "hardsigmoid": hardsigmoid,
    "hardswish": one_operator("HARD_SWISH"),
    "leaky_relu": one_operator("LEAKY_RELU"),
    "sigmoid": one_operator("LOGISTIC", True),
    "tanh": one_operator("TANH", True),
    "silu": silu,
    "elu": only_in_float("ELU", ELU_NOTE),
    "abs": one_operator("ABS"),
    "neg": only_in_float("NEG"),
    "sin": only_in_float("SIN"),
    "cos": only_in_float("COS"),
    "power": power,
    "divide": merge_in_pairs("DIV"),
    "prelu": prelu,
    "softmax": softmax("SOFTMAX"),
    "log_softmax": softmax("LOG_SOFTMAX"),
    "add": merge_in_pairs("ADD"),
    "subtract": merge_in_pairs("SUB"),
    "multiply": merge_in_pairs("MUL"),
    "maximum": merge_in_pairs("MAXIMUM", True),
    "minimum": merge_in_pairs("MINIMUM", True),
    "concat": concat,
}
