"""Names that exporters give: the words of scopes, and what is added to a word that is taken."""

from __future__ import annotations

import re
from collections.abc import Callable
from string import ascii_lowercase

_PLURAL = re.compile(r"(?<=[cs]h|ss)es$|(?<=\w\w[^sui])(?<!bia)s$")
"""Ending of a plural: of branches and of layers, but not of class, bias, axis, status or ups."""


def singular(word: str) -> str:
    """Return a word without the ending of a plural."""
    return _PLURAL.sub("", word)


def scope_word(path: str) -> str:
    """Return the last part of a scope's dotted path that is not a number."""
    words = [re.sub(r"\W+", "_", part, flags=re.ASCII).strip("_") for part in path.split(".")]
    return next((word for word in reversed(words) if word and not word[0].isdigit()), "block")


def with_number(number: int) -> str:
    """Return the ending of the second name, ``_2``, and so on."""
    return f"_{number}"


def with_letter(number: int) -> str:
    """Return the ending of the second name, ``_b``, and so on; a number may follow it."""
    found = ""
    while number:
        number, place = divmod(number - 1, len(ascii_lowercase))
        found = ascii_lowercase[place] + found
    return f"_{found}"


def first_free(
    stem: str, is_taken: Callable[[str], bool], numbers: dict[str, int], ending: Callable[[int], str] = with_number
) -> str:
    """Return a name that is not taken: the stem, or with an ending; ``numbers`` has the next number of each stem."""
    name, number = stem, numbers.get(stem, 2)
    while is_taken(name):
        name, number = stem + ending(number), number + 1
    numbers[stem] = number
    return name
