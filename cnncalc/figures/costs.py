"""Sums over the layers of a network, and the bytes per element."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cnncalc.ground.named import NamedTuple

if TYPE_CHECKING:
    from cnncalc.graph import Node

COUNTED_IN_ACTIVATIONS = ("conv", "fc")
"""Kinds of layers whose outputs papers add up as activations (Radosavovic et al. 2020, arXiv:2003.13678)."""

OWN_CONVENTION = "macs"
CONVENTIONS = (OWN_CONVENTION, "torchinfo", "fvcore", "ptflops", "thop", "calflops")
"""The conventions for the totals; the tools' rules are in :mod:`cnncalc.figures.conventions`."""

DTYPES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}
"""Bytes per element."""


class Sums(NamedTuple):
    """Sums over layers; shared weights count once, and undefined FLOPs are left out."""

    layers: int
    params: int
    buffers: int
    macs: int
    flops: int
    activations: int

    def __add__(self, other: Sums) -> Sums:  # type: ignore[override]  # figures add up; nobody joins them as tuples
        return Sums(*[a + b for a, b in zip(self, other, strict=True)])


ON_A_DEVICE = ("arena", "flash")
"""Keys of ``expect`` that depend on a device; the study of devices checks them."""

PUBLISHED = (*Sums._fields[1:], "output", *ON_A_DEVICE)
"""Keys of ``expect``: the figures that a spec may state."""


def sums(nodes: Iterable[Node], batch: int = 1) -> Sums:
    """Return the sums over some nodes, for a batch."""
    layers = params = buffers = macs = flops = activations = 0
    for node in nodes:
        use, copies = node.use, node.copies(batch)
        layers += 1
        params += node.params
        buffers += node.buffers
        macs += copies * use.macs
        flops += copies * (use.flops or 0)
        if use.layer.kind in COUNTED_IN_ACTIVATIONS:
            activations += node.elements(batch)
    return Sums(layers, params, buffers, macs, flops, activations)
