"""A lower bound on the number of layers of a spec, counted without expanding it."""

from __future__ import annotations

from cnncalc.ground.limits import MAX_DEPTH
from cnncalc.language.document import Block, BlockItem, Item, LayerItem


def least_layers(items: list[Item], known: dict[str, int], depth: int = 0) -> int:
    """Return a lower bound of the number of layers that items expand to.

    Items whose number depends on a condition or a name count 0. ``known`` caches the blocks' numbers.
    """
    if depth > 2 * MAX_DEPTH:
        return 0  # refused for its depth when it is expanded
    return sum(_rounds(item) * _once(item, known, depth + 1) for item in items)


def _rounds(item: Item) -> int:
    if item.loop is not None or item.when is not None:
        return 0
    if item.repeat is None:
        return 1
    count = item.repeat.constant
    return count if isinstance(count, int) and count > 0 else 0


def _once(item: Item, known: dict[str, int], depth: int) -> int:
    inside = least_layers(item.children, known, depth)
    if isinstance(item, BlockItem):
        return _block(item.block, known, depth)
    return inside + isinstance(item, LayerItem)


def _block(block: Block, known: dict[str, int], depth: int) -> int:
    if block.name not in known:
        known[block.name] = 0  # a block that uses itself is refused when it is expanded
        known[block.name] = least_layers(block.items, known, depth)
    return known[block.name]
