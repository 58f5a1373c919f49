"""Whether a word is allowed in place of a number: it depends on the arguments that receive it unchanged."""

from __future__ import annotations

from cnncalc.language.document import Block, BlockItem, Document, Item, LayerItem, SpecValue, walked
from cnncalc.language.expressions.budget import Budget, WorkLimitError
from cnncalc.language.expressions.whitelist import ExpressionError

Visited = set[tuple[Block | None, str]]


def takes_word(document: Document, name: str, word: str) -> bool:
    """Return whether an item's argument gets the value of ``name`` and accepts the word (``same`` as a padding)."""
    budget, visited = Budget(), set[tuple[Block | None, str]]()
    try:
        if _takes(document.items, None, name, word, budget, visited):
            return True
        blocks = [block for block in document.blocks.values() if name not in block.arguments]
        return any(_takes(block.items, block, name, word, budget, visited) for block in blocks)
    except WorkLimitError:
        return False


def _takes(items: list[Item], block: Block | None, name: str, word: str, budget: Budget, visited: Visited) -> bool:
    if (block, name) in visited:
        return False
    visited.add((block, name))
    for item in walked(items):
        for argument, value in item.arguments.items():
            if name not in value.names or not _passes(value, name, word, budget):
                continue
            if isinstance(item, BlockItem):
                if _takes(item.block.items, item.block, argument, word, budget, visited):
                    return True
            elif isinstance(item, LayerItem) and word in item.layer_class.arguments[argument].words:
                return True
    return False


def _passes(value: SpecValue, name: str, word: str, budget: Budget) -> bool:
    """Return whether a value passes the word in a name on unchanged."""
    try:
        return bool(value({name: word}, budget) == word)
    except ExpressionError:
        return False
