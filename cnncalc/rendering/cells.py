"""The width of texts on a terminal: Chinese, Japanese and Korean characters take two cells, combining marks none."""

from __future__ import annotations

from functools import cache

_MARKS = "\u0300"
"""The first sign that does not take one cell, a combining mark; most texts have none so far up."""


def cells(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    if text.isascii() or max(text) < _MARKS:
        return len(text)
    return sum([_width(sign) for sign in text])


def left(text: str, room: int) -> str:
    """Return a text with blanks behind it that fill so many cells."""
    return text + " " * (room - cells(text))


def right(text: str, room: int) -> str:
    """Return a text with blanks before it that fill so many cells."""
    return " " * (room - cells(text)) + text


def fitting(text: str, room: int) -> int:
    """Return how many characters of a text fit into so many cells: at least one, and marks stay with their letters."""
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
