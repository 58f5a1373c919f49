"""The part of a network that could be built before the first fault in its spec."""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.graph import Graph, Tensor


class Misfit(NamedTuple):
    """A layer that does not fit its inputs: its path, its inputs and the error."""

    name: str
    tensors: tuple[Tensor, ...]
    message: str


class Unfinished(NamedTuple):
    """A network as far as it could be built.

    Attributes:
        graph: the layers that could be added, without outputs.
        misfits: the layers that could not; empty if the fault is of another kind.
    """

    graph: Graph
    misfits: list[Misfit]
