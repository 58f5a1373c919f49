"""Branches of a model file that depend on the input: run the condition to find the branch that is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from functools import partial

import numpy as np

from cnncalc.execution.report import Run
from cnncalc.execution.weights import expected
from cnncalc.graph import Graph, Node
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_CHOICES, MAX_DECIDED
from cnncalc.layers.interfaces import Array


def _needed(stored: Callable[[], Mapping[str, Array]], part: Graph) -> Mapping[str, Array]:
    """Return the tensors of a file that a part of its network needs."""
    found = stored()
    return {item.name: found[item.name] for item in expected(part) if item.name in found}


def chosen(network: Graph, run: Callable[[Graph], Run]) -> Graph:
    """Return the network for the input of a run: its branches are decided one after the other, up to two bounds.

    Args:
        network: the network, with undecided branches.
        run: runs a network on the input.

    Raises:
        CnncalcError: if samples of a batch choose differently.
    """
    made = built = 0
    while (
        made < MAX_CHOICES
        and built < MAX_DECIDED
        and network.model.decided is not None
        and isinstance(by := network.model.undecided[0].by, Node)
    ):
        key, words, _ = network.model.undecided[0]
        part = network.up_to(by)
        if network.model.tensors is not None:
            part.model = part.model._replace(tensors=partial(_needed, network.model.tensors, part))
        truths = {bool(value) for value in np.ravel(run(part).output)}
        if len(truths) > 1:
            raise CnncalcError(f"the samples of the batch take different branches of {words}", "run them one by one")
        network = network.model.decided(key, truths.pop())
        made, built = made + 1, built + len(network.nodes) + network.effort
    if network.model.decided is not None:  # the rest stays undecided
        network = copy(network)
        network.model = network.model._replace(decided=None)
    return network
