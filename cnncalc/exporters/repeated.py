"""Stretches that stand in several places of a list, or of the scopes in it, as items with items of their own.

A stretch has one input, others read only its last item, and it parts no layer from the norm and the activation behind
it.  Scopes of one structure stay so: what is done in one is done in all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice, pairwise, takewhile
from typing import NamedTuple

from cnncalc.exporters.blocks import family_of
from cnncalc.exporters.rolling import (
    Entry,
    StructureKey,
    all_scopes,
    figures_of,
    follows,
    lines_of,
    reads_of,
    runs,
)
from cnncalc.graph import Tensor

NAMES = {"add": "residual", "multiply": "gate", "concat": "branches"}
"""Names of stretches, by the layer that joins their branches."""

MOST_ITEMS, LONGEST, MOST_ROUNDS, MOST_TRIED = 600, 24, 12, 24
"""Most items in which stretches are searched, most of one stretch, most that are found, and most that are tried."""

MOST_DIFFERENT = 2
"""Most figures, other than widths, in which the places of a stretch may differ."""

DECLARED = 4
"""Lines of a block's declaration."""


def with_repeated(entries: list[Entry], kept: Collection[Tensor], of_blocks: bool = False) -> list[Entry]:
    """Return a list in which the stretches that save most lines as blocks are items.

    Args:
        entries: the items.
        kept: tensors that are read later.
        of_blocks: whether only those stretches are searched that are equal to a scope.
    """
    for _ in range(MOST_ROUNDS):
        stretches = _Stretches(entries, kept)
        chosen = stretches.best(of_blocks)
        if not chosen:
            break
        entries = stretches.as_items(stretches.whole, chosen)
    return entries


class UnitList(NamedTuple):
    """A list in units, each several equal scopes in a row or one item; ``kept`` are tensors that are read later."""

    units: list[list[Entry]]
    kept: Collection[Tensor]


def _of_scope(entries: list[Entry]) -> UnitList:
    """Return the items of a scope in units that are the same in scopes of one structure, whatever their figures."""
    units: list[list[Entry]] = []
    for entry in entries:
        if units and follows(entry, units[-1][-1]):
            units[-1].append(entry)
        else:
            units.append([entry])
    return UnitList(units, {entries[-1].node})


class StretchPlace(NamedTuple):
    """Where a stretch stands: in a list, and in those of all scopes that are like the list's."""

    lists: Sequence[UnitList]
    start: int
    end: int

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole list, so that it is a block already."""
        return self.end - self.start == len(self.lists[0].units)

    def units(self, place: int = 0) -> list[list[Entry]]:
        """Return its units in one of the lists."""
        return self.lists[place].units[self.start : self.end]

    def repeats(self, before: StretchPlace) -> bool:
        """Whether it reads just the output of another place, which is right in front of it and has equal figures."""
        if before.lists is not self.lists or before.end != self.start:
            return False
        units, others = self.units(), before.units()
        if units[0][0].reads != (others[-1][-1].node,):
            return False
        return all(figures_of(unit[0]) == figures_of(other[0]) for unit, other in zip(units, others, strict=True))


class _Stretches:
    """The stretches of a list and of the scopes in it.

    Attributes:
        whole: the list.
        numbers: of stretches; each is another one and a unit behind it.
    """

    def __init__(self, entries: list[Entry], kept: Collection[Tensor]) -> None:
        self.whole = UnitList([*runs(entries)], kept)
        self.scopes: dict[StructureKey, list[UnitList]] = {}
        for entry in all_scopes(entries):
            self.scopes.setdefault(entry.key, []).append(_of_scope(entry.inner or []))
        self.numbers: dict[object, int] = {}

    def best(self, of_blocks: bool) -> int:
        """Return the number of the stretch that saves most lines as a block; 0 if none saves any."""
        lists = [[self.whole], *self.scopes.values()]
        found: dict[int, list[StretchPlace]] = {}
        for alike in lists if sum([len(alike[0].units) for alike in lists]) <= MOST_ITEMS else ():
            for start, end, stretch in self.found(alike[0]):
                places = found.setdefault(stretch, [])
                if not places or places[-1].lists is not alike or places[-1].end <= start:
                    places.append(StretchPlace(alike, start, end))
        values = {  # blocks usually begin with a convolution
            stretch: (_gain(places), places[0].units()[0][0].node.layer.type == "conv")
            for stretch, places in found.items()
            if not of_blocks or any(place.is_whole for place in places)
        }
        by_value = sorted(values, key=values.__getitem__, reverse=True)
        gaining = takewhile(lambda stretch: values[stretch][0] > 0, islice(by_value, MOST_TRIED))
        return next((stretch for stretch in gaining if _is_readable(found[stretch])), 0)

    def found(self, units_and_kept: UnitList) -> Iterator[tuple[int, int, int]]:
        """Yield the stretches of a list that can be blocks, each as its first unit, the end, and its number."""
        units, kept = units_and_kept
        last = {tensor: number for number, unit in enumerate(units) for tensor in unit[0].reads}
        last.update(dict.fromkeys(kept, len(units)))
        closed = [False, *[_is_part_of(unit[0], before[-1]) for before, unit in pairwise(units)], False]
        for start in [at for at in range(len(units)) if not closed[at]]:
            source: Tensor | None = None
            made: dict[Tensor, int] = {}
            stretch, needed = 0, -1
            for end, unit in enumerate(units[start : start + LONGEST], start + 1):
                source = source or next((tensor for tensor in unit[0].reads if tensor not in made), None)
                places = [-1 if tensor is source else made.get(tensor) for tensor in unit[0].reads]
                if None in places:  # a second input
                    break
                token = (stretch, unit[0].key, len(unit), tuple(places))
                stretch = self.numbers.setdefault(token, len(self.numbers) + 1)
                needed = max([needed, *[last.get(entry.node, -1) for entry in unit[:-1]]])
                if source and needed < end and end - start > 1 and not closed[end]:
                    yield start, end, stretch
                made[unit[-1].node] = end - start
                needed = max(needed, last.get(unit[-1].node, -1))

    def as_items(self, units_and_kept: UnitList, chosen: int) -> list[Entry]:
        """Return the items of a list; a stretch is one wherever it stands, in the scopes, too."""
        units = units_and_kept.units
        for entry in [entry for unit in units for entry in unit]:
            if entry.inner is not None:
                entry.inner = self.as_items(_of_scope(entry.inner), chosen)
        ends = {start: end for start, end, stretch in self.found(units_and_kept) if stretch == chosen}
        if ends.get(0) == len(units):  # it is a block already
            return [entry for unit in units for entry in unit]
        found: list[Entry] = []
        number = 0
        while number < len(units):
            end = ends.get(number, number + 1)
            part = [entry for unit in units[number:end] for entry in unit]
            found += [as_block(part)] if number in ends else part
            number = end
        return found


def as_block(part: list[Entry]) -> Entry:
    """Return some items as one."""
    return Entry(part[-1].node, reads_of(part), part, NAMES.get(part[-1].node.layer.type, ""))


def _is_part_of(entry: Entry, before: Entry) -> bool:
    """Whether an item is the norm or the activation of the layer before it."""
    kinds = before.node.layer.kind, entry.node.layer.kind
    is_close = kinds[0] in ("conv", "fc", "norm") and kinds[1] in ("norm", "activation")
    return is_close and not before.inner and not entry.inner and entry.reads == (before.node,)


def _gain(places: Sequence[StretchPlace]) -> int:
    """Return how many lines a stretch saves as a block: places one behind the other are one item, repeated."""
    units = places[0].units()
    entries = [entry for unit in units for entry in unit]
    length = lines_of(entries, reads_of(entries)) - sum([max(len(unit) - 2, 0) for unit in units])
    inline = [place for place in places if not place.is_whole]
    again = [False, *[place.repeats(before) for before, place in pairwise(inline)]][: len(inline)]
    begun = sum([not before and here for before, here in pairwise(again)])
    declared = length + DECLARED if len(inline) == len(places) else 0
    return len(inline) * length - again.count(False) - begun - declared


def _is_readable(places: Sequence[StretchPlace]) -> bool:
    """Whether few figures but widths differ between the places of a stretch."""
    rows = [
        [value for unit in place.units(number) for value in _others(unit[0])]
        for place in places
        for number in range(len(place.lists))
    ]
    return sum([len(set(column)) > 1 for column in zip(*rows, strict=True)]) <= MOST_DIFFERENT


def _others(entry: Entry) -> Iterator[object]:
    """Yield the figures of an item that are no widths, and no sizes of a reshape."""
    for item in entry.inner or ():
        yield from _others(item)
    if entry.inner is None and entry.node.layer.type != "reshape":
        yield from [value for name, value in entry.values.items() if family_of(name) != "width"]
