"""Find the items of a spec that expand to the same layers anywhere, and the names that each of them reads.

An item's expansion depends on the values of the names that it reads, on its inputs, and on the layers named by each
``from`` inside it. If those are inside as well, the item can be folded: it is expanded once, and its sums are cached.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from cnncalc.language.document import (
    INPUT_NAMES,
    Block,
    BlockItem,
    Document,
    Item,
    SequenceItem,
    explicit_names,
    names_of,
    outer_names,
    walked,
)


class Foldable(NamedTuple):
    """A document, and those of its items that can be folded."""

    document: Document
    items: dict[Item, FoldableItem]


class FoldableItem(NamedTuple):
    """The dependencies of an item that can be folded, apart from its inputs.

    Attributes:
        what: the block that it uses, or the item itself.
        names: names that it reads from enclosing scopes; a block reads its arguments instead.
        globals: the document's args that the blocks inside it read.
    """

    what: Block | Item
    names: tuple[str, ...]
    globals: tuple[str, ...]


def folds_of(document: Document) -> dict[Item, FoldableItem]:
    """Return the items that can be folded: none if a name reaches into a scope, or weights are shared."""
    bodies = [document.items, *[block.items for block in document.blocks.values()]]
    items = [item for body in bodies for item in walked(body)]
    named = Counter([*_references(items), *_outputs(document)])
    if not _are_simple(document, items, named):
        return {}
    reads = _reads_of_blocks(document)
    found: dict[Item, FoldableItem] = {}
    for item in items:
        if isinstance(item, BlockItem):
            if _is_closed(item.block.items, frozenset(), True):
                found[item] = FoldableItem(item.block, (), tuple(sorted(reads[item.block])))
        elif item.children and _is_apart(item, named):
            names = outer_names(item.children) | names_of(item.arguments.values())
            used = {name for block in _used(item.children) for name in reads[block]}
            found[item] = FoldableItem(item, tuple(sorted(names - set(INPUT_NAMES))), tuple(sorted(used)))
    return found


def _are_simple(document: Document, items: list[Item], named: Iterable[str]) -> bool:
    """Return whether every name that is read is an explicit one, without running numbers or dots."""
    known = {item.name.name for item in items if item.name is not None}
    known.update(document.inputs, *[variant.inputs for variant in document.variants.values()])
    return not any(item.weights for item in items) and all(name in known or _is_input(name) for name in named)


def _is_input(name: str) -> bool:
    return name == "input" or (name.startswith("input") and name[5:].isdecimal())


def _references(items: Iterable[Item]) -> list[str]:
    return [reference.name for item in items for reference in item.sources or ()]


def _outputs(document: Document) -> list[str]:
    stated = [output for variant in document.variants.values() for output in variant.outputs or ()]
    return [output.reference.name for output in (*(document.outputs or ()), *stated)]


def _is_apart(item: Item, named: Counter[str]) -> bool:
    """Return whether an item that is not a block neither reads outside items nor is read inside from outside."""
    is_scope = isinstance(item, SequenceItem) and item.name is not None
    given = [one.name.name for one in walked(item.children) if one.name is not None]
    inside = Counter(_references(walked(item.children)))
    return all(named[name] == inside[name] for name in given) and _is_closed(item.children, frozenset(), is_scope)


def _is_closed(items: list[Item], around: frozenset[str], is_scope: bool) -> bool:
    """Return whether items read nothing but each other and, inside a scope, its input."""
    known = around | explicit_names(items)
    for item in items:
        if not all(name in known or (is_scope and _is_input(name)) for name in _references([item])):
            return False
        if not _is_closed(item.children, known, is_scope or (isinstance(item, SequenceItem) and item.name is not None)):
            return False
    return True


# --- names ------------------------------------------------------------------------------------------------------


def _reads_of_blocks(document: Document) -> dict[Block, set[str]]:
    """Return the document's args that each block reads, itself or by the blocks that it uses."""
    found = {block: _own_reads(block) & document.arguments.keys() for block in document.blocks.values()}
    grown = True
    while grown:  # blocks may use each other
        grown = False
        for block, reads in found.items():
            more = {name for inner in _used(block.items) for name in found[inner]} - reads
            reads |= more
            grown = grown or bool(more)
    return found


def _own_reads(block: Block) -> set[str]:
    """Return the names that a block reads and does not bind; a default may read a name that a later argument hides."""
    return (outer_names(block.items) - block.arguments.keys()) | names_of(block.arguments.values())


def _used(items: list[Item]) -> set[Block]:
    return {item.block for item in walked(items) if isinstance(item, BlockItem)}
