"""A graph rolled up: similar scopes become blocks with arguments, and equal neighbours one repeated item.

The scopes are those in the layers' names. Scopes with a few inputs and a single output are candidates; those of equal
structure become one block, and the numbers in which they differ become its arguments.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from cnncalc.exporters.columns import MOST_COMPARED, FigureColumn, is_half, multiple
from cnncalc.exporters.scopes import ScopePart, parts_of
from cnncalc.graph import Graph, Node, Tensor
from cnncalc.layers.arguments import REQUIRED

StructureKey = tuple[object, ...]

UNSTATED = ("in_channels", "in_features")
"""Arguments that only check what is inferred."""

FOLLOWS = ("out_channels", "groups")
"""Arguments that are expressed by the input's channels if they are as many, or a multiple, in every place."""


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
        values: its figures: arguments that may differ between places of equal structure.
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
                if name not in UNSTATED:
                    value = _short(node.layer.__dict__[name], argument.axes)
                    (self.values if _is_figure(value) else self.fixed)[name] = value
        self.key: StructureKey = structure(inner, reads) if inner else (node.layer.type, *self.fixed.items())

    @property
    def channels(self) -> int:
        """The input's channels; 0 without an input."""
        return self.reads[0].shape[0] if self.reads and self.reads[0].shape else 0


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


# --- blocks --------------------------------------------------------------------------------------------------


class BlockText(NamedTuple):
    """A block of a spec.

    Attributes:
        name: its name.
        entries: its items.
        expressions: the expression of an item's argument, by the item's place and the argument's name.
        arguments: its own arguments, each with its default; None if it must be given.
        reads: the inputs of the scope that the items are those of.
    """

    name: str
    entries: list[Entry]
    expressions: dict[tuple[int, str], str]
    arguments: dict[str, object]
    reads: tuple[Tensor, ...]


def blocks(entries: list[Entry], taken: Callable[[str], bool]) -> dict[StructureKey, BlockText]:
    """Return the blocks that scopes become, the innermost first; each scope gets its arguments as values."""
    found: dict[StructureKey, BlockText] = {}
    places: dict[StructureKey, list[Entry]] = {}
    for entry in all_scopes(entries):
        places.setdefault(entry.key, []).append(entry)
    names: set[str] = set()
    numbers: dict[str, int] = {}
    for key, alike in places.items():
        held = {found[item.key].name for item in alike[0].inner or () if item.inner is not None}
        name = _numbered(_block_stem(alike, taken, held), lambda name: name in names or taken(name), numbers)
        names.add(name)
        found[key] = _block(name, alike, found, taken)
    return found


NamedColumns = dict[tuple[object, ...], str]
"""The columns of values that have names."""

NUMBERED = r"_\d+$"
"""Ending of a name that was taken before."""

PLURAL = r"(?<=[cs]h|ss)es$|(?<=\w\w[^sui])(?<!bia)s$"
"""Ending of a plural."""


def _numbered(stem: str, is_taken: Callable[[str], bool], numbers: dict[str, int]) -> str:
    """Return a name that is not taken: the stem, or with a number after it; ``numbers`` has the next of each stem."""
    name, number = stem, numbers.get(stem, 2)
    while is_taken(name):
        name, number = f"{stem}_{number}", number + 1
    numbers[stem] = number
    return name


MOST_NAMED = 3
"""Most layers in a block's name."""


def _word(scope: str) -> str:
    """Return the last part of a scope that is not a number."""
    words = [re.sub(r"\W", "", part).strip("_") for part in scope.split(".")]
    return next((word for word in reversed(words) if word and not word[0].isdigit()), "block")


def _block_stem(alike: list[Entry], taken: Callable[[str], bool], held: set[str]) -> str:
    """Return the stem of a block's name: that of its scopes in the file, or of its layers if scopes' names differ.

    A block that holds blocks of its own name is called a stage.
    """
    words = {_word(entry.scope) for entry in alike}
    heads = {re.split(r"_?\d", word, maxsplit=1)[0] for word in words}
    layers = alike[0].inner or []
    if len(heads) > 1 and len(layers) <= MOST_NAMED and not any(item.inner for item in layers):
        stem = "_".join([item.node.layer.stem for item in layers])
    else:
        stem = heads.pop() if len(words) > 1 and len(heads) == 1 else re.sub(r"(?<!\dx)\d+$", "", _word(alike[0].scope))
    stem = re.sub(PLURAL, "", stem)
    stem = f"{stem}_block" if taken(stem) else stem
    return "stage" if stem in {re.sub(NUMBERED, "", name) for name in held} else stem


def _block(
    name: str, alike: list[Entry], inner: dict[StructureKey, BlockText], taken: Callable[[str], bool]
) -> BlockText:
    """Return the block of scopes that are alike, and give each its arguments; ``inner`` are the blocks within.

    Layers come before blocks, so that a block within is given a part of the layers' width: ``out_channels // 4``.
    """
    first = alike[0].inner or []
    columns: dict[str, NamedColumns] = {}
    expressions: dict[tuple[int, str], str] = {}
    arguments: dict[str, object] = {}
    numbers: dict[str, int] = {}

    def column_of(number: int, argument: str) -> tuple[object, ...]:
        return tuple([(place.inner or [])[number].values[argument] for place in alike])

    last = {argument: column_of(number, argument) for number, entry in enumerate(first) for argument in entry.values}
    for number, entry in sorted(enumerate(first), key=lambda item: item[1].inner is not None):
        for argument in entry.values:
            column = column_of(number, argument)
            if len(set(column)) == 1:
                continue
            channels = tuple([(place.inner or [])[number].channels for place in alike])
            of_channels = _of_channels(column, channels, entry.inner is not None)
            if of_channels is not None and argument in FOLLOWS and entry.inner is None:
                expressions[number, argument] = of_channels
                continue
            alike_ones = columns.setdefault(_family(argument), {})
            known = alike_ones.get(column) or _in_terms_of(alike_ones, column, entry.inner is not None)
            if known is None and entry.inner is not None and _family(argument) == "width":
                known = of_channels
            if known is None and argument == "padding":
                known = _half(column, columns.get("kernel_size", {}))
            if known is None:
                is_inside = column != last[argument] and not multiple(last[argument], column).endswith("{}")
                wanted = INSIDE.get(argument, argument) if is_inside else argument
                if entry.inner is not None and wanted in arguments:
                    wanted = f"{inner[entry.key].name}_{wanted}"
                stem = re.sub(NUMBERED, "", wanted)
                known = _numbered(f"{stem}_of" if taken(stem) else stem, arguments.__contains__, numbers)
                alike_ones[column] = known
                default = _default(entry, argument, inner)
                arguments[known] = default if default in column else None
                for place, value in zip(alike, column, strict=True):
                    place.values[known] = value
            expressions[number, argument] = known
    given = dict(sorted(arguments.items(), key=lambda item: item[1] is not None))
    return BlockText(name, first, expressions, given, alike[0].reads)


def _default(entry: Entry, argument: str, inner: dict[StructureKey, BlockText]) -> object:
    """Return an argument's default in its layer or block; None if it has none."""
    if entry.inner is not None:
        return inner[entry.key].arguments[argument]
    known = entry.node.layer.arguments[argument]
    if known.default in (None, REQUIRED):
        return None
    value = known.convert(known.default)
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


DOUBLED = "2 * {}"
"""Growth of widths from stage to stage, of which the width itself is written rather than the factor."""

INSIDE = {"out_channels": "hidden_channels", "out_features": "hidden_features"}
"""Name of a block's argument that does not belong to its last item."""


def _family(argument: str) -> str:
    """Return the kind of an argument's figures; channels, features and groups are widths, multiples of each other."""
    stem = re.sub(NUMBERED, "", argument)
    return "width" if stem.endswith(("channels", "features", "groups")) else stem


def _in_terms_of(columns: NamedColumns, column: FigureColumn, parts: bool) -> str | None:
    """Return a column as a multiple of a known one, ``4 * width``, or else as a part of one, ``width // 4``."""
    texts = {name: multiple(column, other) for other, name in islice(columns.items(), MOST_COMPARED)}
    for is_part in (False, True) if parts else (False,):
        for name, text in texts.items():
            if text and text.startswith("{}") is is_part:
                return text.format(name)
    return None


def _of_channels(column: FigureColumn, channels: FigureColumn, parts: bool) -> str | None:
    """Return a column of widths in terms of the channels that come in; ``parts``: also as a part of them."""
    if column == channels:
        return "in_channels"
    text = multiple(column, channels)
    is_said = text.startswith("{}") if parts and not text.endswith("{}") else text.endswith("{}") and text != DOUBLED
    return text.format("in_channels") if text and is_said else None


def _half(padding: FigureColumn, kernels: NamedColumns) -> str | None:
    """Return a column of paddings as half of a known kernel size, which keeps the size of a map."""
    known = islice(kernels.items(), MOST_COMPARED)
    return next((f"{name} // 2" for kernel, name in known if is_half(padding, kernel)), None)
