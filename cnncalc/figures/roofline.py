"""The roofline model: a layer takes as long as the slower of its arithmetic and its memory traffic.

Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance model", CACM 52(4).
"""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.graph import Node


class Machine(NamedTuple):
    """A machine: floating-point operations and bytes of memory traffic per second."""

    flops: int
    bandwidth: int

    @property
    def ridge(self) -> float:
        """The arithmetic intensity, in FLOPs per byte, above which arithmetic is the bound."""
        return self.flops / self.bandwidth

    def seconds(self, flops: int, traffic: int) -> float:
        """Return the time of the operations or of the memory traffic, whichever is longer."""
        return max(flops / self.flops, traffic / self.bandwidth)


class Estimate(NamedTuple):
    """A layer on a machine.

    Attributes:
        flops: for the whole batch.
        bytes: memory traffic, each tensor counted once: inputs, output, weights.
        intensity: FLOPs per byte.
        bound: ``compute`` or ``memory``, whichever takes longer; empty if the layer does nothing.
        seconds: the longer of the two.
    """

    flops: int
    bytes: int
    intensity: float
    bound: str
    seconds: float


def estimate(node: Node, machine: Machine, batch: int = 1, width: int = 4) -> Estimate:
    """Return a lower bound of a node's time; ``width`` is the bytes of an element."""
    use = node.use
    if use.layer.is_view:
        return Estimate(0, 0, 0.0, "", 0.0)
    flops = node.flops(batch) or 0
    elements = sum([tensor.elements(batch) for tensor in (*node.inputs, node)])
    traffic = (elements + use.params + use.buffers) * width
    arithmetic, transfer = flops / machine.flops, traffic / machine.bandwidth
    bound = "compute" if arithmetic > transfer else "memory"
    return Estimate(flops, traffic, flops / traffic, bound, max(arithmetic, transfer))
