"""Layers that work element by element: activations, which are fused where they only clamp, and merges."""

from __future__ import annotations

from itertools import permutations
from math import prod
from typing import TYPE_CHECKING, cast

from cnncalc.deployment.lowering import Lowering, LoweringRule
from cnncalc.deployment.operators import BIAS, DeviceTensor, Operator
from cnncalc.deployment.traits import FUSING, ONLY_IN_FLOAT, chooses, clamp_of
from cnncalc.deployment.unsupported import UnsupportedError
from cnncalc.graph import Node
from cnncalc.layers.shapes import axis_index

if TYPE_CHECKING:
    from cnncalc.graph import Tensor
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
        operator = low.emit(code, node, [flow])
        if fixed_scale:
            fixes_scale(low, node, operator)

    return rule


def fixes_scale(low: Lowering, node: Node, operator: Operator) -> None:
    """Note that an operator, a layer's last one, fixes its output's scale; a QUANTIZE follows if a merge chooses from
    that output, perhaps through layers that keep the scale: all that it chooses from has one scale.
    """
    operator.output.fixed_scale = True
    low.values[node] = operator.output
    if low.kind.scaled and low.is_chosen_from(node):
        low.emit("QUANTIZE", node, [operator.output], name=f"{node.name} (rescaled)")


def fuses(low: Lowering, node: Node, activation: str) -> bool:
    """Fuse a clamp into the operator before it, and return whether that was possible.

    A clamp is moved before copies; after the same one as an operator it does nothing.
    """
    operator, end = low.before_copies(node.inputs[0]), low.feeder(node)
    if operator is None or end is None:
        return False
    again = operator is end and activation == operator.code
    if not again and (operator.code not in FUSING or operator.activation is not None):
        return False
    if operator.code == "TRANSPOSE_CONV" and not any(one.part == BIAS for one in operator.constants):
        return False
    if not again:
        operator.activation = activation
    operator.layers.append(node)
    low.fused.append(node)
    low.values[node] = low.values[node.inputs[0]]
    return True


def clamp(low: Lowering, node: Node) -> None:
    """Part of the operator before it if that can clamp, else an operator: to other bounds MINIMUM and MAXIMUM, or
    RELU for a lower bound of 0.
    """
    code = clamp_of(node)
    if code is not None and fuses(low, node, code):
        return
    if code == "RELU_N1_TO_1":
        why = "tflite-micro has no RELU_N1_TO_1, which it becomes where no operator before it can clamp"
        raise UnsupportedError(node, why, "use relu6 or tanh")
    (flow,) = low.as_they_lie(node)
    if code is not None:
        low.emit(code, node, [flow])
        return
    low_end, high_end = cast("HardTanh", node.layer).clamps()
    least = low.emit("MINIMUM", node, [flow], low.number(high_end), name=f"{node.name} (from above)")
    if low_end == 0:
        low.emit("RELU", node, [least.output])
    else:
        most = low.emit("MAXIMUM", node, [least.output], low.number(low_end))
        most.doubt = "a clamp to other bounds"


def is_clamped(low: Lowering, node: Node, behind_a_copy: bool = False) -> bool:
    """Whether a clamp follows at once: it joins the last of the operators that a layer is written with, and these are
    not recognised as the layer then.
    """
    reader = low.sole_reader(node)
    if behind_a_copy and reader is not None and reader.layer.type in ("flatten", "reshape"):
        reader = low.sole_reader(reader)
    return reader is not None and reader.layer.type in ("relu", "relu6")


def silu(low: Lowering, node: Node) -> None:
    """LOGISTIC and MUL: two tensors, and three alive at once."""
    (flow,) = low.as_they_lie(node)
    gate = logistic(low, node, flow, f"{node.name} (gate)").output
    gate.fixed_scale = True
    low.emit("MUL", node, [flow, gate])


def logistic(low: Lowering, node: Node, flow: DeviceTensor, name: str = "") -> Operator:
    """Return a tensor's LOGISTIC, of which there is one."""
    if flow not in low.logistics:
        low.logistics[flow] = low.emit("LOGISTIC", node, [flow], name=name)
    elif node not in low.logistics[flow].layers:
        low.logistics[flow].layers.append(node)
    return low.logistics[flow]


def sigmoid(low: Lowering, node: Node) -> None:
    """LOGISTIC."""
    (flow,) = low.as_they_lie(node)
    fixes_scale(low, node, logistic(low, node, flow))


def hardswish(low: Lowering, node: Node) -> None:
    """HARD_SWISH; before a clamp, perhaps behind a copy, ``x · relu6(x + 3) / 6`` as it is written."""
    (flow,) = low.as_they_lie(node)
    if not is_clamped(low, node, behind_a_copy=True):
        low.emit("HARD_SWISH", node, [flow])
        return
    gate = low.emit("ADD", node, [flow], low.number(3), name=f"{node.name} (gate)")
    gate.activation = "RELU6"
    product = low.emit("MUL", node, [flow, gate.output], name=f"{node.name} (six times)")
    low.emit("MUL", node, [product.output], low.number(1 / 6))


def in_float(low: Lowering, node: Node, code: str, flow: DeviceTensor, name: str = "") -> DeviceTensor:
    """Append an operator that the device has in float32 alone: among quantised numbers an island of float32,
    DEQUANTIZE, the operator, QUANTIZE, with four bytes per element.
    """
    if not low.kind.scaled:
        return low.emit(code, node, [flow], name=name).output
    named = name or node.name
    inside = low.emit(code, node, [as_float(low, node, flow, named)], width=4, name=f"{named} (in float32)").output
    return quantised(low, node, inside, name)


def as_float(low: Lowering, node: Node, flow: DeviceTensor, name: str) -> DeviceTensor:
    """Return a tensor in float32: after a DEQUANTIZE, of which there is one, unless it is there."""
    if flow.width != 4 and flow not in low.floats:
        low.floats[flow] = low.emit("DEQUANTIZE", node, [flow], width=4, name=f"{name} (as float32)").output
    return low.floats.get(flow, flow)


def quantised(low: Lowering, node: Node, flow: DeviceTensor, name: str = "") -> DeviceTensor:
    """Return a tensor of float32 after a QUANTIZE."""
    output = low.emit("QUANTIZE", node, [flow], name=name).output
    low.floats[output] = flow
    return output


def operands_in_float(low: Lowering, node: Node, pairs: list[tuple[Tensor, DeviceTensor]]) -> list[DeviceTensor]:
    """Return the operands of a merge in float32 if it works in that, else as they are."""
    sources = [low.source(tensor) for tensor, _ in pairs]
    alone = [one for one in sources if isinstance(one, Node) and low.sole_reader(one) is node]
    flows = [flow for _, flow in pairs]
    if not (low.kind.scaled and chooses(node) and any(one.layer.type in ONLY_IN_FLOAT for one in alone)):
        return flows
    for tensor, flow in pairs:
        if flow in low.floats and low.sole_reader(tensor) is node and low.makers[flow].code == "QUANTIZE":
            low.dropped.add(low.makers[flow])
    return [as_float(low, node, flow, f"{node.name} {number}") for number, flow in enumerate(flows, 1)]


def only_in_float(code: str, note: str = "") -> LoweringRule:
    """Return the rule of an operator that the device has in float32 alone."""

    def rule(low: Lowering, node: Node) -> None:
        (flow,) = low.as_they_lie(node)
        before = low.feeder(node)
        if before is not None and before.code == "QUANTIZE":
            low.dropped.add(before)  # the island of float32 continues
            flow = before.inputs[0]
        in_float(low, node, code, flow)
        if low.kind.scaled:
            reader = low.sole_reader(node)
            if low.is_chosen_from(node) and not (reader is not None and low.merges_in_float(reader)):
                low.operators[-1].doubt = "the part in float32 may include layers after it"
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
    """PRELU, with a slope per channel, or a single one; before a clamp, or after a relu, ``relu(x) - slope · relu(-x)``
    as it is written.
    """
    flow = low.flat(node)
    slopes = low.factors(node.use.weights["weight"].shape[0], node.shares or node)
    tensor = low.source(node.inputs[0])
    is_positive = isinstance(tensor, Node) and tensor.layer.type == "relu"
    if not (is_positive or is_clamped(low, node)):
        operator = low.emit("PRELU", node, [flow], slopes)
        if any(reader.layer.type == "relu" for reader in low.beyond(tensor)[0]):
            operator.doubt = "a relu of the same tensor, which the converter computes once"
        return
    negated = in_float(low, node, "NEG", flow, f"{node.name} (negated)")
    below = low.emit("RELU", node, [negated], name=f"{node.name} (below zero)")
    sloped = low.emit("MUL", node, [below.output], slopes, name=f"{node.name} (sloped)")
    above = flow if is_positive else low.emit("RELU", node, [flow], name=f"{node.name} (above zero)").output
    low.emit("ADD", node, [above, sloped.output])


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
        fixes_scale(low, node, low.emit(code, node, [turned], name=f"{node.name} (along the last axis)"))
        low.transpose(node, low.values[node], swap)

    return rule


def aligned(low: Lowering, node: Node) -> list[DeviceTensor]:
    """Return the tensors that a merge reads, with their axes in its order."""
    order = low.order(node)
    flows = [low.turned(node, one, order) if len(one.shape) == len(order) else low.values[one] for one in node.inputs]
    given = [(one, flow) for one, flow in zip(node.inputs, flows, strict=True) if flow.constant is None]
    if len(given) < len(flows):
        for tensor, _ in given:
            before = low.producer(tensor)
            if before is not None and before.takes_factors:
                raise UnsupportedError(node, "a constant tensor and the output of a convolution are not verified")
    return flows


def own_gate(low: Lowering, node: Node) -> Node | None:
    """Return the hardsigmoid whose input a product multiplies with it, so that it is a hardswish; else None."""
    if node.layer.type != "multiply" or len(node.inputs) != 2 or is_clamped(low, node, behind_a_copy=True):
        return None
    for gate, other in permutations(map(low.source, node.inputs)):
        if isinstance(gate, Node) and gate.layer.type == "hardsigmoid" and low.source(gate.inputs[0]) is other:
            return gate
    return None


def merge_in_pairs(code: str) -> LoweringRule:
    """Return the rule of a merge: an operator for each input after the first, never in place."""

    def rule(low: Lowering, node: Node) -> None:
        if sum(map(low.is_constant, node.inputs)) > 1:
            raise UnsupportedError(node, "a merge of several constant tensors is not verified")
        gate = own_gate(low, node)
        if gate is not None:
            (tensor,) = gate.inputs
            operator = low.emit("HARD_SWISH", node, [low.without_height(node, tensor, low.values[tensor])])
            if not low.is_read(gate):
                operator.layers.append(gate)
                low.fused.append(gate)
            return
        (tensor, merged), *others = zip(node.inputs, aligned(low, node), strict=True)
        for number, (source, flow) in enumerate(others, 1):
            pair = low.with_heights(node, [(tensor, merged), (source, flow)])
            if code == "ADD":
                pair[1] = _as_vector(low, node, *pair)
            pair = operands_in_float(low, node, [(tensor, pair[0]), (source, pair[1])])
            name = node.name if number == len(others) else f"{node.name} ({number} of {len(others)})"
            by_constant = code == "DIV" and flow.constant is not None  # its reciprocal is in the file
            merged = _merged(low, node, "MUL" if by_constant else code, pair, _stretched(*pair), name)
            tensor = node
        low.values[node] = merged

    return rule


def _as_vector(low: Lowering, node: Node, a: DeviceTensor, b: DeviceTensor) -> DeviceTensor:
    """Return what is added to a map: a summand for each channel loses its axes of 1, as a bias has none."""
    *ones, channels = b.shape
    if b.constant is not None or channels == 1 or channels != a.shape[-1] or prod(ones) != 1:
        return b
    return low.reshape(node, b, (channels,), f"{b.name} (as a vector)", batch=None)


def concat(low: Lowering, node: Node) -> None:
    """CONCATENATION, all inputs and the output alive together."""
    flows = low.with_heights(node, list(zip(node.inputs, aligned(low, node), strict=True)))
    layer = cast("Concat", node.layer)
    place = low.place(node, axis_index(layer.axis, node.shape), flows[0])
    shape = list(flows[0].shape)
    shape[place] = sum([flow.shape[place] for flow in flows])
    flows = operands_in_float(low, node, list(zip(node.inputs, flows, strict=True)))
    _merged(low, node, "CONCATENATION", flows, tuple(shape), node.name)


def _merged(low: Lowering, node: Node, code: str, flows: list[DeviceTensor], shape: Shape, name: str) -> DeviceTensor:
    """Append an operator of a merge; in 16x8, it depends on values which inputs of one that chooses are rescaled."""
    if low.kind.scaled and flows[0].width == 4:
        inside = low.emit(code, node, flows, shape=shape, width=4, name=f"{name} (in float32)").output
        return quantised(low, node, inside, name)
    operator = low.emit(code, node, flows, shape=shape, name=name)
    if low.kind.name == "int16x8" and chooses(node):
        operator.doubt = "in 16x8, a QUANTIZE may rescale inputs first"
    return operator.output


def _stretched(a: DeviceTensor, b: DeviceTensor) -> Shape:
    """Return the shape of two merged tensors: axes of 1 are stretched, and missing axes in front are 1."""
    longer, shorter = (a.shape, b.shape) if len(a.shape) >= len(b.shape) else (b.shape, a.shape)
    filled = (1,) * (len(longer) - len(shorter)) + shorter
    return tuple([max(x, y) for x, y in zip(longer, filled, strict=True)])


RULES: dict[str, LoweringRule] = {
    **dict.fromkeys(("relu", "relu6", "hardtanh"), clamp),
    "hardswish": hardswish,
    "leaky_relu": one_operator("LEAKY_RELU"),
    "sigmoid": sigmoid,
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
    "maximum": merge_in_pairs("MAXIMUM"),
    "minimum": merge_in_pairs("MINIMUM"),
    "concat": concat,
}
