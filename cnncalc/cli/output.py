"""Where results go: standard output or a file, plain or with the terminal's colours."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from cnncalc.cli.overwriting import refuse_overwriting
from cnncalc.ground.atomic_write import write_whole
from cnncalc.ground.terminal_safe import printable, printable_lines

if TYPE_CHECKING:
    from cnncalc.rendering.page import Line

NARROWEST = 40


class Target:
    """Where one command's result goes.

    Attributes:
        terminal: whether a person reads it: box characters and, unless refused, colour.
        width: the columns that there are; None where nobody counts them.
    """

    def __init__(self, path: str | None, color: str) -> None:
        self.path = path if path != "-" else None
        is_terminal = self.path is None and sys.stdout is not None and sys.stdout.isatty()
        self.color = color == "always" or (color == "auto" and self.path is None and _wants_color(is_terminal))
        self.terminal = is_terminal or self.color
        columns = _columns(is_terminal)
        self.width = max(columns, NARROWEST) if columns else None

    def page(self, lines: Sequence[Line]) -> None:
        """Write lines of styled text."""
        from cnncalc.rendering.page import plain

        self.text([self.styled(lines) if self.color else plain(lines)])

    def stream(self, lines: Iterable[Line]) -> None:
        """Write lines of styled text as they come."""
        from cnncalc.rendering.page import plain

        for_terminal = self.styled if self.color else plain
        self.text(for_terminal([line]) for line in lines)

    def styled(self, lines: Sequence[Line]) -> str:
        """Return lines with the escape codes of their styles."""
        from io import StringIO

        from rich.console import Console
        from rich.segment import Segment, Segments
        from rich.style import Style

        parts = []
        for line in lines:
            parts += [Segment(printable(text), Style.parse(style) if style else None) for text, style in line]
            parts.append(Segment.line())
        result = StringIO()
        console = Console(file=result, color_system="standard", force_terminal=True, no_color=False, width=10**6)
        console.print(Segments(parts), end="", crop=False)
        return result.getvalue()

    def text(self, chunks: Iterable[str]) -> None:
        """Write texts as they come to standard output, or all of them to the file, whole or not at all.

        Raises:
            CnncalcError: where the file can't be written, or the command reads it.
        """
        if self.path is None:
            for chunk in chunks:
                click.echo(chunk, nl=False, color=True)
            return
        refuse_overwriting("-o", self.path)
        write_whole(self.path, (chunk.encode() for chunk in chunks))


def _wants_color(is_terminal: bool) -> bool:
    """Whether standard output gets colour, as no-color.org, force-color.org and bixense.com/clicolors have it."""
    environment = os.environ
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR") or environment.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return is_terminal and environment.get("TERM") != "dumb" and environment.get("CLICOLOR") != "0"


def _columns(is_terminal: bool) -> int | None:
    """Return how wide a line may be: what COLUMNS says, else what the terminal says; None where neither knows."""
    stated = re.fullmatch(r"0*([1-9]\d{0,5})", os.environ.get("COLUMNS", ""), re.ASCII)
    if stated:
        return int(stated[1])
    try:
        return os.get_terminal_size().columns or None if is_terminal else None
    except (OSError, ValueError):
        return None


def tell(text: str) -> None:
    """Write one or several lines to stderr, where there is one."""
    if sys.stderr is not None:
        click.echo(printable_lines(text), err=True)
