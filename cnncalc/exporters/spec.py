"""A graph as a readable spec, verified by reading it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from cnncalc.exporters.formats import Options, check_text
from cnncalc.exporters.nesting import nested
from cnncalc.exporters.rolling import Entry, items_of_graph, without_needless
from cnncalc.exporters.shared import with_owners
from cnncalc.exporters.spec_text import distinct, text_of
from cnncalc.exporters.stretches import with_stretches
from cnncalc.graph import Graph, ModelData, Node, Tensor
from cnncalc.ground.errors import CnncalcError
from cnncalc.language.findings import noticed
from cnncalc.language.loading import read_text
from cnncalc.layers import layer_types
from cnncalc.layers.base import Use

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array

CLEARLY_SHORTER = 0.9
"""Share of the lines that a spec may have at most for blocks to be made of more than the file's scopes."""


def written(graph: Graph) -> tuple[str, Graph]:
    """Return the text of a spec that builds a graph again, and the graph that it builds.

    The layers of the new graph have names of their own; it has the tensors of the original's file by these names.

    Raises:
        CnncalcError: if a spec can't express the graph.
    """
    graph.check_count("written as a spec")
    check_text(graph)
    for tensor in graph.inputs.values():
        if tensor.times != 1:
            raise CnncalcError(f"input '{tensor.name}' has no batch, which a spec can't express")
    for node in graph.nodes:
        if node.layer.type not in layer_types():
            raise CnncalcError(f"'{node.name}' is of type {node.layer.type}, which a spec does not have")
    problem = ""
    for text, one, nodes in _candidates(graph):
        try:
            with noticed():  # warnings were reported for the original
                other = read_text(text.encode(), "imported.yaml").build()
        except CnncalcError as error:
            problem = str(error)
            continue
        problem = difference(one, other)
        if not problem:
            if graph.model.tensors is not None:
                other.model = ModelData(partial(_renamed, graph.model.tensors, other, nodes))
            return text, other
    raise CnncalcError(f"'{graph.title}' can't be written as a spec: {problem}")


def _candidates(graph: Graph) -> Iterator[tuple[str, Graph, Sequence[Node]]]:
    """Yield texts to try, the best first: with stretches as blocks, with just the file's scopes as blocks, with none.

    Each comes with the graph that it should build, and with the original layer of each of that graph's.
    """
    neat, nodes = nested(graph)
    rolled = text_of(neat, _rolled(neat))
    entries = _rolled(neat)  # others than those above, as stretches change them
    stretched = with_stretches(entries, set(neat.outputs.values()))
    if len(stretched) < len(entries):
        text = text_of(neat, without_needless(stretched))
        if text.count("\n") <= CLEARLY_SHORTER * rolled.count("\n"):
            yield text, neat, nodes
    yield rolled, neat, nodes
    yield text_of(graph, with_owners([Entry(node, node.inputs) for node in graph.nodes], graph)), graph, graph.nodes


def _rolled(graph: Graph) -> list[Entry]:
    """Return the items of a graph, those of its scopes that save lines as one item each."""
    return without_needless(with_owners(items_of_graph(graph), graph))


def _renamed(stored: Callable[[], Mapping[str, Array]], graph: Graph, nodes: Sequence[Node]) -> Mapping[str, Array]:
    """Return a file's tensors by their names in a graph; ``nodes`` are the file's own, one for each of the graph's."""
    names = {
        node.key(tensor): one.key(tensor)
        for node, one in zip(graph.nodes, nodes, strict=True)
        for tensor in node.use.weights
    }
    return RenamedTensors(stored(), names)


class RenamedTensors(Mapping[str, "Array"]):
    """Tensors by other names, each read on access."""

    def __init__(self, tensors: Mapping[str, Array], names: Mapping[str, str]) -> None:
        self.tensors = tensors
        self.names = {name: old for name, old in names.items() if old in tensors}

    def __getitem__(self, name: str) -> Array:
        return self.tensors[self.names[name]]

    def __contains__(self, name: object) -> bool:
        return name in self.names  # a mapping would read the tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def export(graph: Graph, options: Options) -> Iterator[bytes]:
    """Yield the text of a spec; see :func:`written`."""
    yield written(graph)[0].encode()


def difference(graph: Graph, other: Graph) -> str:
    """Return the difference of a spec's graph from the original; "" if there is none."""
    if len(other.nodes) != len(graph.nodes):
        return f"it has {len(other.nodes)} layers, not {len(graph.nodes)}"
    our_places, their_places = _places(graph), _places(other)
    for one, two in zip(graph.nodes, other.nodes, strict=True):
        if _kind(one) != _kind(two):
            return f"'{one.name}' is not the same"
        if _figures(one.use) != _figures(two.use):
            return f"'{one.name}' has other figures"
        if [our_places[tensor] for tensor in one.inputs] != [their_places[tensor] for tensor in two.inputs]:
            return f"'{one.name}' reads something else"
        if (one.shares and one.shares.index) != (two.shares and two.shares.index):
            return f"'{one.name}' has other weights"
    ends = [our_places[tensor] for tensor in distinct(graph)]
    return "" if ends == [their_places[tensor] for tensor in distinct(other)] else "it has other outputs"


def _kind(node: Node) -> tuple[object, ...]:
    return node.layer.type, node.use.inputs, node.use.output, node.times


def _figures(use: Use) -> tuple[object, ...]:
    return use.params, use.buffers, use.macs, use.flops


def _places(graph: Graph) -> dict[Tensor, int]:
    """Return the place of each layer, and of each input after them all."""
    tensors: list[Tensor] = [*graph.nodes, *graph.inputs.values()]
    return {tensor: number for number, tensor in enumerate(tensors)}
