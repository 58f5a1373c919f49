"""The part of a network that could be built before the first fault in its spec."""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.graph import Graph, Tensor
from cnncalc.ground.places import Fault, SpecError


class Misfit(NamedTuple):
    """A layer that does not fit what comes in: its path, what would come in, and what is wrong."""

    name: str
    tensors: tuple[Tensor, ...]
    message: str


class UnfinishedError(SpecError):
    """Faults of a spec, with the network as far as it could be built.

    Attributes:
        graph: the layers that could be added, without outputs.
        misfits: the layers that could not; empty where the fault is of another kind.
    """

    def __init__(self, faults: list[Fault], graph: Graph, misfits: list[Misfit]) -> None:
        super().__init__(faults)
        self.graph = graph
        self.misfits = misfits
