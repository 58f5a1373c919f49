"""Memory: what the weights take, what a forward pass takes, and the most that is alive at one step."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from cnncalc.graph import Graph, Node, Tensor

OPTIMIZERS = {"sgd": 0, "momentum": 1, "adam": 2}
"""Tensors of state that an optimiser keeps for each parameter (Kingma and Ba 2014, arXiv:1412.6980: two moments)."""


def forward_elements(network: Graph) -> int:
    """Return the elements of all layers' outputs together, per sample."""
    return sum([prod(node.shape) for node in network.nodes])


def peak_elements(network: Graph) -> tuple[int, Node | None]:
    """Return the largest sum of tensors alive at one step, per sample, and the node that runs then."""
    peak, where = 0, None
    for alive, node in alive_elements(network):
        if alive > peak:
            peak, where = alive, node
    return peak, where


def alive_elements(network: Graph) -> Iterator[tuple[int, Node | None]]:
    """Yield the sum of tensors alive, per sample: before the first node, and while each runs.

    Alive while a node runs are its inputs, its output, and every earlier tensor that is still to be read, so
    that a shortcut counts as long as it waits for its add.  A network's inputs are alive from the start.
    """
    last = network.last_reads()
    alive = sum(prod(tensor.shape) for tensor in network.inputs.values() if tensor in last)
    ends: dict[int, list[Tensor]] = {}
    for tensor, index in last.items():
        ends.setdefault(index, []).append(tensor)
    yield alive, None
    for node in network.nodes:
        alive += prod(node.shape)
        yield alive, node
        if node not in last:
            alive -= prod(node.shape)
        for tensor in ends.get(node.index, ()):
            alive -= prod(tensor.shape)
