"""Unused definitions in a spec: blocks, arguments, and loop names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cnncalc.ground.places import Place
from cnncalc.language.document import Block, BlockItem, Document, Item, LayerItem, SpecValue
from cnncalc.language.findings import Finding


def unused(document: Document) -> list[Finding]:
    """Return the blocks, arguments and loop names of a document that nothing reads."""
    used = _used_blocks(document.items)
    read = _names_of_document(document, used)
    findings = [
        Finding("unused-block", f"block '{name}' is never used", _key(block.origin, name), "remove it, or use it")
        for name, block in document.blocks.items()
        if block not in used
    ]
    findings += [
        Finding("unused-argument", f"nothing reads the argument '{name}'", _key(value.origin, name), "remove it")
        for name, value in document.arguments.items()
        if name not in read
    ]
    for block in used:
        inside = _names(block.items) | _of_values(block.arguments)
        unread = [(name, origin) for name, origin in block.argument_origins.items() if name not in inside]
        findings += [
            Finding("unused-argument", f"block '{block.name}' never reads '{name}'", _key(origin, name), "remove it")
            for name, origin in unread
        ]
    bodies = [document.items, *[block.items for block in used]]
    return findings + [finding for body in bodies for item in body for finding in _loops(item)]


def _used_blocks(items: list[Item]) -> list[Block]:
    """Return the blocks that items use, directly or through other blocks."""
    found: dict[Block, None] = {}
    waiting = list(items)
    while waiting:
        item = waiting.pop()
        waiting += item.children
        if isinstance(item, BlockItem) and item.block not in found:
            found[item.block] = None
            waiting += item.block.items
    return list(found)


def _names_of_document(document: Document, used: list[Block]) -> set[str]:
    """Return the names of the document's args that are read."""
    names = _names(document.items) | _of_values(document.arguments) | _of_values(document.expect)
    names |= _of_input(document.input)
    outputs = list(document.outputs or ())
    for variant in document.variants.values():
        names |= _of_values(variant.arguments) | _of_values(variant.expect) | _of_input(variant.input)
        outputs += variant.outputs or ()
    names |= {name for output in outputs if output.when is not None for name in output.when.names}
    for block in used:
        names |= (_names(block.items) | _of_values(block.arguments)) - set(block.arguments)
        names |= {name for name, default in block.arguments.items() if default and name in default.names}
    return names


def _of_input(stated: SpecValue | dict[str, SpecValue] | None) -> set[str]:
    return _of_values(stated) if isinstance(stated, dict) else set(stated.names) if stated else set()


def _of_values(values: Mapping[str, SpecValue | None]) -> set[str]:
    return {name for value in values.values() if value is not None for name in value.names}


def _names(items: list[Item]) -> set[str]:
    """Return the names that items read from enclosing scopes."""
    return {name for item in items for name in _outer_names(item)}


def _outer_names(item: Item) -> set[str]:
    if item.loop is None:
        return _own_names(item)
    return (_own_names(item) - set(item.loop.names)) | set(item.loop.rows.names)


def _own_names(item: Item) -> set[str]:
    """Return the names that an item reads, including those that its loop binds."""
    values = [item.repeat, item.when, item.expect]
    if isinstance(item, (LayerItem, BlockItem)):
        values += item.arguments.values()
    return {name for value in values if value is not None for name in value.names} | _names(item.children)


def _loops(item: Item) -> Iterator[Finding]:
    """Find names that a loop binds but nothing reads; names that begin with _ are meant to be unused."""
    if item.loop is not None:
        read = _own_names(item)
        for name in item.loop.names:
            if name not in read and not name.startswith("_"):
                hint = "write repeat: instead" if len(item.loop.names) == 1 else f"call it _{name} if that is intended"
                yield Finding("unused-name", f"'{name}' is bound by 'for' and never read", item.loop.origin, hint)
    for inner in item.children:
        yield from _loops(inner)


def _key(origin: Place, name: str) -> Place:
    """Return the place of the key whose value is at ``origin``: there, or before it."""
    for line in range(origin.line, -1, -1):
        text = origin.file.line(line)
        if line == origin.line:
            text = text[: origin.column + len(name)]
        keys = list(re.finditer(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", text))
        if keys:
            return Place(origin.file, line, keys[-1].start())
    return origin
