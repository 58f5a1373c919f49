"""A graph rolled up: similar scopes become blocks with arguments, and equal neighbours one repeated item.

The scopes are those in the layers' names. Scopes with a few inputs and a single output are candidates; those of equal
structure become one block, and the numbers in which they differ become its arguments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

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
    if not (isinstance(value, tuple) and axes and len(set(value)) == 1) or value[0] is None:
        return value
    if axes == "pair":
        before, after = value[0]
        return before if before == after else value
    return value[0]


def _is_figure(value: object) -> bool:
    if isinstance(value, tuple):
        return bool(value) and all(_is_figure(item) for item in value)
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


def reads_of(part: Sequence[Entry]) -> tuple[Tensor, ...]:
    """Return what some items read from outside."""
    inside = {entry.node for entry in part}
    return tuple(dict.fromkeys(tensor for entry in part for tensor in entry.reads if tensor not in inside))


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


SHORT = 3
"""Most lines of a block that is written out where it saves no line."""


def without_needless(entries: list[Entry]) -> list[Entry]:
    """Return items in which scopes that occur only once, and short ones that save no line, are replaced by their items.

    A scope that shares another's weights stays.
    """
    count = Counter(entry.key for entry in all_scopes(entries))
    entries = _without({key for key, places in count.items() if places < 2}, entries)
    alike: dict[StructureKey, list[Entry]] = {}
    for entry in all_scopes(entries):
        alike.setdefault(entry.key, []).append(entry)
    shared = {entry.key for places in alike.values() for entry in places if entry.owner is not None}
    uses: dict[StructureKey, list[int]] = {key: [] for key in alike}
    for run in runs(entries):
        if run[0].inner is not None:
            uses[run[0].key].append(len(run))
    needless: set[StructureKey] = set()
    for key, places in reversed(alike.items()):  # the outermost first
        inner = places[0].inner or []
        length, used = lines_of(inner, places[0].reads), sum(uses[key])
        is_given = any(figures_of(place) != figures_of(places[0]) for place in places)
        rolled = sum([1 + (repeat > 1) for repeat in uses[key]]) + length + 2 + is_given
        if key not in shared and (len(inner) < 2 or (length <= SHORT and rolled >= used * length)):
            needless.add(key)
        for run in runs(inner):
            if run[0].inner is not None:
                uses[run[0].key] += [len(run)] * (used if key in needless else 1)
    return _without(needless, entries)


def _without(needless: set[StructureKey], entries: list[Entry]) -> list[Entry]:
    """Return items in which some scopes are replaced by their items."""
    found: list[Entry] = []
    for entry in entries:
        is_needless = entry.key in needless
        if entry.inner is not None:
            entry.inner = _without(needless, entry.inner)
            entry.key = structure(entry.inner, entry.reads)
        found += entry.inner or [] if is_needless else [entry]
    return found


def follows(entry: Entry, before: Entry) -> bool:
    """Whether an item is a scope of the same structure as the one before it, and reads just that."""
    return entry.inner is not None and entry.key == before.key and entry.reads == (before.node,)


def runs(entries: list[Entry]) -> Iterator[list[Entry]]:
    """Yield the items of a list, together those scopes that are equal and each read just the one before."""
    run: list[Entry] = []
    for entry in entries:
        if run and not (follows(entry, run[-1]) and figures_of(entry) == figures_of(run[0])):
            yield run
            run = []
        run.append(entry)
    if run:
        yield run


def figures_of(entry: Entry) -> list[object]:
    """Return all figures of an item."""
    return [value for one in entry.inner for value in figures_of(one)] if entry.inner else [*entry.values.values()]


def lines_of(entries: list[Entry], reads: tuple[Tensor, ...]) -> int:
    """Return how many lines the items of a block have that reads some tensors."""
    named: set[Tensor] = set()
    count, above = 0, reads[0] if len(reads) == 1 else None
    for entry in entries:
        is_said = entry.reads not in ((above,), ())
        named.update(entry.reads if is_said else ())
        count, above = count + 1 + is_said, entry.node
    return count + sum(entry.node in named for entry in entries)
