"""Stretches of a list that are alike, as items with items of their own: blocks where a file names no modules.

Between two places where a single tensor is alive, a stretch has one input and one output: a residual, a gate, or just a
layer.  Stretches that follow each other in the same way several times are one item, too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

from cnncalc.exporters.rolling import MOST_INPUTS, Entry, runs
from cnncalc.graph import Tensor

NAMES = {"add": "residual", "multiply": "gate", "concat": "branches"}
"""Names of stretches, by the layer that joins their branches."""

MOST_ITEMS, LONGEST, MOST_ROUNDS, MOST_DEPTH = 600, 24, 12, 8
"""Most items of a list in which stretches are searched, most of one stretch, most that are found, and in each other."""

MOST_PASSING = 8
"""Most tensors that are taken to pass by a part."""

DECLARED = 4
"""Lines of a block's declaration."""


def with_stretches(entries: list[Entry], kept: Collection[Tensor]) -> list[Entry]:
    """Return the items of a list, in which stretches may be items of their own.

    Args:
        entries: the items.
        kept: tensors that are read later.
    """
    if any(entry.owner is not None for entry in entries):
        return entries
    return _repeated(_split(entries, kept, frozenset()), kept)


def _split(entries: list[Entry], kept: Collection[Tensor], passing: frozenset[Tensor]) -> list[Entry]:
    """Return the items of a list, in which each part that can be a block is one.

    In a part that is longer than any block, the tensor that lives longest, such as a map that a decoder reads, passes
    by.
    """
    parts, rest = _apart(entries, kept, passing)
    found: list[Entry] = []
    for part in [*parts, rest]:
        if len(part) > 2 * LONGEST and len(passing) < MOST_PASSING:
            made: dict[Tensor, int] = {entry.node: number for number, entry in enumerate(part)}
            lives = {tensor: i - made.get(tensor, -1) for i, one in enumerate(part) for tensor in one.reads}
            longest = max([tensor for tensor in lives if tensor not in passing], key=lives.__getitem__, default=None)
            if longest is not None:
                found += _split(part, kept if part is rest else {part[-1].node}, passing | {longest})
                continue
        found += part if part is rest or any(one.node in passing for one in part[:-1]) else _as_one(part)
    return found


def _apart(
    entries: Sequence[Entry], kept: Collection[Tensor], passing: frozenset[Tensor]
) -> tuple[list[list[Entry]], list[Entry]]:
    """Return the items in parts, behind each of which a single tensor is alive beside those that pass by, and the rest.

    Args:
        entries: the items.
        kept: tensors that are read later.
        passing: tensors that are alive as well.
    """
    last = {tensor: number for number, entry in enumerate(entries) for tensor in entry.reads}
    last.update(dict.fromkeys(kept, len(entries)))
    alive = {tensor for entry in entries for tensor in entry.reads} - {entry.node for entry in entries} - passing
    parts: list[list[Entry]] = []
    rest: list[Entry] = []
    for number, entry in enumerate(entries):
        rest.append(entry)
        alive.add(entry.node)
        alive -= {
            tensor for tensor in (*entry.reads, entry.node) if tensor in passing or last.get(tensor, -1) <= number
        }
        if alive <= {entry.node}:
            parts.append(rest)
            rest = []
    return parts, rest


def _reads(part: Sequence[Entry]) -> tuple[Tensor, ...]:
    """Return what some items read from outside."""
    inside = {entry.node for entry in part}
    return tuple(dict.fromkeys(tensor for entry in part for tensor in entry.reads if tensor not in inside))


def _as_one(part: list[Entry], depth: int = 0) -> list[Entry]:
    """Return a part as one item, in which the parts of its branches are items, too; itself if it can't be a block."""
    reads = _reads(part)
    if len(part) < 2 or not 0 < len(reads) <= MOST_INPUTS or depth == MOST_DEPTH:
        return part
    *body, join = part
    outside = frozenset(reads) & frozenset(join.reads)
    items: list[Entry] = []
    parts, rest = _apart(body, [tensor for tensor in join.reads if tensor not in outside], outside)
    for inner in parts:
        items += _as_one(inner, depth + 1)
    return [Entry(join.node, reads, [*items, *rest, join], NAMES.get(join.node.layer.type, "block"))]


def _repeated(entries: list[Entry], kept: Collection[Tensor]) -> list[Entry]:
    """Return a list in which the stretches that save most lines as blocks are items."""
    for _ in range(MOST_ROUNDS if len(entries) <= MOST_ITEMS else 0):
        units = list(runs(entries))
        length, starts = _best(units, kept)
        entries, number = [], 0
        while number < len(units):
            part = [entry for unit in units[number : number + (length if number in starts else 1)] for entry in unit]
            entries += [Entry(part[-1].node, _reads(part), part)] if number in starts else part
            number += length if number in starts else 1
        if not starts:
            break
    return entries


def _best(units: list[list[Entry]], kept: Collection[Tensor]) -> tuple[int, list[int]]:
    """Return the length of the stretch of runs that saves most lines, and where it is; nowhere if none saves any."""
    numbers: dict[object, int] = {}
    tokens = [numbers.setdefault((unit[0].key, len(unit)), len(numbers)) for unit in units]
    parts, _ = _apart([entry for unit in units for entry in unit], kept, frozenset())
    single = {part[-1].node for part in parts}
    chained = [0]  # how many of the units before each follow each other
    for before, unit in pairwise(units):
        chained.append(chained[-1] + 1 if unit[0].reads == (before[-1].node,) else 0)
    best: tuple[int, bool] = (0, False)
    found: tuple[int, list[int]] = (0, [])
    for length in range(2, min(LONGEST, len(units) // 2) + 1):
        places: dict[tuple[int, ...], list[int]] = {}
        for start in range(len(units) - length + 1):
            end = start + length - 1
            if chained[end] >= length - 1 and units[end][-1].node in single:
                starts = places.setdefault(tuple(tokens[start : end + 1]), [])
                if not starts or starts[-1] + length <= start:
                    starts.append(start)
        for starts in places.values():
            gain = (len(starts) - 1) * length - len(starts) - DECLARED
            value = (gain, units[starts[0]][0].node.layer.type == "conv")  # blocks begin with a convolution
            if value > best:
                best, found = value, (length, starts)
    return found
