"""The width of texts on a terminal: Chinese, Japanese and Korean characters take two cells, combining marks none."""

from __future__ import annotations

from functools import cache

_MARKS = "\u0300"
"""The first character that does not take one cell, a combining mark; most texts have only smaller ones."""


def cells(text: str) -> int:
    """Return the number of terminal cells of a text."""
    if text.isascii() or max(text) < _MARKS:
        return len(text)
    return sum([_width(sign) for sign in text])


def left(text: str, room: int) -> str:
    """Return a text padded with blanks on the right to a number of cells."""
    return text + " " * (room - cells(text))


def right(text: str, room: int) -> str:
    """Return a text padded with blanks on the left to a number of cells."""
    return " " * (room - cells(text)) + text


def fitting(text: str, room: int) -> int:
    """Return the number of a text's characters that fit into a number of cells: at least one; marks stay with their
    letters.
    """
    if text.isascii() or max(text) < _MARKS:
        return max(room, 1)
    taken = 0
    for place, sign in enumerate(text):
        taken += _width(sign)
        if taken > room and place:
            return place
    return len(text)


@cache
def _width(sign: str) -> int:
    """Return the cells of one character, by Unicode's East Asian Width (UAX #11)."""
    from unicodedata import category, east_asian_width

    if not sign.isprintable():
        return 1  # shown as a replacement character
    if category(sign) in ("Mn", "Me") or "\u1160" <= sign <= "\u11ff":  # marks; vowels and finals of Hangul
        return 0
    return 2 if east_asian_width(sign) in "WF" else 1
