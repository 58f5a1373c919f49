"""Python source formatted like ruff and black do: in one line if it fits, else broken at its last bracket."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

WIDTH = 88

LONG = 16
"""Most numbers of a list that is written with one number per line."""


class Bracket(NamedTuple):
    """Items in brackets.

    Attributes:
        open, close: the brackets.
        items: the source of each item.
        comma: the separator; it also follows the last item if each has a line, unless it is a blank.
    """

    open: str
    items: tuple[SourceText, ...]
    close: str
    comma: str = ","


SourceText: TypeAlias = "tuple[str | Bracket, ...]"
"""A piece of source: plain text and brackets, one after the other."""


def flat(text: SourceText) -> str:
    """Return a text in one line."""
    return "".join([piece if isinstance(piece, str) else _inside(piece) for piece in text])


def _inside(bracket: Bracket) -> str:
    separator = bracket.comma if bracket.comma == " " else f"{bracket.comma} "
    return bracket.open + separator.join([flat(item) for item in bracket.items]) + bracket.close


def lines(text: SourceText, indent: int, behind: str = "") -> list[str]:
    """Return a text in lines, with ``behind`` at the end of the last one."""
    margin = " " * indent
    line = flat(text) + behind
    at = _broken(text, indent)
    if indent + len(line) <= WIDTH or at is None:
        return [margin + line]
    bracket = text[at]
    assert isinstance(bracket, Bracket)
    if any(map(_is_table, text)):
        return _table(text, indent, behind)
    head = margin + flat(text[:at]) + bracket.open
    tail = margin + bracket.close + flat(text[at + 1 :]) + behind
    body = _inside(bracket._replace(open="", close=""))
    if indent + 4 + len(body) <= WIDTH:
        return [head, f"{margin}    {body}", tail]
    return [head, *_each(bracket, indent + 4), tail]


def _broken(text: SourceText, indent: int) -> int | None:
    """Return the bracket at which a text is broken: the last one before which it fits a line; None without one."""
    brackets = [at for at, piece in enumerate(text) if not isinstance(piece, str) and piece.items]
    for at in reversed(brackets):
        if indent + len(flat(text[:at])) + 1 <= WIDTH:
            return at
    return brackets[-1] if brackets else None


def _is_table(piece: str | Bracket) -> bool:
    """Whether a piece holds a long list of numbers, itself or inside."""
    if isinstance(piece, str):
        return False
    is_long = len(piece.items) > LONG and piece.open == "["
    if is_long and all(flat(item).lstrip("-").isdecimal() for item in piece.items):
        return True
    return any(_is_table(inner) for item in piece.items for inner in item)


def _table(text: SourceText, indent: int, behind: str) -> list[str]:
    """Return a statement with long lists of numbers, many per line; its comment keeps formatters off."""
    margin = " " * indent
    wrapped = textwrap.wrap(flat(text) + behind, WIDTH, initial_indent=margin, subsequent_indent=f"{margin}    ")
    return [*wrapped[:-1], f"{wrapped[-1]}  # fmt: skip"]


def _each(bracket: Bracket, indent: int) -> list[str]:
    """Return the items of a bracket, one per line."""
    found: list[str] = []
    for item in bracket.items:
        alone = bracket.comma == " " or (bracket.open == "[" and len(bracket.items) == 1)
        found += lines(item, indent, "" if alone else bracket.comma)
    return found


def called(head: str, items: Sequence[SourceText]) -> SourceText:
    """Return a call."""
    return (head, Bracket("(", tuple(items), ")"))
