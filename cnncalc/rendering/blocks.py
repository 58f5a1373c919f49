"""A page is a list of blocks: titles, paragraphs and tables, which can be shown in other forms than lines, too."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.ground.named import NamedTuple

Styled = tuple[str, str]
"""A text and its style."""

StyledLine = list[Styled]


class Title(NamedTuple):
    """A heading, and further text on its line."""

    text: str
    about: str = ""


class Paragraph(NamedTuple):
    """A text that is wrapped; its label (a text, a style) precedes the first line, blanks the others."""

    text: str
    style: str = ""
    label: Styled = ("", "")


class Text(NamedTuple):
    """One line that is not wrapped."""

    parts: StyledLine


GAP = Text([])
"""An empty line."""


class Cell(NamedTuple):
    """A text with its own style."""

    text: str
    style: str = ""


class Bar(NamedTuple):
    """A share between 0 and 1, drawn in the width of its column."""

    share: float
    style: str = ""


class Column(NamedTuple):
    """A column: figures keep their width; a column that ``folds`` may be wrapped; ``drop`` is the order (1 first) of
    leaving columns out.
    """

    title: str
    right: bool = False
    folds: bool = False
    drop: int = 0
    bar: bool = False


class Divider:
    """A line across the table."""

    __slots__ = ()


class Heading(NamedTuple):
    """A text over the following rows."""

    text: str


TableRow = Sequence[str | Cell | Bar] | Divider | Heading


class Table(NamedTuple):
    """Rows of cells in the order of the columns."""

    columns: Sequence[Column]
    rows: Sequence[TableRow]


PageBlock = Title | Paragraph | Text | Table
