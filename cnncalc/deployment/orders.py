"""Other orders of branches: the converter orders them by names of its own graph, and the plan depends on it.

TensorFlow runs through its graph depth first, those that follow an operation by name, the last one first, and reverses
that: where the graph forks, the operation comes first whose name does (GetReversePostOrder, core/graph/algorithm.cc).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

from cnncalc.deployment.operators import DeviceGraph, Operator
from cnncalc.deployment.planner import greedy
from cnncalc.deployment.scratch import scratch
from cnncalc.deployment.view import Deployment, buffers_of

if TYPE_CHECKING:
    from cnncalc.graph import Node
    from cnncalc.layers.convolution.conv import Conv

KERAS_NAMES = {
    "conv": "conv", "linear": "dense", "batchnorm": "batch_normalization", "relu": "re_lu", "relu6": "re_lu",
    "leaky_relu": "leaky_re_lu", "prelu": "p_re_lu", "sigmoid": "activation", "tanh": "activation",
    "silu": "activation", "maxpool": "max_pooling", "avgpool": "average_pooling", "pad": "zero_padding",
    "global_avgpool": "global_average_pooling", "global_maxpool": "global_max_pooling", "concat": "concatenate",
    "affine": "lambda", "scale": "lambda", "shift": "lambda", "hardswish": "add", "hardsigmoid": "add",
}  # fmt: skip
"""What Keras calls layers of other names; a number follows from the second one on (``conv_1``)."""


def other_arenas(found: Deployment) -> list[int]:
    """Return the arenas, other than the network's own, that the device plans in other orders of branches.

    It tries the orders in which the first, or the last, branch of each merge comes first as a whole, and that of the
    names that Keras gives to layers without one.
    """
    graph, on = found.graph, found.device
    arenas = set()
    for order in (depth_first(graph, False), depth_first(graph, True), by_names(graph)):
        if order != graph.operators:
            changed = graph._replace(operators=order)
            requests = [scratch(operator, on.kind, on.core.kernels) for operator in order]
            arenas.add(greedy(buffers_of(changed, requests)).size)
    return sorted(arenas - {found.arena})


def depth_first(graph: DeviceGraph, turned: bool) -> list[Operator]:
    """Return the operators with each branch of a merge in one piece: the first branch first, or ``turned`` the last."""
    made = {operator.output: operator for operator in graph.operators}
    before = {
        operator: [made[flow] for flow in operator.inputs[:: -1 if turned else 1] if flow in made]
        for operator in graph.operators
    }
    ends = [made[flow] for flow in graph.outputs if flow in made]
    return _post_order([*ends, *graph.operators], before)


def by_names(graph: DeviceGraph) -> list[Operator]:
    """Return the operators as TensorFlow orders them, by the names that Keras gives to the network's layers."""
    made = {operator.output: operator for operator in graph.operators}
    after: dict[Operator, list[Operator]] = {operator: [] for operator in graph.operators}
    for operator in graph.operators:
        for flow in dict.fromkeys(operator.inputs):
            if flow in made:
                after[made[flow]].append(operator)
    names = _names({operator.layers[0]: None for operator in graph.operators})
    place = {operator: (names[operator.layers[0]], number) for number, operator in enumerate(graph.operators)}
    for readers in after.values():
        readers.sort(key=place.__getitem__, reverse=True)
    starts = sorted(graph.operators, key=place.__getitem__, reverse=True)
    return _post_order([one for one in starts if not any(flow in made for flow in one.inputs)], after)[::-1]


def _names(layers: dict[Node, None]) -> dict[Node, str]:
    """Return the names that Keras gives to layers, in the order in which they run."""
    counts: Counter[str] = Counter()
    found: dict[Node, str] = {}
    for node in sorted(layers, key=lambda node: node.index):
        word = KERAS_NAMES.get(node.layer.type, node.layer.type)
        if word == "conv" and 1 < cast("Conv", node.layer).groups == node.use.inputs[0][0]:
            word = "depthwise_conv"
        found[node] = f"{word}_{counts[word]}" if counts[word] else word
        counts[word] += 1
    return found


def _post_order(starts: list[Operator], following: dict[Operator, list[Operator]]) -> list[Operator]:
    """Return operators depth first from some of them, each after all that follow it, the first of these first."""
    done = set[Operator]()
    order: list[Operator] = []
    waiting = [(operator, False) for operator in reversed(starts)]
    while waiting:
        operator, is_left = waiting.pop()
        if is_left:
            order.append(operator)
        elif operator not in done:
            done.add(operator)
            waiting.append((operator, True))
            waiting += [(one, False) for one in reversed(following[operator])]
    return order
