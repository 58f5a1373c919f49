"""Memory: what the weights take, what a forward pass takes, and the most that is alive at one step."""

from __future__ import annotations

from math import prod

from cnncalc.network import Network, Node, Tensor

OPTIMIZERS = {"sgd": 0, "momentum": 1, "adam": 2}
"""Tensors of state that an optimiser keeps for each parameter (Kingma and Ba 2014, arXiv:1412.6980: two moments)."""


def last_uses(network: Network) -> dict[Tensor, int]:
    """Return the index of the last node that reads each tensor; outputs are kept to the end."""
    last: dict[Tensor, int] = {}
    for node in network.nodes:
        for tensor in node.inputs:
            last[tensor] = node.index
    for tensor in network.outputs.values():
        last[tensor] = len(network.nodes)
    return last


def forward_elements(network: Network) -> int:
    """Return the elements of all layers' outputs together, per sample."""
    return sum([prod(node.shape) for node in network.nodes])


def peak_elements(network: Network) -> tuple[int, Node | None]:
    """Return the largest sum of tensors alive at one step, per sample, and the node that runs then.

    Alive while a node runs are its inputs, its output, and every earlier tensor that is still to be read, so
    that a shortcut counts as long as it waits for its add.  A network's inputs are alive from the start.
    """
    last = last_uses(network)
    alive = sum(prod(tensor.shape) for tensor in network.inputs.values() if tensor in last)
    ends: dict[int, list[Tensor]] = {}
    for tensor, index in last.items():
        ends.setdefault(index, []).append(tensor)
    peak, where = alive, None
    for node in network.nodes:
        alive += prod(node.shape)
        if alive > peak:
            peak, where = alive, node
        if node not in last:
            alive -= prod(node.shape)
        for tensor in ends.get(node.index, ()):
            alive -= prod(tensor.shape)
    return peak, where
