"""Scopes that are alike as one block: its name, and its arguments, the figures in which they differ."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

from cnncalc.exporters.columns import MOST_COMPARED, FigureColumn, is_half, multiple
from cnncalc.exporters.naming import first_free, scope_word, singular, with_letter
from cnncalc.exporters.rolling import SHAPE, Entry, StructureKey, all_scopes
from cnncalc.exporters.sizes import KEPT, following
from cnncalc.graph import Tensor
from cnncalc.layers.arguments import REQUIRED

FOLLOWS = ("out_channels", "out_features", "groups")
"""Arguments that are expressed by the input's channels if they are as many, or a multiple, in every place."""


class BlockText(NamedTuple):
    """A block of a spec.

    Attributes:
        name: its name.
        entries: its items.
        expressions: the expressions of an item's arguments, by the item's place.
        arguments: its own arguments, each with its default; None if it must be given, and a name of :data:`INCOMING`
            if it is as wide as what the block reads.
        reads: the inputs of the scope that the items are those of.
    """

    name: str
    entries: list[Entry]
    expressions: dict[int, dict[str, str]]
    arguments: dict[str, object]
    reads: tuple[Tensor, ...]


def blocks(entries: list[Entry], taken: Callable[[str], bool]) -> dict[StructureKey, BlockText]:
    """Return the blocks that scopes become, the innermost first; each scope gets its arguments as values."""
    found: dict[StructureKey, BlockText] = {}
    places: dict[StructureKey, list[Entry]] = {}
    for entry in all_scopes(entries):
        places.setdefault(entry.key, []).append(entry)
    stems: dict[StructureKey, str] = {}
    names: set[str] = set()
    numbers: dict[str, int] = {}
    for key, alike in places.items():
        held = {stems[item.key] for item in alike[0].inner or () if item.inner is not None}
        stems[key] = _block_stem(alike, taken, held)
        name = first_free(stems[key], lambda name: name in names or taken(name), numbers, with_letter)
        names.add(name)
        found[key] = block_of(name, alike, found, taken)
    return found


NamedColumns = dict[tuple[object, ...], str]
"""The columns of values that have names."""

NUMBERED = r"_\d+$"
"""Ending of a name that was taken before."""

MOST_NAMED = 3
"""Most layers in a block's name."""


def _block_stem(alike: list[Entry], taken: Callable[[str], bool], held: set[str]) -> str:
    """Return the stem of a block's name: that of its scopes in the file, or of its layers if scopes' names don't help.

    A block that holds blocks of its own name is called a stage.
    """
    words = {scope_word(entry.scope) for entry in alike}
    heads = {re.split(r"_?\d", word, maxsplit=1)[0] for word in words}
    layers = alike[0].inner or []
    if (len(heads) > 1 or not alike[0].scope) and len(layers) <= MOST_NAMED and not any(item.inner for item in layers):
        stem = "_".join([item.node.layer.stem for item in layers])
    elif len(words) > 1 and len(heads) == 1:
        stem = heads.pop()
    else:
        stem = re.sub(r"(_?(?<!\dx)\d+)+$", "", scope_word(alike[0].scope))
    stem = singular(stem)
    stem = f"{stem}_block" if taken(stem) else stem
    return "stage" if stem in held else stem


def block_of(
    name: str, alike: list[Entry], inner: dict[StructureKey, BlockText], taken: Callable[[str], bool]
) -> BlockText:
    """Return the block of scopes that are alike, and give each its arguments; ``inner`` are the blocks within.

    Layers come before blocks, so that a block within is given a part of the layers' width: ``out_channels // 4``.
    """
    first = alike[0].inner or []
    arguments = _Arguments(alike, inner, taken)
    for number, entry in sorted(enumerate(first), key=lambda item: item[1].inner is not None):
        arguments.express(number, entry)
    given = dict(sorted(arguments.defaults.items(), key=lambda item: item[1] is not None))
    return BlockText(name, first, arguments.expressions, given, alike[0].reads)


class _Arguments:
    """The arguments of a block: figures that differ between its places, and don't follow from others.

    Attributes:
        columns: the names of these figures, by their kind.
        expressions: as in :class:`BlockText`.
        defaults: the arguments, each with its default; None if it must be given.
    """

    def __init__(self, alike: list[Entry], inner: dict[StructureKey, BlockText], taken: Callable[[str], bool]) -> None:
        self.alike = alike
        self.inner = inner
        self.taken = taken
        self.columns: dict[str, NamedColumns] = {}
        self.expressions: dict[int, dict[str, str]] = {}
        self.defaults: dict[str, object] = {}
        self.numbers: dict[str, int] = {}
        items = enumerate(alike[0].inner or [])
        self.last = {name: _column(self.places(number), name) for number, entry in items for name in entry.values}

    def places(self, number: int) -> list[Entry]:
        """Return an item at every place of the block."""
        return [(place.inner or [])[number] for place in self.alike]

    def express(self, number: int, entry: Entry) -> None:
        """Find expressions of an item's figures, or make them arguments."""
        places = self.places(number)
        is_reshape = entry.inner is None and entry.node.layer.type == "reshape"
        follows = following([place.node for place in places]) if entry.inner is None else {}
        found = {argument: KEPT for argument in entry.values if follows.get(argument) == KEPT}
        given = {} if entry.inner is None else self.inner[entry.key].arguments
        varied = [
            name
            for name in entry.values
            if name not in found and given.get(name) not in INCOMING and len(set(_column(places, name))) > 1
        ]
        for argument in varied:
            known = follows.get(argument) or self.known(entry, argument, places)
            if known is not None:
                found[argument] = known
        if is_reshape:
            sizes = [name for name in entry.values if name.startswith(SHAPE) and found.get(name) != KEPT]
            joined = [name for name in sizes if "*" in follows.get(name, "")]
            free = [name for name in sizes if name in varied] or joined or (sizes if len(sizes) == 1 else [])
            if free:  # the one that would need an argument, or the longest expression
                found[max(free, key=lambda name: len(found.get(name, "unknown" * 9)))] = "-1"
        for argument in varied:
            if argument not in found:
                found[argument] = self.known(entry, argument, places) or self.named(entry, argument, places)
        self.expressions[number] = found

    def known(self, entry: Entry, argument: str, places: list[Entry]) -> str | None:
        """Return a figure in terms of the incoming channels or of known arguments; None if it is in none."""
        column = _column(places, argument)
        family, is_block = family_of(argument), entry.inner is not None
        names, widths = zip(*[place.width(argument) for place in places], strict=True)
        is_first = widths == tuple([place.width(argument)[1] for place in self.alike])
        of_channels = _of_channels(column, widths, is_block or is_first or argument == "groups")
        of_channels = of_channels and of_channels.format(names[0])
        if of_channels is not None and argument in FOLLOWS and not is_block:
            return of_channels
        alike_ones = self.columns.get(family, {})
        known = alike_ones.get(column) or _in_terms_of(alike_ones, column, is_block)
        if known is None and is_block and family == "width":
            known = of_channels
        if known is None and argument == "padding":
            known = _half(column, self.columns.get("kernel_size", {}))
        return known

    def named(self, entry: Entry, argument: str, places: list[Entry]) -> str:
        """Make a figure an argument, and return its name."""
        column, last = _column(places, argument), self.last[argument]
        is_inside = column != last and not multiple(last, column).endswith("{}")
        wanted = re.sub(r"\.\d+$", "", argument)
        wanted = INSIDE.get(wanted, wanted) if is_inside else NAMED.get(wanted, wanted)
        if entry.inner is not None and wanted in self.defaults:
            wanted = f"{self.inner[entry.key].name}_{wanted}"
        stem = re.sub(NUMBERED, "", wanted)
        name = first_free(f"{stem}_of" if self.taken(stem) else stem, self.defaults.__contains__, self.numbers)
        self.columns.setdefault(family_of(argument), {})[column] = name
        default = _default(entry, argument, self.inner)
        names, widths = zip(*[place.width(argument) for place in self.alike], strict=True)
        is_incoming = widths == column and family_of(argument) == "width"
        self.defaults[name] = names[0] if is_incoming else default if default in column else None
        for place, value in zip(self.alike, column, strict=True):
            place.values[name] = value
        return name


def _column(places: list[Entry], argument: str) -> tuple[object, ...]:
    """Return an argument at every place."""
    return tuple([place.values[argument] for place in places])


def _default(entry: Entry, argument: str, inner: dict[StructureKey, BlockText]) -> object:
    """Return an argument's default in its layer or block; None if it has none."""
    if entry.inner is not None:
        return inner[entry.key].arguments[argument]
    known = entry.node.layer.arguments.get(argument)
    if known is None or known.default in (None, REQUIRED):
        return None
    value = known.convert(known.default)
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


INCOMING = ("in_channels", "in_shape[-1]")
"""Defaults of arguments that are as wide as what a block reads."""

DOUBLED = "2 * {}"
"""Growth of widths from stage to stage, of which the width itself is written rather than the factor."""

NAMED = {"shape": "size", "fold": "windows", "unfold": "windows", "start": "split", "stop": "split"}
"""Names of a block's arguments that say more than those of its layers'."""

INSIDE = {**NAMED, "out_channels": "hidden_channels", "out_features": "hidden_features"}
"""Names of a block's arguments that do not belong to its last item."""


def family_of(argument: str) -> str:
    """Return the kind of an argument's figures; channels, features and groups are widths, multiples of each other."""
    stem = re.sub(NUMBERED, "", argument).partition(".")[0]
    return "width" if stem.endswith(("channels", "features", "groups")) else NAMED.get(stem, stem)


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
        return "{}"
    text = multiple(column, channels)
    is_said = text != DOUBLED if text.endswith("{}") else parts
    return text if text and is_said else None


def _half(padding: FigureColumn, kernels: NamedColumns) -> str | None:
    """Return a column of paddings as half of a known kernel size, which keeps the size of a map."""
    known = islice(kernels.items(), MOST_COMPARED)
    return next((f"{name} // 2" for kernel, name in known if is_half(padding, kernel)), None)
