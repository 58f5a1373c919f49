"""Shared weights in a spec: an item names the item that owns them; scopes that make this impossible are dissolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cnncalc.exporters.rolling import Entry, structure
from cnncalc.graph import Graph, Node


def with_owners(entries: list[Entry], graph: Graph) -> list[Entry]:
    """Return the items of a graph, each with its owner; a scope that cannot have one is replaced by its items."""
    return _with_owners(entries, {node: node.shares for node in graph.nodes if node.shares is not None})


def _with_owners(entries: list[Entry], shared: Mapping[Node, Node]) -> list[Entry]:
    """Return the items of one list; ``shared`` has, by node, the node whose weights it shares: both are in the list."""
    if not shared:
        return entries
    while True:
        place = {node: entry for entry in entries for node in _nodes(entry)}
        pairs: dict[tuple[Entry, Entry], list[tuple[Node, Node]]] = {}
        for node, owner in shared.items():
            pairs.setdefault((place[node], place[owner]), []).append((node, owner))
        apart = [pair for pair, nodes in pairs.items() if pair[0] is not pair[1] and not _are_alike(*pair, nodes)]
        broken = {entry for pair in apart for entry in pair}
        if not broken:
            break
        entries = [item for entry in entries for item in ((entry.inner or [entry]) if entry in broken else [entry])]
    for (entry, other), nodes in pairs.items():
        if entry is not other:
            entry.owner = other
        elif entry.inner is not None:
            entry.inner = _with_owners(entry.inner, dict(nodes))
            entry.key = structure(entry.inner, entry.reads)
    return entries


def _are_alike(entry: Entry, owner: Entry, nodes: list[tuple[Node, Node]]) -> bool:
    """Whether an item is like another one and shares all of its weights, in their order."""
    if entry.inner is None and owner.inner is None:
        return True
    weighted = [[node for node in _nodes(one) if node.use.weights] for one in (entry, owner)]
    return entry.key == owner.key and nodes == list(zip(*weighted, strict=True))


def _nodes(entry: Entry) -> Iterator[Node]:
    """Yield the layers of an item."""
    if entry.inner is None:
        yield entry.node
    for item in entry.inner or ():
        yield from _nodes(item)
