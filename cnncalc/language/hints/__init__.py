"""Hints for unknown words and notations, searched for when a fault is shown.

The tables (other frameworks' words, all layer types) are imported by the first search.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from cnncalc.ground.near import did_you_mean
from cnncalc.language.read.yaml_tree import List, Map, Scalar, Tree

COLON = "write a colon and a blank between an argument and its value"


def of_no_list(text: str) -> str | None:
    """Return the hint for something else in place of a list of items."""
    from cnncalc.language.hints.lookalikes import in_ascii

    bullet = re.match(r"(-+|\+|\d+[.)])\s*(\w+)", text)
    dash = "write a blank after the dash" if text.startswith("-") else "write a dash and a blank"
    return in_ascii(text[:2]) or (f"{dash}: '- {bullet[2]}'" if bullet else None)


def of_no_mapping(node: Tree, known: Collection[str]) -> str | None:
    """Return the hint for a list or a text in place of a mapping with some known keys, if they are fixed."""
    if isinstance(node, List) and "layers" in known:
        return "put the list of items under 'layers:'"
    if isinstance(node, List) and any(isinstance(item, Map) for item in node.items):
        return "write its entries without dashes"
    return f"write '{node.text}: …' below it" if isinstance(node, Scalar) and node.text.isidentifier() else None


def of_braces(node: Tree) -> str | None:
    """Return the hint for ``{{width}}`` in place of a value."""
    while isinstance(node, Map) and len(node.pairs) == 1:
        node = node.pairs[0][0]
    return f"a name stands by itself: {node.text}" if isinstance(node, Scalar) and node.text.isidentifier() else None


def of_named_items(node: Tree) -> str | None:
    """Return the hint for a mapping in place of a list of items."""
    from cnncalc.language.hints.notations import of_named_items

    key, item = node.pairs[0] if isinstance(node, Map) and node.pairs else (node, node)
    return (of_no_list(key.text) or of_named_items(key.text, item)) if isinstance(key, Scalar) else None


def of_list(node: List) -> str | None:
    """Return the hint for an item that is a list."""
    from cnncalc.language.hints.notations import of_list

    return of_list(node) or "to group items write '- sequence:' and the list below it"


def of_values(type_name: str, node: Tree | None, otherwise: str) -> str:
    """Return the notation of a type with the unnamed values in ``node``."""
    from cnncalc.language.hints.notations import of_arguments

    return of_arguments(type_name, node) or otherwise


def of_argument(name: str, known: Collection[str]) -> str | None:
    """Return the hint for an unknown argument."""
    from cnncalc.language.hints.lookalikes import in_ascii, in_latin
    from cnncalc.language.hints.spellings import argument_hint

    return in_ascii(name) or in_latin(name) or argument_hint(name, known) or did_you_mean(name, known, "arguments")


def of_key(name: str, known: Collection[str], value: Tree) -> str | None:
    """Return the hint for an unknown key with its value."""
    from cnncalc.language.hints.foreign_words import KEYS
    from cnncalc.language.hints.spellings import named_here

    if name.isdigit():
        return "a number has no commas"
    if holds(value, known):
        return f"leave out '{name}:' and unindent its keys: they belong at the top level"
    listed = f"known keys: {', '.join(known)}" + ("; your own stand under 'args'" if "args" in known else "")
    return did_you_mean(name, known, "") or named_here(name, known, KEYS) or listed


def holds(value: Tree, known: Collection[str]) -> bool:
    """Whether a value holds keys that belong one level higher."""
    return isinstance(value, Map) and any(isinstance(key, Scalar) and key.text in known for key, _ in value.pairs)


def stands_for(name: str, value: Tree, needed: str, known: Collection[str]) -> bool:
    """Whether the hint for an unknown key names a required one."""
    from cnncalc.language.hints.foreign_words import KEYS
    from cnncalc.language.hints.spellings import named_here

    meant = did_you_mean(name, known, "") or named_here(name, known, KEYS) or ""
    return holds(value, known) or f"'{needed}'" in meant


def of_modifier(name: str, known: Collection[str], arguments: Collection[str]) -> str | None:
    """Return the hint for an unknown modifier, which may be meant as an argument."""
    from cnncalc.language.hints.foreign_words import MODIFIERS
    from cnncalc.language.hints.spellings import argument_hint, named_here

    near = did_you_mean(name, known, "")
    as_argument = argument_hint(name, arguments) if arguments else None
    return near or named_here(name, known, MODIFIERS) or as_argument or did_you_mean(name, known, "modifiers")


def of_word(word: str, known: Sequence[str]) -> str:
    """Return the hint for a word that an argument does not accept."""
    from cnncalc.language.hints.foreign_words import VALUES

    listed = "one of " + ", ".join(known) + " may stand here"
    return VALUES.get(word.lower()) or did_you_mean(word, known, "") or listed


def of_number(word: str, known: str | None) -> str:
    """Return the hint for an unknown word in place of a number or a flag; ``known`` lists the names, if any."""
    if word.lower() == "depthwise":
        return "write 'groups: in_channels'"
    return known or "text is not allowed here; a name must be one of 'args'"
