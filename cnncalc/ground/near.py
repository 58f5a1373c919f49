"""Suggestions for misspelled words: known words that are one or two typing errors away.

Words that are merely similar are not suggested: following such a hint would give another network.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from cnncalc.ground.limits import NEAR_LENGTH, NEAR_WORDS

T = TypeVar("T")

FEW = 24
"""Most known words that a hint lists."""

TIES = 4
"""Most equally similar words that a hint lists."""


def by_word(table: Mapping[str, T]) -> dict[str, T]:
    """Return what a table has for each word, given for several words with blanks between them."""
    return {word: value for words, value in table.items() for word in words.split()}


def did_you_mean(word: str, known: Collection[str], what: str) -> str | None:
    """Return a hint for an unknown word: the known words that are a typing error away, else all if they are few.

    Args:
        word: the unknown word.
        known: the known words; a list keeps its order, a set is sorted.
        what: the title of a list of all known words; empty to list none.
    """
    near = nearest(word, known)
    if near:
        return suggestion(near)
    ordered = sorted(known) if isinstance(known, (set, frozenset)) else known
    return f"{what}: {', '.join(ordered)}" if what and 0 < len(known) <= FEW else None


def suggestion(words: Sequence[str]) -> str:
    """Return ``did you mean 'a', 'b' or 'c'?``."""
    *others, last = [f"'{word}'" for word in words]
    return f"did you mean {', '.join(others)}{' or ' if others else ''}{last}?"


def nearest(word: str, known: Collection[str]) -> list[str]:
    """Return the known words most similar to ``word``: none, one, or a few that are equally similar.

    Capitals, ``-`` and ``_`` are ignored. A word of up to 7 letters may have one typing error, a longer one two; see
    :func:`slips`.
    """
    if len(word) > NEAR_LENGTH:
        return []
    bare = folded(word)
    most = 0 if len(bare) < 3 else 1 if len(bare) < 8 else 2
    found: list[str] = []
    for candidate in sorted(known)[:NEAR_WORDS]:
        count = slips(bare, folded(candidate), most)
        if count < most:
            most, found = count, []
        if count == most:
            found.append(candidate)
    return found if len(found) <= TIES else []


def folded(word: str) -> str:
    """Return a word in lower case without ``-``, ``_`` and blanks."""
    return word.lower().replace("_", "").replace("-", "").replace(" ", "")


def slips(one: str, other: str, most: int) -> int:
    """Return the number of typing errors between two words; ``most + 1`` if there are more than ``most``.

    A typing error is an extra, missing or wrong letter, or two swapped neighbours (the restricted distance of
    Damerau and Levenshtein).
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        here = [row]
        for column, theirs in enumerate(other, 1):
            count = min(above[column] + 1, here[-1] + 1, above[column - 1] + (letter != theirs))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == theirs:
                count = min(count, before[column - 2] + 1)
            here.append(count)
        if min(here) > most:
            return most + 1
        before, above = above, here
    return above[-1]
