"""Compare networks: every total with its ratio, and two networks layer by layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

from cnncalc.figures.costs import Sums
from cnncalc.figures.memory import IN_MEMORY
from cnncalc.figures.selection import BLOCK, blocks
from cnncalc.figures.summary import Row, Summary
from cnncalc.layers.base import KINDS
from cnncalc.studies.compare.align import Line, align

SAME, CHANGED, ADDED, REMOVED = "same", "changed", "added", "removed"

TOTALS = (*Sums._fields, *IN_MEMORY)
"""The figures of a whole network."""

OF_KIND = ("layers", "params", "macs")


class Compared(NamedTuple):
    """One figure of every network; ``group`` is ``total``, ``memory`` (bytes) or a kind."""

    group: str
    name: str
    values: tuple[int, ...]

    @property
    def ratios(self) -> tuple[float | None, ...]:
        """Return each value over the first; None if the first is 0 and the ratio is not 1."""
        first = self.values[0]
        return tuple([value / first if first else 1.0 if value == 0 else None for value in self.values])


class LayerDiff(NamedTuple):
    """A layer of one network and its counterpart in the other."""

    change: str
    a: Row | None
    b: Row | None


def pairs_of(changes: Iterable[LayerDiff]) -> list[tuple[Row, Row]]:
    """Return the layers that have a counterpart, each with it."""
    return [(one.a, one.b) for one in changes if one.a is not None and one.b is not None]


def figures(summaries: Sequence[Summary]) -> list[Compared]:
    """Return all totals, the memory, and for every kind that occurs its layers, params and MACs."""
    totals = [summary.totals for summary in summaries]
    found = [Compared("total", name, tuple([getattr(one, name) for one in totals])) for name in Sums._fields]
    for name, short in IN_MEMORY.items():
        found.append(Compared("memory", name, tuple([getattr(one.memory, short) for one in totals])))
    for kind in KINDS:
        of_kind = [summary.kinds.get(kind) for summary in summaries]
        if any(of_kind):
            found += [Compared(kind, name, tuple([getattr(one, name, 0) for one in of_kind])) for name in OF_KIND]
    return found


def layer_changes(a: Summary, b: Summary, depth: int | None = None) -> list[LayerDiff]:
    """Return the aligned layers of two networks; with a ``depth``, blocks of that many levels in place of layers.

    Layers with equal arguments and shapes are the same, whatever their names; of the others, two of one type may be
    paired as changed. A layer that reads other layers has changed, too. Blocks are the same if their layers are.
    """
    numbers: dict[Hashable, int] = {}
    found: list[LayerDiff] = []
    lefts, rights = [[(row, tuple(map(_key, inner))) for row, inner in blocks(one.rows, depth)] for one in (a, b)]
    for i, j in align(_lines(lefts, numbers), _lines(rights, numbers)):
        left, left_key = lefts[i] if i is not None else (None, ())
        right, right_key = rights[j] if j is not None else (None, ())
        if left is None or right is None:
            found.append(LayerDiff(ADDED if left is None else REMOVED, left, right))
        else:
            found.append(LayerDiff(SAME if left_key == right_key else CHANGED, left, right))
    inputs = dict(zip(a.inputs, b.inputs, strict=False))
    return _rewired(_reordered(found, inputs), inputs)


def has_blocks(changes: Sequence[LayerDiff]) -> bool:
    """Whether some rows are blocks, not layers."""
    return any(row is not None and row.type == BLOCK for one in changes for row in (one.a, one.b))


def same_order(changes: Sequence[LayerDiff]) -> bool:
    """Whether the paired layers of both networks stand in one order."""
    places = [b.index for _, b in pairs_of(changes)]
    return places == sorted(places)


def same_layers(changes: Sequence[LayerDiff]) -> bool:
    """Whether both networks have the same layers, so that only their order, or what they read, differs."""
    if has_blocks(changes):
        return False  # what is inside blocks is not known here
    sides = [[one.a for one in changes], [one.b for one in changes]]
    one, other = [Counter([_key(row) for row in rows if row is not None]) for rows in sides]
    return one == other


def _lines(rows: Sequence[tuple[Row, Hashable]], numbers: dict[Hashable, int]) -> list[Line]:
    """Return rows, which come with what makes them equal, for the alignment; equal ones get equal numbers."""
    return [
        Line(numbers.setdefault(key, len(numbers)), row.type, row.name, (row.output_shape, row.macs))
        for row, key in rows
    ]


def _key(row: Row) -> Hashable:
    return row.type, str(row.args), row.input_shapes, row.output_shape, row.params


def _reordered(changes: list[LayerDiff], inputs: Mapping[str, str]) -> list[LayerDiff]:
    """Return the changes, with layers paired that stand in another order, as the branches of a block may.

    A removed and an added layer are paired if they have one type and output shape and read layers that are paired.
    A batch norm without a partner is passed over: it may be folded into what it reads.  ``inputs`` are the names of
    the second network's inputs, by the first's.
    """
    to_b = {**inputs, **{a.name: b.name for a, b in pairs_of(changes)}}
    removed = [one.a for one in changes if one.b is None and one.a is not None and one.a.type != BLOCK]
    added = [one.b for one in changes if one.a is None and one.b is not None and one.b.type != BLOCK]
    norms_a, norms_b = [
        {row.name: row.inputs[0] for row in rows if row.type == "batchnorm"} for rows in (removed, added)
    ]
    waiting: dict[Hashable, list[Row]] = {}
    for b in added:
        sources = tuple([norms_b.get(name, name) for name in b.inputs])
        waiting.setdefault((b.type, b.output_shape, sources), []).append(b)
    partners: dict[str, Row] = {}
    for a in removed:
        sources = tuple([to_b.get(norms_a.get(name, name), "") for name in a.inputs])
        if found := waiting.get((a.type, a.output_shape, sources)):
            partners[a.name] = found.pop(0)
            to_b[a.name] = partners[a.name].name
    taken = {b.name for b in partners.values()}
    rest = [one for one in changes if one.a is not None or one.b is None or one.b.name not in taken]
    return [
        _paired(one.a, partners[one.a.name]) if one.b is None and one.a and one.a.name in partners else one
        for one in rest
    ]


def _paired(a: Row, b: Row) -> LayerDiff:
    return LayerDiff(SAME if _key(a) == _key(b) else CHANGED, a, b)


def _rewired(changes: list[LayerDiff], inputs: Mapping[str, str]) -> list[LayerDiff]:
    """Return the changes, marking same layers that read other layers as changed.

    A layer is not changed merely because a layer that it reads was added or removed.
    """
    to_b = {**inputs, **{a.name: b.name for a, b in pairs_of(changes)}}
    known = set(to_b.values())
    found = []
    for one in changes:
        if one.change == SAME and one.a is not None and one.b is not None:
            sources = zip(one.a.inputs, one.b.inputs, strict=True)
            if any(to_b.get(left, right) != right and right in known for left, right in sources):
                one = one._replace(change=CHANGED)
        found.append(one)
    return found
