"""Unused definitions in a spec (blocks, arguments, loop names), and references that an edit may break."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cnncalc.ground.places import Place
from cnncalc.language.document import (
    Block,
    BlockItem,
    Document,
    Item,
    inner_names,
    names_of,
    outer_names,
    walked,
    walked_through_blocks,
)
from cnncalc.language.findings import Finding


def unused(document: Document) -> list[Finding]:
    """Return the blocks, arguments and loop names of a document that nothing reads."""
    items = walked_through_blocks(document.items)
    used = list(dict.fromkeys(item.block for item in items if isinstance(item, BlockItem)))
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
        inside = outer_names(block.items) | names_of(block.arguments.values())
        unread = [(name, origin) for name, origin in block.argument_origins.items() if name not in inside]
        findings += [
            Finding("unused-argument", f"block '{block.name}' never reads '{name}'", _key(origin, name), "remove it")
            for name, origin in unread
        ]
    bodies = [document.items, *[block.items for block in used]]
    return findings + [finding for body in bodies for item in body for finding in _loops(item)]


def _names_of_document(document: Document, used: list[Block]) -> set[str]:
    """Return the names of the document's args that are read."""
    names = outer_names(document.items) | names_of(document.arguments.values()) | names_of(document.expect.values())
    names |= names_of(document.inputs.values())
    outputs = list(document.outputs or ())
    for variant in document.variants.values():
        names |= (
            names_of(variant.arguments.values()) | names_of(variant.expect.values()) | names_of(variant.inputs.values())
        )
        outputs += variant.outputs or ()
    names |= names_of(output.when for output in outputs)
    for block in used:
        names |= (outer_names(block.items) | names_of(block.arguments.values())) - set(block.arguments)
        names |= {name for name, default in block.arguments.items() if default and name in default.names}
    return names


def _loops(item: Item) -> Iterator[Finding]:
    """Find names that a loop binds but nothing reads; names that begin with _ are meant to be unused."""
    if item.loop is not None:
        read = inner_names(item)
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


def numbered_references(document: Document) -> list[str]:
    """Return the names in ``from``, ``weights`` and ``outputs`` that are not an item's ``name``, such as ``conv3``."""
    items = [item for block in document.blocks.values() for item in walked(block.items)]
    items += walked(document.items)
    given = {item.name.name for item in items if item.name is not None}
    read = [reference.name for item in items for reference in (*(item.sources or ()), item.weights) if reference]
    read += [output.reference.name for output in document.outputs or ()]
    known = given | {"input", *document.inputs}
    parts = [part for name in read for part in name.split(".")]
    stems = [(part, part.rstrip("0123456789")) for part in parts]  # of repeated items with an explicit name, too
    return [part for part, stem in stems if stem != part and part not in known and stem not in known]
