"""From layers to operators: fold, fuse, copy or drop layers as TensorFlow's converter does.

Each layer type has a rule in :mod:`cnncalc.deployment.rules`; types without a rule are refused with a reason.
``benchmarks/device.py`` compares the rules with the converter; an operator that it could not verify has a ``doubt``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from cnncalc.deployment.lowering import Lowering, last
from cnncalc.deployment.operators import DeviceGraph, DeviceTensor
from cnncalc.deployment.rules import rule_of
from cnncalc.graph import Node
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_OPERATORS

if TYPE_CHECKING:
    from cnncalc.deployment.constants import Converter, NumberFormat
    from cnncalc.graph import Graph, Tensor


def lower(graph: Graph, kind: NumberFormat, converter: Converter) -> DeviceGraph:
    """Return a network as a device runs it.

    Raises:
        CnncalcError: for a layer that the runtime doesn't support, with the reason.
    """
    low = Lowering(graph, kind, converter)
    for tensor in graph.inputs.values():
        low.values[tensor] = DeviceTensor(tensor.name, last(tensor.shape), kind.activation, kind.scaled)
    for node in graph.nodes:
        if node in low.passing:
            low.passes(node)
        else:
            rule_of(node, kind)(low, node)
        if len(low.operators) - len(low.dropped) > MAX_OPERATORS:
            raise CnncalcError(f"'{graph.title}' has more than {MAX_OPERATORS:,} operators, which no device plans")
    inputs = [low.values[tensor] for tensor in graph.inputs.values()]
    found = [(tensor, low.values[tensor]) for tensor in graph.outputs.values()]
    outputs = [low.without_height(tensor, flow) if _has_height(tensor, flow) else flow for tensor, flow in found]
    operators = [operator for operator in low.operators if operator not in low.dropped]
    return DeviceGraph(
        graph.title, kind, converter, inputs, outputs, operators, len(graph.nodes),
        low.gone, list(low.folded), low.fused, low.notes,
    )  # fmt: skip


def _has_height(tensor: Tensor, flow: DeviceTensor) -> TypeGuard[Node]:
    """Return whether a map of one axis has a height on the device, which an output loses."""
    return isinstance(tensor, Node) and len(tensor.shape) == 2 and len(flow.shape) == 3
