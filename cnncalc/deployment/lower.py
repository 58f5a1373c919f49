"""From layers to operators: fold, fuse, copy or drop layers as TensorFlow's converter does.

Each layer type has a rule in :mod:`cnncalc.deployment.rules`; types without a rule are refused with a reason.
``benchmarks/device.py`` compares the rules with the converter; an operator that it could not verify has a ``doubt``.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cnncalc.deployment.axes import ANY_ORDER, laid
from cnncalc.deployment.lowering import Lowering, LoweringRule
from cnncalc.deployment.operators import DeviceGraph, DeviceTensor
from cnncalc.deployment.rules import affine, attention, elementwise, movement, norms, windows
from cnncalc.deployment.unsupported import UnsupportedError
from cnncalc.graph import Node
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_DETAILED

if TYPE_CHECKING:
    from cnncalc.deployment.constants import Converter, NumberFormat
    from cnncalc.graph import Graph, Tensor


RULES = windows.RULES | norms.RULES | attention.RULES | affine.RULES | elementwise.RULES | movement.RULES

MISSING: dict[str, tuple[str, str | None]] = {
    "gelu": ("tflite-micro has no GELU: AllocateTensors fails", "use relu, relu6 or hardswish"),
    "selu": ("tflite-micro has no selu: it needs SELECT, which is missing", "use relu"),
    "lrn": ("tflite-micro has no LOCAL_RESPONSE_NORMALIZATION", "leave it out, or use batchnorm, which costs nothing"),
    "instancenorm": ("tflite-micro has no instancenorm", "use batchnorm, which is folded into the convolution"),
    "locally_connected": ("tflite-micro has no locally connected convolution", "use conv, which shares its filters"),
    "lppool": ("tflite-micro has no pooling with a power, in int8", "use maxpool or avgpool"),
    "argmax": ("tflite-micro has no ARG_MAX whose indices have 64 bits, as the converter writes them", None),
    "adaptive_maxpool": ("tflite-micro has no adaptive pooling", "use maxpool, with the kernel that gives the size"),
}
"""Why a layer type can't be on the device, and a hint; by type: tflite-micro lacks it
(tensorflow/lite/micro/micro_mutable_op_resolver.h), tried on the interpreter.
"""

_EXP = "it needs EXP, which tflite-micro has only in float32"

MISSING_IN_INTEGERS: dict[str, tuple[str, str | None]] = MISSING | {
    **{kind: (f"tflite-micro has {kind.upper()} only in float32", None) for kind in ("exp", "sqrt", "log")},
    "mish": (f"tflite-micro has no mish: {_EXP}", "use relu6 or hardswish"),
    "softplus": (f"tflite-micro has no softplus: {_EXP}", "use relu"),
}
"""The same, with the types that tflite-micro has only in float32, by the kernels' checks."""


def lower(graph: Graph, kind: NumberFormat, converter: Converter) -> DeviceGraph:
    """Return a network as a device runs it.

    Raises:
        CnncalcError: for a layer that the runtime doesn't support, with the reason.
    """
    graph.check_count("planned for a device")
    low = Lowering(graph, kind, converter)
    for tensor in graph.inputs.values():
        shape = laid(tensor.shape, low.order(tensor))
        low.values[tensor] = DeviceTensor(tensor.name, shape, kind.activation, kind.scaled)
    for node in low.nodes:
        gate = elementwise.own_gate(low, node)
        if gate is not None:
            low.take_away(gate, [node])
    refused: list[UnsupportedError] = []
    for node in low.nodes:
        try:
            _convert(low, node)
        except UnsupportedError as error:  # the layers after it are tried, too, so that the error lists all that fail
            refused.append(error)
            low.values[node] = DeviceTensor(node.name, laid(node.shape, low.order(node)), 1, True)
        if len(low.operators) - len(low.dropped) > MAX_DETAILED:
            raise CnncalcError(f"'{graph.title}' has more than {MAX_DETAILED:,} operators, which no device plans")
    if refused:
        refused[0].more = refused[1:]
        raise refused[0]
    inputs = [low.values[tensor] for tensor in graph.inputs.values()]
    outputs = [_output(low, tensor) for tensor in graph.outputs.values()]
    operators = [operator for operator in low.operators if operator not in low.dropped]
    uses = Counter[str]()
    for flow in [operator.output for operator in operators]:
        uses[flow.name] += 1
        if uses[flow.name] > 1:
            flow.name += f" {uses[flow.name]}"  # each tensor has a name of its own
    return DeviceGraph(
        graph.title, kind, converter, inputs, outputs, operators, len(graph.nodes),
        [*low.gone, *[node for node in graph.nodes if node not in low.values]], list(low.folded), low.fused, low.notes,
    )  # fmt: skip


def _convert(low: Lowering, node: Node) -> None:
    """Append a layer's operators, if any. Raises UnsupportedError."""
    if node in low.passing:
        low.passes(node)
    elif node.layer.type != "parameter" and node.inputs and all(low.is_constant(one) for one in node.inputs):
        low.constant(node)
    else:
        _rule_of(node, low)(low, node)


def _output(low: Lowering, tensor: Tensor) -> DeviceTensor:
    """Return an output of the network, without a height. Raises UnsupportedError if it is a constant."""
    flow = low.values[tensor]
    if not isinstance(tensor, Node):
        return flow
    if flow.constant is not None:
        raise UnsupportedError(tensor, "an output that does not depend on the input is not verified")
    return low.without_height(tensor, tensor, flow)


def _rule_of(node: Node, low: Lowering) -> LoweringRule:
    """Return the rule of a layer. Raises UnsupportedError with the reason if there is none."""
    reasons = MISSING_IN_INTEGERS if low.kind.scaled else MISSING
    if node.layer.type in reasons:
        raise UnsupportedError(node, *reasons[node.layer.type])
    if node.layer.type not in RULES:
        raise UnsupportedError(node, f"the conversion of {node.layer.type} to tflite-micro is not verified")
    if node.layer.type not in ANY_ORDER and any(len(shape) > 3 for shape in (node.shape, *node.use.inputs)):
        raise UnsupportedError(node, "tflite-micro has no operator for maps of three spatial axes")
    if any(tensor.times != 1 for tensor in (node, *node.inputs) if not low.is_constant(tensor)):
        raise UnsupportedError(node, "it runs several times for one input, which is not verified on tflite-micro")
    return RULES[node.layer.type]
