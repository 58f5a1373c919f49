"""What the layers of a network sum up to, and the bytes of an element."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cnncalc.graph import Node

COUNTED_IN_ACTIVATIONS = ("conv", "fc")
"""Kinds whose outputs papers add up as activations (Radosavovic et al. 2020, arXiv:2003.13678)."""

OWN_CONVENTION = "macs"
CONVENTIONS = (OWN_CONVENTION, "torchinfo", "fvcore", "ptflops", "thop", "calflops")
"""Whose way of counting the totals follow; the tools' rules are in :mod:`cnncalc.figures.conventions`."""

DTYPES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}
"""Bytes an element."""


class Sums(NamedTuple):
    """Sums over layers, for one sample; what is shared counts once, and FLOPs that nobody has defined don't."""

    layers: int
    params: int
    buffers: int
    macs: int
    flops: int
    activations: int


def sums(nodes: Iterable[Node]) -> Sums:
    """Return what some nodes sum up to."""
    layers = params = buffers = macs = flops = activations = 0
    for node in nodes:
        use = node.use
        layers += 1
        macs += use.macs
        flops += use.flops or 0
        if node.shares is None:
            params += use.params
            buffers += use.buffers
        if use.layer.kind in COUNTED_IN_ACTIVATIONS:
            activations += prod(node.shape)
    return Sums(layers, params, buffers, macs, flops, activations)
