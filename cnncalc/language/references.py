"""References by running number (conv3), which break when an item is inserted above them."""

from __future__ import annotations

from cnncalc.language.document import Document, walked


def numbered_references(document: Document) -> list[str]:
    """Return the names in ``from``, ``weights`` and ``outputs`` that are not an item's ``name``, such as ``conv3``."""
    items = [item for block in document.blocks.values() for item in walked(block.items)]
    items += walked(document.items)
    given = {item.name.name for item in items if item.name is not None}
    read = [reference.name for item in items for reference in (*(item.sources or ()), item.weights) if reference]
    read += [output.reference.name for output in document.outputs or ()]
    known = given | {"input", *document.inputs}
    parts = [part for name in read for part in name.split(".")]
    return [part for part in parts if part.rstrip("0123456789") != part and not _is_given(part, known)]


def _is_given(part: str, known: set[str]) -> bool:
    """Whether a name is an item's explicit name, perhaps with the number of a repeated item."""
    return part in known or part.rstrip("0123456789") in known
