"""Memory: bytes of weights, of a forward pass, and of the tensors alive at the peak."""

from __future__ import annotations

from collections.abc import Iterator

from cnncalc.graph import Graph, Node

OPTIMIZERS = {"sgd": 0, "momentum": 1, "adam": 2}
"""Tensors of state that an optimiser keeps for each parameter (Kingma and Ba 2014, arXiv:1412.6980: two moments)."""

IN_MEMORY = {
    "weight_bytes": "weights", "forward_bytes": "forward", "peak_bytes": "peak", "training_bytes": "training",
}  # fmt: skip
"""The figures in bytes, by their general names, with their names in ``totals.memory``."""


def forward_elements(network: Graph, batch: int = 1) -> int:
    """Return the elements of all layers' outputs together, for a batch."""
    return sum([node.elements(batch) for node in network.nodes])


def training_elements(params: int, buffers: int, forward: int, optimizer: str) -> int:
    """Return the elements of weights, gradients, the optimiser's state, buffers and all outputs."""
    return params * (2 + OPTIMIZERS[optimizer]) + buffers + forward


def peak_elements(network: Graph, batch: int = 1) -> tuple[int, Node | None]:
    """Return the largest sum of tensors alive at one step, for a batch, and the node that runs then."""
    peak, where = 0, None
    for alive, node in alive_elements(network, batch):
        if alive > peak:
            peak, where = alive, node
    return peak, where


def alive_elements(network: Graph, batch: int = 1) -> Iterator[tuple[int, Node | None]]:
    """Yield the sum of tensors alive, for a batch: before the first node, and while each runs.

    While a node runs, its inputs, its output, and every earlier tensor with a later reader are alive, so that a
    shortcut counts until its add.  A network's inputs are alive from the start.
    """
    last = network.last_reads()
    alive = sum(tensor.elements(batch) for tensor in network.inputs.values() if tensor in last)
    freed = [0] * (len(network.nodes) + 1)
    for tensor, index in last.items():
        freed[index] += tensor.elements(batch)
    yield alive, None
    for node in network.nodes:
        size = node.elements(batch)
        yield alive + size, node
        alive += (size if node in last else 0) - freed[node.index]
