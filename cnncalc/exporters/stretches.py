"""Stretches of a list that are alike, as items with items of their own: blocks where a file names no modules.

Between two places where a single tensor is alive, a stretch has one input and one output: a residual, a gate, or just a
layer.  Stretches that follow each other in the same way several times are one item, too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cnncalc.exporters.repeated import LONGEST, as_block, with_repeated
from cnncalc.exporters.rolling import MOST_INPUTS, Entry, all_scopes, reads_of
from cnncalc.graph import Tensor

MOST_DEPTH = 8
"""Most stretches in each other."""

MOST_PASSING = 8
"""Most tensors that are taken to pass by a part."""


def with_stretches(entries: list[Entry], kept: Collection[Tensor]) -> list[Entry]:
    """Return the items of a list, in which stretches may be items of their own.

    Args:
        entries: the items.
        kept: tensors that are read later.
    """
    if any(one.owner for one in [*entries, *[one for scope in all_scopes(entries) for one in scope.inner or ()]]):
        return entries
    entries = with_repeated(entries, kept, of_blocks=True)
    return with_repeated(_split(entries, kept, frozenset()), kept)


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


def _as_one(part: list[Entry], depth: int = 0) -> list[Entry]:
    """Return a part as one item, in which the parts of its branches are items, too; itself if it can't be a block."""
    reads = reads_of(part)
    if len(part) < 2 or not 0 < len(reads) <= MOST_INPUTS or depth == MOST_DEPTH:
        return part
    *body, join = part
    outside = frozenset(reads) & frozenset(join.reads)
    items: list[Entry] = []
    parts, rest = _apart(body, [tensor for tensor in join.reads if tensor not in outside], outside)
    for inner in parts:
        items += _as_one(inner, depth + 1)
    return [as_block([*items, *rest, join])]
