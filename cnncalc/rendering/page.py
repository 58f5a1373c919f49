"""Lines of styled text, and tables that fit a width.

A page is a list of lines, a line a list of (text, style) parts.  What is not a terminal gets the texts alone.
Ten thousand rows are laid out in a few hundredths of a second; only a terminal needs rich, to colour them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.ground.terminal_safe import printable

Part = tuple[str, str]
Line = list[Part]

BAR_WIDEST, BAR_NARROWEST = 10, 3
NARROWEST_FOLD = 9
_UNIT = r"(?<=\d) (?=(?:%|[kMGT]|[KMGT]iB|B|[mµ]?s)(?!\w))"
_SPACE = re.compile(rf"(?!{_UNIT}) ").split
_BREAK = re.compile(rf"(?!{_UNIT}) |/|[.,](?!\d)").finditer
_EIGHTHS = " ▏▎▍▌▋▊▉█"


class Cell(NamedTuple):
    """A text with a style of its own."""

    text: str
    style: str = ""


class Bar(NamedTuple):
    """A share between 0 and 1, drawn as long as its column is wide."""

    share: float
    style: str = ""


class Column(NamedTuple):
    """A column: figures keep their width; ``folds`` may be wrapped; ``drop`` (1 first) may be left out when narrow."""

    title: str
    right: bool = False
    folds: bool = False
    drop: int = 0
    bar: bool = False


class Rule(NamedTuple):
    """A line across the table."""


class Heading(NamedTuple):
    """A text over the following rows."""

    text: str


TableRow = Sequence[str | Cell | Bar] | Rule | Heading


def bar(share: float, width: int) -> str:
    """Return a share as block characters, in eighths of a cell."""
    eighths = round(max(0.0, min(share, 1.0)) * width * 8)
    if share > 0 and eighths == 0:
        eighths = 1
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def table(columns: Sequence[Column], rows: Sequence[TableRow], width: int | None, terminal: bool) -> list[Line]:
    """Lay a table out.

    Args:
        columns: what is in each cell of a row.
        rows: cells in the order of the columns.
        width: what the table should fit; None for as wide as it needs.
        terminal: whether bars and rules may be drawn with box characters; else they are left out, or dashes.
    """
    kept = [index for index, column in enumerate(columns) if terminal or not column.bar]
    widths = _fit(columns, rows, kept, width)
    kept = [index for index in kept if widths[index]]
    total = sum(widths[index] for index in kept) + 2 * (len(kept) - 1)
    lines: list[Line] = [_titles(columns, kept, widths), _rule(total, terminal)]
    for row in rows:
        if isinstance(row, Rule):
            lines.append(_rule(total, terminal))
        elif isinstance(row, Heading):
            lines.append([(row.text, "dim")])
        else:
            lines += _row(columns, row, kept, widths)
    return lines


def _fit(columns: Sequence[Column], rows: Sequence[TableRow], kept: list[int], width: int | None) -> list[int]:
    """Return each column's width, 0 for those left out: bars shrink first, then columns go, then texts fold."""
    widths = [0] * len(columns)
    cells = [row for row in rows if not isinstance(row, (Rule, Heading))]
    for index in kept:
        if columns[index].bar:
            widths[index] = BAR_WIDEST
        else:
            widths[index] = max([len(columns[index].title), *[len(_text(row[index])) for row in cells]])
    if width is None:
        return widths

    def excess() -> int:
        shown = [size for size in widths if size]
        return sum(shown) + 2 * (len(shown) - 1) - width

    bars = [index for index in kept if columns[index].bar]
    while excess() > 0 and bars and widths[bars[0]] > BAR_NARROWEST:
        for index in bars:
            widths[index] -= 1
    folding = [index for index in kept if columns[index].folds]
    for turn in sorted({columns[index].drop for index in kept} - {0}):
        could_fold = sum(max(widths[index] - 20, 0) for index in folding)
        if excess() > could_fold:
            for index in kept:
                widths[index] = 0 if columns[index].drop == turn else widths[index]
    while excess() > 0 and folding:
        widest = max(folding, key=lambda i: widths[i])
        if widths[widest] <= NARROWEST_FOLD:
            break
        widths[widest] -= 1
    return widths


def _titles(columns: Sequence[Column], kept: list[int], widths: list[int]) -> Line:
    titles = [
        columns[i].title.rjust(widths[i]) if columns[i].right else columns[i].title.ljust(widths[i]) for i in kept
    ]
    return [("  ".join(titles).rstrip(), "bold")]


def _rule(width: int, terminal: bool) -> Line:
    return [(("─" if terminal else "-") * width, "dim")]


def _row(columns: Sequence[Column], row: Sequence[str | Cell | Bar], kept: list[int], widths: list[int]) -> list[Line]:
    line: Line = []
    overflow: dict[int, list[str]] = {}
    for place, index in enumerate(kept):
        cell, room = row[index], widths[index]
        text, style = (bar(cell.share, room), cell.style) if isinstance(cell, Bar) else _styled(cell)
        if len(text) > room and columns[index].folds:
            text, *rest = fold(text, room)
            overflow[index] = rest
        padded = text.rjust(room) if columns[index].right else text.ljust(room)
        line.append((padded if place == len(kept) - 1 else padded + "  ", style))
    lines = [_trimmed(line)]
    for number in range(max([len(rest) for rest in overflow.values()], default=0)):
        more: Line = []
        for index in kept:
            rest = overflow.get(index, [])
            more.append(
                ((rest[number] if number < len(rest) else "").ljust(widths[index]) + "  ", _styled(row[index])[1])
            )
        lines.append(_trimmed(more))
    return lines


def _trimmed(line: Line) -> Line:
    while line and not line[-1][0].strip():
        line.pop()
    if line:
        line[-1] = (line[-1][0].rstrip(), line[-1][1])
    return line


def _text(cell: str | Cell | Bar) -> str:
    return cell if isinstance(cell, str) else cell.text if isinstance(cell, Cell) else ""


def _styled(cell: str | Cell | Bar) -> Part:
    return (cell, "") if isinstance(cell, str) else (_text(cell), cell.style)


def fold(text: str, width: int) -> list[str]:
    """Break a text into lines of at most ``width``, behind dots, commas and spaces where that is possible.

    Every line is indented as the text is, those after the first by two more where there is room.
    """
    start = len(text) - len(text.lstrip())
    start = start if start < width else 0
    further = " " * (start + 2) if width > start + 6 else ""
    text = text[start:] if start else text.lstrip()
    front = " " * start
    lines: list[str] = []
    while len(front) + len(text) > width:
        room = width - len(front)
        cut = max([end for end in map(re.Match.end, _BREAK(text, 0, room + 1)) if end <= room], default=room)
        lines.append((front + text[:cut]).rstrip())
        text, front = text[cut:].lstrip(), further
    return [*lines, front + text] if text or not lines else lines


def paragraph(text: str, width: int | None, style: str = "") -> list[Line]:
    """Return a text as lines of at most ``width``, broken at spaces, but not before a figure's unit."""
    if width is None:
        return [[(text, style)]]
    lines: list[Line] = []
    line = ""
    for word in _SPACE(text):
        if line and len(line) + 1 + len(word) > width:
            lines.append([(line, style)])
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, [(line, style)]]


def plain(lines: Sequence[Line]) -> str:
    """Return the page's text."""
    return "".join([printable("".join([text for text, _ in line])) + "\n" for line in lines])
