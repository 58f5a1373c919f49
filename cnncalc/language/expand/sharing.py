"""Shared weights while a spec is expanded: an item uses the weights of another, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

from cnncalc.graph import Node, Tensor
from cnncalc.language.document import Item, Reference
from cnncalc.language.expand.scopes import Flowing, Frame, Scopes
from cnncalc.language.faults import Faults
from cnncalc.layers.base import Layer, LayerError

_index = attrgetter("index")


class Sharing:
    """The owners of the weights that the next layers share.

    Attributes:
        owners: the nodes whose weights the next layers share, for each enclosing item that shares, the innermost last.
    """

    def __init__(self, scopes: Scopes, faults: Faults) -> None:
        self.scopes = scopes
        self.faults = faults
        self.owners: list[Iterator[Node]] = []
        self._weighted: list[Node] = []  # nodes with weights among those visited, in order
        self._looked_at = 0

    def begin(self, item: Item, frame: Frame) -> None:
        """Let the following layers share the weights of the item named by ``weights``."""
        self.owners.append(self._nodes(item, frame) if item.weights is not None else iter(()))

    def end(self, weights: Reference, result: Flowing) -> None:
        """Refuse an item that uses only some of the weights that it shares."""
        owners = self.owners.pop()
        left = next(owners, None) if result is not None else None
        if left is not None:
            message = f"shares the weights of '{weights.name}', but has no layer for those of '{left.name}'"
            self.faults.note(weights.origin, message, "both items must consist of the same layers")

    def owner(self, layer: Layer, tensors: tuple[Tensor, ...]) -> Node | None:
        """Return the node whose weights a layer shares; None if it shares none.

        Raises:
            LayerError: if no node is left for it.
        """
        if not layer.apply(tuple([tensor.shape for tensor in tensors])).weights:
            return None
        found = None
        for owners in self.owners:  # every enclosing item uses up one of its owners; the innermost one's is returned
            found = next(owners, None)
        if found is None:
            raise LayerError("has weights, but the item whose weights it shares has no more", argument="weights")
        return found

    def _nodes(self, item: Item, frame: Frame) -> Iterator[Node]:
        """Return the nodes whose weights an item shares, in order."""
        assert item.weights is not None
        ref = self.scopes.look_up(item.weights, frame)
        if ref is None:
            return iter(())
        if ref.type_name != item.type_name:
            message = f"'{item.weights.name}' is of type {ref.type_name}, but this item is of type {item.type_name}"
            self.faults.note(item.weights.origin, message, "weights can only be shared between items of one type")
            return iter(())
        from bisect import bisect_left

        self._weighted += [node for node in self.scopes.graph.nodes[self._looked_at :] if node.use.weights]
        self._looked_at = len(self.scopes.graph.nodes)
        start, end = (bisect_left(self._weighted, index, key=_index) for index in (ref.start, ref.end))
        return map(self._weighted.__getitem__, range(start, end))
