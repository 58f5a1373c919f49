"""Hints for unknown words: other frameworks' names, typing errors, or "not offered"."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import NamedTuple

from cnncalc.ground.near import folded, nearest, suggestion
from cnncalc.language.hints.foreign_words import ADVICE, ARGUMENTS, FALSE_FRIENDS, LOSS, NOT_OFFERED, TRAINING, WRITTEN
from cnncalc.layers import layer_type, layer_types
from cnncalc.layers.base import Layer

_RANK = re.compile(r"\{d\}d|(?<=[a-z])[123]d(?=transpose|layer|$)").sub
_CALL = re.compile(r"([\w{}]+)(?:\(([^)]*)\))?").finditer

LISTED = "'cnncalc layers' lists the types, and a spec's own stand under 'blocks'"


SHORT = 4
"""Most letters of a short word, where one changed letter makes another word."""

KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


class ForeignName(NamedTuple):
    """Another framework's name for a layer type, with its positional arguments."""

    name: str
    type: str
    parameters: tuple[str, ...]


@cache
def abroad() -> dict[str, list[ForeignName]]:
    """Return other frameworks' names of all layer types, by folded name; this imports every type."""
    found: dict[str, list[ForeignName]] = {}
    for type_name in layer_types():
        layer_class = layer_type(type_name)
        assert layer_class is not None
        there = layer_class.elsewhere
        for text in (there.torch, there.keras, there.onnx, there.others):
            for match in _CALL(text):
                parameters = tuple([part.strip() for part in (match[2] or "").split(",") if part.strip()])
                found.setdefault(bare(match[1]), []).append(ForeignName(match[1], type_name, parameters))
    return found


def bare(name: str) -> str:
    """Return a type's folded name, without a module before it or a number of axes after it."""
    word = folded(name.rpartition(".")[2])
    return _RANK("", word).replace("normalis", "normaliz")


def our_type(name: str) -> str | None:
    """Return our name for a layer type by any framework's name, or None if there is no such type."""
    word = bare(name)
    if word in FALSE_FRIENDS and name != word:
        return None
    for candidate in (word, word.removeprefix("lazy"), word.removesuffix("layer")):
        ours = _own().get(candidate)
        if ours is not None:
            return ours
        if candidate in abroad():
            return abroad()[candidate][0].type
    return None


@cache
def _own() -> dict[str, str]:
    return {folded(name): name for name in layer_types()}


def type_hint(name: str, blocks: Collection[str]) -> str:
    """Return the hint for an unknown layer type: our word for it, what to write instead, or a slip of the keyboard.

    Args:
        name: the unknown word.
        blocks: the names of the spec's own types.
    """
    own = [block for block in blocks if folded(block) == folded(name)]
    if own:
        return f"did you mean '{own[0]}'?"
    ours = our_type(name)
    if ours is not None:
        return f"it is called '{ours}' here"
    word = bare(name)
    if word in FALSE_FRIENDS or word in WRITTEN:
        return FALSE_FRIENDS.get(word) or WRITTEN[word]
    if word.endswith(LOSS):
        return WRITTEN["loss"]
    if word in NOT_OFFERED:
        return f"not offered; {LISTED}"
    return _slip(word, blocks) or f"not offered; {LISTED}"


def _slip(word: str, blocks: Collection[str]) -> str | None:
    """Return the hint for a misspelt type or word of another framework; the first letter may be wrong, too."""
    names = {folded(block): block for block in blocks} | {"sequence": "sequence"} | _own()
    foreign = dict.fromkeys((*WRITTEN, *NOT_OFFERED), "") | {other: abroad()[other][0].type for other in abroad()}
    foreign = {other: ours for other, ours in foreign.items() if other[:1] == word[:1] and len(word) > SHORT}
    if word.rstrip("0123456789") in names:  # numbered, as names are
        word = word.rstrip("0123456789")
    found = [near for near in nearest(word, foreign | names) if _is_likely(word, near)]
    meant = list(dict.fromkeys((foreign | names)[near] for near in found))
    if "" in meant or not meant:
        return None
    return suggestion(meant)


def _is_likely(word: str, meant: str) -> bool:
    """Return whether one word is a typing error for the other.

    A wrong letter is next to the right one on the keyboard; in words of three letters, two are swapped or one is
    doubled. Short words that differ in another letter are different words (map, max). A letter added at the beginning
    or the end makes a variant's name (xLSTM, ConvT, FReLU), unless it is a plural s or a digit.
    """
    if len(meant) < SHORT:
        return sorted(word) == sorted(meant) or any(meant[: i + 1] + meant[i:] == word for i in range(len(meant)))
    if word[1:] == meant:
        return word[0] == meant[0]
    if word[:-1] == meant:
        return word[-1] in "s0123456789" or word[-1] == meant[-1] or _beside(word[-1], meant[-1])
    if len(word) != len(meant) or sorted(word) == sorted(meant):
        return True
    wrong = [(a, b) for a, b in zip(word, meant, strict=True) if a != b]
    if any(letter.isdigit() for pair in wrong for letter in pair):
        return False
    return (len(wrong) == 1 and len(meant) > SHORT + 1) or all(_beside(a, b) for a, b in wrong)


def _beside(one: str, other: str) -> bool:
    """Return whether two letters are neighbours on a keyboard."""
    places = [
        (row.find(letter) + 0.4 * height, height)
        for letter in (one, other)
        for height, row in enumerate(KEYBOARD)
        if letter in row
    ]
    if len(places) < 2:
        return False
    (x, y), (x2, y2) = places
    return abs(x - x2) <= 1 and abs(y - y2) <= 1


# --- arguments, keys and modifiers ---------------------------------------------------------------------------


def argument_hint(name: str, known: Collection[str]) -> str | None:
    """Return a hint for a framework's argument that has another name here or is not supported, or None."""
    ours = named_here(name, known, ARGUMENTS)
    if ours is not None:
        return ours
    if name.endswith(TRAINING):
        return "leave it out: it changes no figure"
    return ADVICE.get(name) if name != "dim" or "axis" in known else None


def named_here(name: str, known: Collection[str], words: Mapping[str, str]) -> str | None:
    """Return the hint for a word that has another name here, or None; ``words`` are those of each known name."""
    ours = known_name(name, known, words)
    return f"it is called '{ours}' here" if ours is not None else None


def known_name(name: str, known: Collection[str], words: Mapping[str, str] = ARGUMENTS) -> str | None:
    """Return which of the known names others call ``name``, or None."""
    word = name.lower().replace("-", "_")
    return next((ours for ours in known if word in words.get(ours, "").split()), None)


def parameters(name: str, layer_class: type[Layer]) -> tuple[str, ...]:
    """Return the positional arguments of a call ``name(…)``; for our own names, in our order."""
    if name != layer_class.type:
        for one in abroad().get(bare(name), ()):
            spelling = re.escape(one.name).replace(re.escape("{d}"), "[123]")
            if one.type == layer_class.type and one.parameters and re.fullmatch(spelling, name.rpartition(".")[2]):
                return one.parameters
    return tuple(layer_class.arguments)
