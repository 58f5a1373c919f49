"""Make untrusted text safe to print: no control character of a file reaches the terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return a text of one line: spaces for line breaks, tabs and the like, � for other control characters.

    Lengths are kept, so that what is laid out stays so.
    """
    return text if text.isprintable() else "".join([_shown(char) for char in text])


def printable_lines(text: str) -> str:
    """Return a text of several lines, each made safe by :func:`printable`."""
    return text if text.isprintable() else "\n".join([printable(line) for line in text.split("\n")])


def _shown(char: str) -> str:
    if char.isprintable():
        return char
    return " " if char.isspace() else "�"
