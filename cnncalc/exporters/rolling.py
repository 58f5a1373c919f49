"""A graph rolled up: similar scopes become blocks with arguments, and equal neighbours one repeated item.

The scopes are those in the layers' names. Scopes with a few inputs and a single output are candidates; those of equal
structure become one block, and the numbers in which they differ become its arguments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from cnncalc.exporters.scopes import ScopePart, parts_of
from cnncalc.graph import Graph, Node, Tensor

StructureKey = tuple[object, ...]

UNSTATED = ("in_channels", "in_features")
"""Arguments that only check what is inferred."""

SHAPE = "shape"
"""Argument whose sizes are figures of their own: ``shape.0``, ``shape.1``, …"""

MOST_INPUTS = 4
"""Most inputs of a block."""


class Entry:
    """One item of a list: a layer, or a scope that may become a block.

    Attributes:
        node: the layer, or the last one of the scope.
        reads: its inputs.
        inner: the items of a scope; None for a layer.
        scope: the scope's name.
        owner: the item of the same list whose weights it shares; None if it has its own.
        values: its figures: arguments that may differ between places of equal structure; of a shape, each size.
        fixed: a layer's other arguments.
        key: its structure: its type and other arguments, or the structure of its items.
    """

    owner: Entry | None = None

    def __init__(
        self, node: Node, reads: tuple[Tensor, ...], inner: list[Entry] | None = None, scope: str = ""
    ) -> None:
        self.node = node
        self.reads = reads
        self.inner = inner
        self.scope = scope
        self.values: dict[str, object] = {}
        self.fixed: dict[str, object] = {}
        if inner is None:
            for name, argument in node.layer.arguments.items():
                value = _short(node.layer.__dict__[name], argument.axes)
                if name == SHAPE and isinstance(value, tuple):
                    sizes = node.use.output if node.layer.type == "reshape" else value
                    self.values.update({f"{name}.{axis}": size for axis, size in enumerate(sizes)})
                elif name not in UNSTATED:
                    (self.values if _is_figure(value) else self.fixed)[name] = value
        own = (node.layer.type, len(self.values), *self.fixed.items())
        self.key: StructureKey = structure(inner, reads) if inner else own

    def width(self, argument: str) -> tuple[str, int]:
        """Return the name and the size of the input's axis to which an argument refers; its features are the last one.

        The size is 0 without such an axis.
        """
        shape = self.reads[0].shape if self.reads else ()
        if len(shape) < 2 or "features" not in argument:
            return "in_channels", shape[0] if shape else 0
        is_last = self.inner is not None or self.node.layer.__dict__.get("axis") == -1
        return "in_shape[-1]", shape[-1] if is_last else 0


def _short(value: object, axes: str) -> object:
    """Return an argument as people write it: a single figure if all axes have the same."""
    if not (isinstance(value, tuple) and axes and len(set(value)) == 1):
        return value
    if axes == "pair":
        before, after = value[0]
        return before if before == after else value
    return value[0]


def _is_figure(value: object) -> bool:
    if isinstance(value, tuple):
        return bool(value) and all(isinstance(item, int) for item in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def structure(entries: list[Entry], sources: tuple[Tensor, ...]) -> StructureKey:
    """Return the structure shared by equal scopes: types, words, and which item reads which."""
    places: dict[Tensor, int] = {source: place - len(sources) for place, source in enumerate(sources)}
    found: list[object] = []
    for number, entry in enumerate(entries):
        owner = None if entry.owner is None else places[entry.owner.node]
        found.append((entry.key, owner, tuple([places[tensor] for tensor in entry.reads])))
        places[entry.node] = number
    return tuple(found)


def items_of_graph(graph: Graph) -> list[Entry]:
    """Return the items of a graph, its scopes as items with items of their own."""
    return _entries(parts_of(graph))


def _entries(part: ScopePart) -> list[Entry]:
    """Return the items of a scope; a scope inside is an item if it has one output, few inputs, and is in one piece."""
    found: list[Entry] = []
    for item in part.items:
        inner = item.inner
        if isinstance(inner, Node):
            found.append(Entry(inner, inner.inputs))
            continue
        entries, first, last = _entries(inner), inner.nodes[0], inner.nodes[-1]
        is_whole = 1 < len(inner.nodes) == last.index - first.index + 1
        is_one = is_whole and 0 < len(inner.reads) <= MOST_INPUTS and inner.makes == [last]
        found += [Entry(last, tuple(inner.reads), entries, inner.path)] if is_one else entries
    return sorted(found, key=lambda entry: entry.node.index)


def all_scopes(entries: list[Entry]) -> Iterator[Entry]:
    """Yield all scopes, the innermost first."""
    for entry in entries:
        if entry.inner is not None:
            yield from all_scopes(entry.inner)
            yield entry


def without_single(entries: list[Entry]) -> list[Entry]:
    """Return items in which every scope that occurs only once is replaced by its own items."""
    count = Counter(entry.key for entry in all_scopes(entries))

    def kept(some: list[Entry]) -> list[Entry]:
        found: list[Entry] = []
        for entry in some:
            if entry.inner is not None:
                entry.inner = kept(entry.inner)
                if count[entry.key] < 2 or len(entry.inner) < 2:
                    found += entry.inner
                    continue
            found.append(entry)
        return found

    return kept(entries)
