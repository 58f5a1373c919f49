"""Other orders of branches: the converter orders them by names of its own graph, and the plan depends on it."""

from __future__ import annotations

from cnncalc.deployment.operators import DeviceGraph, Operator
from cnncalc.deployment.planner import greedy
from cnncalc.deployment.scratch import scratch
from cnncalc.deployment.view import Deployment, buffers_of


def other_arenas(found: Deployment) -> list[int]:
    """Return the arenas, other than the network's own, that the device plans when it runs one whole branch first.

    It tries the orders in which the first, or the last, branch of each merge comes first.
    """
    graph, on = found.graph, found.device
    arenas = set()
    for turned in (False, True):
        order = depth_first(graph, turned)
        if order != graph.operators:
            changed = graph._replace(operators=order)
            requests = [scratch(operator, on.kind, on.core.kernels) for operator in order]
            arenas.add(greedy(buffers_of(changed, requests)).size)
    return sorted(arenas - {found.arena})


def depth_first(graph: DeviceGraph, turned: bool) -> list[Operator]:
    """Return the operators with each branch of a merge in one piece: the first branch first, or ``turned`` the last."""
    made = {operator.output: operator for operator in graph.operators}
    done = set[Operator]()
    order: list[Operator] = []
    waiting = [(made[flow], False) for flow in reversed(graph.outputs) if flow in made]
    waiting = [(operator, False) for operator in reversed(graph.operators)] + waiting
    while waiting:
        operator, inputs_are_there = waiting.pop()
        if operator in done:
            continue
        if inputs_are_there:
            done.add(operator)
            order.append(operator)
            continue
        waiting.append((operator, True))
        inputs = operator.inputs if turned else operator.inputs[::-1]
        waiting += [(made[flow], False) for flow in inputs if flow in made and made[flow] not in done]
    return order
