"""Select the rows of a summary: folded into blocks, sorted, or cut to the most expensive. Sums are always kept."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.figures.summary import COUNTED, Row, Summary
from cnncalc.graph import Graph, Node
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.near import did_you_mean

BLOCK = "block"
"""The type of a row that is the sum of several."""

SORT_KEYS = (*COUNTED, "name", "index")


def select(summary: Summary, depth: int | None, sort: str | None, top: int | None) -> tuple[list[Row], Row | None]:
    """Return the rows to show, and the sum of those left out, or None if all are shown."""
    rows = [row for row, _ in blocks(summary.rows, depth)]
    key = sort or ("macs" if top is not None else None)
    if key in ("name", "index"):
        rows = sorted(rows, key=lambda row: getattr(row, key))
    elif key is not None:
        rows = sorted(rows, key=lambda row: -int(getattr(row, key)))  # equal rows stay in the network's order
    if top is None or top >= len(rows):
        return rows, None
    rest = _together(rows[top:], f"… {len(rows) - top} more")
    return rows[:top], rest._replace(type="", kind="", output_shape=(), receptive_field=())


def blocks(rows: list[Row], depth: int | None) -> list[tuple[Row, list[Row]]]:
    """Return the rows with everything deeper than ``depth`` in one row per block, each with the rows inside it.

    A block of one layer is that layer, by the block's name.  Levels are counted below the common outer scope, such as
    ``model`` or ``backbone`` in many model files.
    """
    if depth is None:
        return [(row, [row]) for row in rows]
    depth += _shared_levels(rows)

    found: dict[str, list[Row]] = {}  # in a model file, the layers of several blocks may be interleaved
    for row in rows:
        found.setdefault(".".join(row.name.split(".")[:depth]), []).append(row)
    return [
        (inner[0]._replace(name=name) if len(inner) == 1 else _together(inner, name), inner)
        for name, inner in found.items()
    ]


def _shared_levels(rows: list[Row]) -> int:
    """Return the number of leading parts that all names share; layers outside any scope that neither compute nor store
    are ignored.
    """
    scoped = [row.name.split(".")[:-1] for row in rows if "." in row.name]
    if not scoped or any("." not in row.name and (row.macs or row.params) for row in rows):
        return 0
    first, last = min(scoped), max(scoped)
    return next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))


def _together(rows: list[Row], name: str) -> Row:
    """Return one row with the sums of several; its shapes are the first's input and the last's output."""
    first, last = rows[0], rows[-1]
    kinds = {row.kind for row in rows}
    return last._replace(
        index=first.index,
        name=name,
        type=BLOCK,
        kind=kinds.pop() if len(kinds) == 1 else "other",
        layers=len(rows),
        inputs=first.inputs,
        input_shapes=first.input_shapes,
        **{name: sum([getattr(row, name) for row in rows]) for name in COUNTED},
    )


def layers_named(network: Graph, words: Sequence[str]) -> list[Node]:
    """Return the nodes that words name, in the network's order.

    A word is a path of a layer or a scope (``stage2``), a glob (``stage?.*conv1``), or the unique end of a path.  In a
    model file it may also be the name of an operator or of a tensor.

    Raises:
        CnncalcError: if a word names nothing, or is the end of several paths.
    """
    names = [node.name for node in network.nodes]
    inside: dict[str, list[str]] = {word: [] for word in words}
    ending: dict[str, list[str]] = {word: [] for word in words}
    for name in names:  # once, whatever the number of words
        end = len(name)
        while end > 0:
            if (scope := name[:end]) in inside:
                inside[scope].append(name)
            end = name.rfind(".", 0, end)
        dot = name.find(".")
        while dot >= 0:
            if (last := name[dot + 1 :]) in ending:
                ending[last].append(name)
            dot = name.find(".", dot + 1)
    found: set[str] = set()
    for word in words:
        found.update(inside[word] or network.model.layers_of(word) or _named(network, names, word, ending[word]))
    return [node for node in network.nodes if node.name in found]


def _named(network: Graph, names: Sequence[str], word: str, ends: Sequence[str]) -> Sequence[str]:
    """Return the names that a glob matches, or the only one that ends in a word.  Raises CnncalcError."""
    listed = f"layers: {', '.join(names[:8])}{', …' if len(names) > 8 else ''}"
    if any(sign in word for sign in "*?["):
        from fnmatch import filter

        matching = filter(names, word)
        if not matching:
            raise CnncalcError(f"'{network.title}' has no layer that matches '{word}'", listed)
        return matching
    if len(ends) > 1:
        more = ", …" if len(ends) > 5 else ""
        hint = f"{', '.join(ends[:5])}{more}; '*.{word}' selects all of them"
        raise CnncalcError(f"'{word}' is the end of {len(ends)} layers' names", hint)
    if not ends and (within := _within_a_block(names, word)):
        return within
    if not ends:
        last = {name.rpartition(".")[2]: name for name in reversed(names)}
        near = did_you_mean(word, list(dict.fromkeys([*names, *last])), "")
        raise CnncalcError(f"'{network.title}' has no layer '{word}'", near or listed)
    return ends


def _within_a_block(names: Sequence[str], word: str) -> Sequence[str]:
    """Return the layers of the only block whose path ends in a word; none if there is no such block.

    Raises:
        CnncalcError: if there are several.
    """
    found: dict[str, list[str]] = {}
    for name in names:
        before, marker, _ = name.partition(f".{word}.")
        if marker:
            found.setdefault(f"{before}.{word}", []).append(name)
    if len(found) > 1:
        more = ", …" if len(found) > 5 else ""
        hint = f"{', '.join([*found][:5])}{more}; '*.{word}.*' selects all of them"
        raise CnncalcError(f"'{word}' is the end of {len(found)} blocks' names", hint)
    return next(iter(found.values()), [])
