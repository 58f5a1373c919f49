"""How the blocks of a page become lines of styled text that fit a width.

A line is a list of (text, style) parts; without a terminal only the texts are written.  Ten thousand rows are laid out
in a few hundredths of a second; only a terminal needs rich, to colour them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from cnncalc.ground.terminal_safe import printable
from cnncalc.rendering.blocks import (
    Bar,
    Cell,
    Column,
    Divider,
    Heading,
    PageBlock,
    Paragraph,
    StyledLine,
    Table,
    TableRow,
    Title,
)
from cnncalc.rendering.cells import cells, fitting, left, right
from cnncalc.rendering.screen import Screen

BAR_WIDEST, BAR_NARROWEST = 10, 3
NARROWEST_FOLD = 9
LIKELY_FOLD = 20
"""Width to which a folded column is narrowed before others are left out."""

_UNIT = r"(?<=\d) (?=(?:%|[kMGT]|[KMGT]iB|B|[mµ]?s)(?!\w))"
_SPACE = re.compile(rf"(?!{_UNIT}) ").split
_BREAK = re.compile(rf"(?!{_UNIT}) |/|[.,](?!\d)|(?<=[a-z])-(?=[a-z])").finditer
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def under_headings(rows: Iterable[tuple[str, TableRow]]) -> list[TableRow]:
    """Return rows under headings, from rows that come with their heading ("" for none)."""
    found: list[TableRow] = []
    above = ""
    for heading, row in rows:
        if heading not in ("", above):
            found.append(Heading(heading))
        above = heading
        found.append(row)
    return found


def page_lines(page: Iterable[PageBlock], screen: Screen) -> Iterator[StyledLine]:
    """Yield a page's lines, block by block."""
    for block in page:
        if isinstance(block, Title):
            yield from _title(block, screen.width)
        elif isinstance(block, Paragraph):
            yield from _labelled(block, screen.width)
        elif isinstance(block, Table):
            yield from table(block.columns, block.rows, screen)
        else:
            yield block.parts


def plain(lines: Iterable[StyledLine]) -> str:
    """Return the text of lines."""
    return "".join([printable("".join([text for text, _ in line])) + "\n" for line in lines])


# --- tables --------------------------------------------------------------------------------------------------


def bar(share: float, width: int) -> str:
    """Return a share as block characters, in eighths of a cell."""
    eighths = round(max(0.0, min(share, 1.0)) * width * 8)
    if share > 0 and eighths == 0:
        eighths = 1
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def table(columns: Sequence[Column], rows: Sequence[TableRow], screen: Screen) -> list[StyledLine]:
    """Return the lines of a table: its titles, a rule, the rows."""
    kept = [index for index, column in enumerate(columns) if screen.box or not column.bar]
    widths = _Widths(columns, rows, kept)
    if screen.width is not None:
        widths.fit(screen.width)
    left_out = [columns[index].title for index in kept if not widths.of[index] and columns[index].title]
    kept = [index for index in kept if widths.of[index]]
    folding = [index for index in kept if columns[index].folds]
    total = widths.total
    titles = [_aligned(columns[index].title, widths.of[index], columns[index].right) for index in kept]
    lines: list[StyledLine] = [[("  ".join(titles).rstrip(), "bold")], _rule(total, screen.box)]
    for row in rows:
        if isinstance(row, Divider):
            lines.append(_rule(total, screen.box))
        elif isinstance(row, Heading):
            lines.append([(row.text, "dim")])
        else:
            texts = [(index, _text(row[index])) for index in folding]
            wrapped = {index: fold(text, widths.of[index]) for index, text in texts if cells(text) > widths.of[index]}
            for number in range(max(map(len, wrapped.values()), default=1)):
                lines.append(_row(columns, row, kept, widths.of, wrapped, number))
    if left_out:
        lines += [[(text, "dim")] for text in paragraph(screen.left_out(left_out), screen.width)]
    return lines


class _Widths:
    """The width of each column, 0 for those left out."""

    def __init__(self, columns: Sequence[Column], rows: Sequence[TableRow], kept: list[int]) -> None:
        self.columns = columns
        self.kept = kept
        self.of = [0] * len(columns)
        body = self.body = [row for row in rows if not isinstance(row, (Divider, Heading))]
        for index in kept:
            if columns[index].bar:
                self.of[index] = BAR_WIDEST
            else:
                self.of[index] = max([cells(columns[index].title), *[cells(_text(row[index])) for row in body]])

    @property
    def total(self) -> int:
        """The width of the kept columns, with the gaps between them."""
        shown = [size for size in self.of if size]
        return sum(shown) + 2 * (len(shown) - 1)

    def fit(self, width: int) -> None:
        """Make the table narrower: shrink bars, leave out columns, fold texts; finally leave out figures, from the
        left.
        """
        natural, figures = [*self.of], [index for index in self.kept[1:-1] if not self.columns[index].folds]
        for count in range(len(figures) + 1):
            self.of = [0 if index in figures[:count] else size for index, size in enumerate(natural)]
            self._shrink_bars(width)
            folding = [index for index in self.kept if self.columns[index].folds]
            self._drop(width, folding)
            if self.total > width and folding:
                self._fold(width, {index: max(NARROWEST_FOLD, self._longest_word(index)) for index in folding})
                self._fold(width, dict.fromkeys(folding, NARROWEST_FOLD))
            if self.total <= width:
                return

    def _fold(self, width: int, least: dict[int, int]) -> None:
        """Repeatedly narrow the widest of the folding columns, none below its minimum."""
        while self.total > width and (wide := [index for index in least if self.of[index] > least[index]]):
            self.of[max(wide, key=lambda index: self.of[index])] -= 1

    def _longest_word(self, index: int) -> int:
        """Return the width of the longest unbreakable piece of a column's texts."""
        return max([0, *[cells(piece) for text in {_text(row[index]) for row in self.body} for piece in _pieces(text)]])

    def _shrink_bars(self, width: int) -> None:
        bars = [index for index in self.kept if self.columns[index].bar]
        while self.total > width and bars and self.of[bars[0]] > BAR_NARROWEST:
            for index in bars:
                self.of[index] -= 1

    def _drop(self, width: int, folding: list[int]) -> None:
        """Leave out columns, one by one, until folding suffices."""
        for turn in sorted({self.columns[index].drop for index in self.kept} - {0}):
            could_fold = sum([max(self.of[index] - LIKELY_FOLD, 0) for index in folding])
            if self.total - width <= could_fold:
                return
            for index in self.kept:
                if self.columns[index].drop == turn:
                    self.of[index] = 0


def _aligned(text: str, room: int, at_right: bool) -> str:
    return right(text, room) if at_right else left(text, room)


def _rule(width: int, box: bool) -> StyledLine:
    return [(("─" if box else "-") * width, "dim")]


def _row(
    columns: Sequence[Column],
    row: Sequence[str | Cell | Bar],
    kept: list[int],
    widths: list[int],
    wrapped: dict[int, list[str]],
    number: int,
) -> StyledLine:
    """Return a line of a row: the first has all its texts, further ones the rest of texts that are wrapped."""
    line: StyledLine = []
    for index in kept:
        cell, room = row[index], widths[index]
        if isinstance(cell, str):
            text, style = cell, ""
        elif isinstance(cell, Bar):
            text, style = bar(cell.share, room), cell.style
        else:
            text, style = cell.text, cell.style
        if number or index in wrapped:
            parts = wrapped.get(index, [])
            text = parts[number] if number < len(parts) else ""
        if text.isascii():  # nearly all are: a tenth of a second for 20,000 rows
            padded = text.rjust(room) if columns[index].right else text.ljust(room)
        else:
            padded = _aligned(text, room, columns[index].right)
        line.append((padded + "  ", style))
    return _trimmed(line)


def _trimmed(line: StyledLine) -> StyledLine:
    while line and not line[-1][0].strip():
        line.pop()
    if line:
        line[-1] = (line[-1][0].rstrip(), line[-1][1])
    return line


def _text(cell: str | Cell | Bar) -> str:
    return cell if isinstance(cell, str) else cell.text if isinstance(cell, Cell) else ""


# --- texts ---------------------------------------------------------------------------------------------------


def fold(text: str, width: int) -> list[str]:
    """Break a text into lines of at most ``width``, after dots, commas and spaces if possible.

    Every line has the text's indentation, lines after the first two blanks more if there is room.
    """
    start = len(text) - len(text.lstrip())
    start = start if start < width - 1 else 0  # a character may take two cells
    further = " " * (start + 2) if width > start + 6 else ""
    text = text[start:] if start else text.lstrip()
    front = " " * start
    lines: list[str] = []
    while len(front) + cells(text) > width:
        room = fitting(text, width - len(front))
        ends = [end for end in map(re.Match.end, _BREAK(text, 0, room + 1)) if end <= room]
        cut = max([end for end in ends if cells(text[end : end + 1])], default=room)  # marks stay with their letters
        lines.append((front + text[:cut]).rstrip())
        text, front = text[cut:].lstrip(), further
    return [*lines, front + text] if text or not lines else lines


def _pieces(text: str) -> Iterator[str]:
    """Yield the pieces between the places where :func:`fold` may break a text."""
    text = text.strip()
    start = 0
    for end in map(re.Match.end, _BREAK(text)):
        yield "  " * (start > 0) + text[start:end].rstrip()
        start = end
    yield "  " * (start > 0) + text[start:]


def paragraph(text: str, width: int | None) -> list[str]:
    """Return a text as lines of at most ``width``, broken at spaces, but not before a figure's unit."""
    if width is None:
        return [text]
    lines: list[str] = []
    line = ""
    for word in _SPACE(text):
        if line and cells(line) + 1 + cells(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]


def _title(block: Title, width: int | None) -> Iterator[StyledLine]:
    """Yield a heading followed by its further text, on the next line if there is no room."""
    room = width or cells(block.text) + 3 + cells(block.about)
    if cells(block.text) + 3 * bool(block.about) + cells(block.about) <= room:
        yield [(block.text, "bold"), (f"   {block.about}", "")] if block.about else [(block.text, "bold")]
        return
    for text in fold(block.text, room):
        yield [(text, "bold")]
    for text in fold(block.about, room - 3) if block.about else ():
        yield [(f"   {text}", "")]


def _labelled(block: Paragraph, width: int | None) -> Iterator[StyledLine]:
    label, style = block.label
    room = cells(label)
    for number, text in enumerate(paragraph(block.text, width and width - room)):
        line = (text, block.style)
        yield [(" " * room if number else label, style), line] if label else [line]
