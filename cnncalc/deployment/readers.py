"""Which layers read a tensor on the device, where some layers are neither computation nor copy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from cnncalc.deployment.axes import Axes, Order, laid
from cnncalc.deployment.traits import (
    CHOOSING,
    COMMUTING,
    CONSTANTS,
    IDEMPOTENT,
    IDLE,
    IDLE_ON_ONES,
    KEEPING_SCALE,
    ONLY_IN_FLOAT,
    STRETCHING,
    UNARY,
    chooses,
)
from cnncalc.graph import Node

if TYPE_CHECKING:
    from cnncalc.deployment.constants import Converter
    from cnncalc.graph import Graph, Tensor
    from cnncalc.layers.other.affine import Affine
    from cnncalc.layers.shape.channel_shuffle import ChannelShuffle
    from cnncalc.layers.shape.pad import Pad


class DeviceReaders:
    """The readers of a network's tensors.

    Attributes:
        converter: the converter.
        nodes: the network's layers, without those on which no output depends.
        axes: the order of each tensor's axes on the device.
        passing: layers that are dropped on the device.
    """

    def __init__(self, graph: Graph, converter: Converter) -> None:
        self.converter = converter
        self.nodes = needed(graph)
        self.axes = Axes(graph)
        self._source: dict[Tensor, Tensor] = repeated(self.nodes)
        repeats = set(self._source)
        self._readers: dict[Tensor, list[Node]] = {}
        for node in self.nodes:
            for tensor in node.inputs if node not in repeats else ():
                self._readers.setdefault(self._source.get(tensor, tensor), []).append(node)
        self._outputs = {self._source.get(tensor, tensor) for tensor in graph.outputs.values()}
        self._known: dict[Tensor, tuple[list[Node], bool]] = {}
        self._chosen: set[Node] | None = None
        self.passing = set[Node]()
        for node in reversed(self.nodes):  # whether a layer vanishes depends on those after it
            if node in repeats or self._vanishes(node):
                self.passing.add(node)
        for node in self.nodes:
            if node in self.passing:
                self._source[node] = self.source(self._source[node] if node in repeats else node.inputs[0])

    def source(self, tensor: Tensor) -> Tensor:
        """Return the tensor that stands for another one on the device: what a chain of dropped layers passes on."""
        return self._source.get(tensor, tensor)

    def order(self, tensor: Tensor) -> Order:
        """Return the order of a tensor's axes on the device."""
        return self.axes.of(tensor)

    def beyond(self, tensor: Tensor) -> tuple[list[Node], bool]:
        """Return the layers that read a tensor, looking through those that are dropped on the device, and whether it is
        an output of the network.
        """
        tensor = self.source(tensor)
        known = self._known.get(tensor)
        if known is not None:
            return known
        found: list[Node] = []
        given = tensor in self._outputs
        waiting = list(self._readers.get(tensor, ()))[::-1]
        while waiting:
            node = waiting.pop()
            if node in self.passing:
                given = given or node in self._outputs
                waiting += list(self._readers.get(node, ()))[::-1]
            else:
                found.append(node)
        self._known[tensor] = (found, given)
        return found, given

    def sole_reader(self, tensor: Tensor) -> Node | None:
        """Return the one layer that reads a tensor; None if several do, or it is an output of the network."""
        readers = self.only_readers(tensor)
        return readers[0] if len(readers) == 1 else None

    def only_readers(self, tensor: Tensor) -> list[Node]:
        """Return the layers that read a tensor; none if it is an output of the network, which others may read, too."""
        readers, given = self.beyond(tensor)
        return [] if given else readers

    def is_read(self, tensor: Tensor) -> bool:
        """Whether a layer reads a tensor, or it is an output of the network."""
        return any(self.beyond(tensor))

    def take_away(self, tensor: Tensor, readers: Iterable[Node]) -> None:
        """Note that some layers read what is before a tensor, not the tensor."""
        found, given = self.beyond(tensor)
        gone = set(readers)
        self._known[self.source(tensor)] = [reader for reader in found if reader not in gone], given

    def is_chosen_from(self, tensor: Tensor) -> bool:
        """Whether a merge chooses elements of a tensor, perhaps through layers that keep its scale."""
        if self._chosen is None:
            self._chosen = found = set[Node]()
            for node in reversed(self.nodes):
                for reader in self.beyond(node)[0]:
                    if (chooses(reader) and not self.merges_in_float(reader)) or (
                        reader.layer.type in KEEPING_SCALE and reader in found
                    ):
                        found.add(node)
        return self.source(tensor) in self._chosen

    def merges_in_float(self, node: Node) -> bool:
        """Whether a merge that chooses has an input that is made for it alone, in float32, so that it works in that."""
        return node.layer.type in CHOOSING and any(
            isinstance(source, Node) and source.layer.type in ONLY_IN_FLOAT and self.sole_reader(source) is node
            for source in map(self.source, node.inputs)
        )

    def _is_dropped(self, node: Node) -> bool:
        """Whether a layer passes its input on: at most, its axes have other names, or sizes that are the same."""
        kind = node.layer.type
        if kind in IDLE or (kind in IDLE_ON_ONES and node.shape == node.inputs[0].shape):
            return kind != "global_avgpool" or self.converter.mean
        if kind == "channel_shuffle":
            return cast("ChannelShuffle", node.layer).groups in (1, node.shape[0])
        if kind == "pad":
            layer = cast("Pad", node.layer)
            return not any(map(any, (*layer.padding, layer.channels)))
        if kind == "affine":
            return cast("Affine", node.layer).mul == 1 and cast("Affine", node.layer).add == 0
        if kind == "expand":
            readers = self.only_readers(node)
            return bool(readers) and all(reader.layer.type in STRETCHING for reader in readers)
        if not node.layer.is_view:
            return False
        (source,) = node.inputs
        needed = self.axes.needed[node]
        return needed == self.order(source) and laid(source.shape, needed) == laid(node.shape, self.order(node))

    def _vanishes(self, node: Node) -> bool:
        if self._is_dropped(node):
            return True
        if node.layer.type not in ("flatten", "reshape"):
            return False
        if len(node.shape) > 1:  # a vector for every position of a map: merges broadcast it directly
            reader = self.sole_reader(node)
            gate = len(node.use.inputs[0]) == 1 and node.shape[0] == node.use.inputs[0][0]
            return gate and reader is not None and reader.layer.type in ("multiply", "add", "subtract")
        keeps = self.converter.drops_idle_reshapes and node.shape[0] == node.use.inputs[0][0]
        return (keeps or self.converter.dense_takes_maps) and self._feeds_dense(node)

    def _feeds_dense(self, node: Node) -> bool:
        """Whether only dense layers read a layer, looking through activations, batchnorms and constants."""
        waiting = [*self.only_readers(node)]
        dense = bool(waiting)
        while waiting and dense:
            reader = waiting.pop()
            between = self.only_readers(reader) if reader.layer.type in (*UNARY, *CONSTANTS) else []
            waiting += between
            dense = bool(between) or reader.layer.type == "linear"
        return dense


def needed(graph: Graph) -> list[Node]:
    """Return the layers on which an output depends; the converter leaves out the others."""
    found = set(graph.outputs.values())
    for node in reversed(graph.nodes):
        found.update(node.inputs if node in found else ())
    return [node for node in graph.nodes if node in found]


def repeated(nodes: Iterable[Node]) -> dict[Tensor, Tensor]:
    """Return the layers whose output is there already, each with the tensor that stands for it.

    The converter computes equal layers of the same tensors once, also of two that change places in a sum, and an
    idempotent layer after itself not again.
    """
    found: dict[Tensor, Tensor] = {}
    through: dict[Tensor, Tensor] = {}  # the tensor that stands for another one, if idle layers are none
    known: dict[tuple[object, ...], Node] = {}
    for node in nodes:
        inputs = [through.get(tensor, tensor) for tensor in node.inputs]
        before = inputs[0] if inputs else None
        if isinstance(before, Node) and node.layer.type in IDEMPOTENT and before.layer.type == node.layer.type:
            found[node] = through[node] = before
            continue
        owner = (node.shares or node) if node.use.weights else None
        pair = frozenset(inputs[:2]) if node.layer.type in COMMUTING else tuple(inputs[:2])
        equal = known.setdefault((node.layer.key(), owner, pair, *inputs[2:]), node)
        if equal is not node:
            found[node] = equal
        through[node] = before if before is not None and node.layer.type in ("dropout", "identity") else equal
    return found
