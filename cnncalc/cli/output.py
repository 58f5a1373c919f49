"""Write results to standard output or a file, plain or in colour."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from cnncalc.cli.overwriting import refuse_overwriting
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_FAULTS
from cnncalc.ground.numbers import counted
from cnncalc.ground.terminal_safe import printable, printable_lines
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.writers import FORMATS, View

if TYPE_CHECKING:
    from cnncalc.graph import Unmet
    from cnncalc.rendering.blocks import StyledLine

NARROWEST = 40


class Output:
    """Where one command's result goes, and in which format.

    Attributes:
        format: its name.
        path: the file; None for standard output.
        color: whether the terminal's escape codes are written.
        screen: the layout's width and characters: as wide as the terminal, with box characters only on a terminal.
    """

    def __init__(self, path: str | None, color: str, format: str = "table", layout: str = "chw") -> None:
        self.format = format
        self.path = path if path != "-" else None
        is_terminal = self.path is None and sys.stdout is not None and sys.stdout.isatty()
        self.color = color == "always" or (color == "auto" and self.path is None and _wants_color(is_terminal))
        columns = _columns(is_terminal)
        width = max(columns, NARROWEST) if columns else None
        self.screen = Screen(width, is_terminal or self.color, layout, _chooser())

    def show(self, view: View) -> None:
        """Write a view in the requested format. Raises CnncalcError as :meth:`text` does."""
        if FORMATS[self.format].packed:
            if self.path is None and sys.stdout is not None and sys.stdout.isatty():
                raise CnncalcError(
                    f"--format {self.format} is binary, and standard output is a terminal", "give -o FILE, or a pipe"
                )
            self.binary(getattr(view, self.format)())
        elif self.format == "table" and self.color:
            from cnncalc.rendering.layout import page_lines

            self.text(styled(list(page_lines([block], self.screen))) for block in view.page(self.screen))
        else:
            self.text(FORMATS[self.format].write(view, self.screen))

    def text(self, chunks: Iterable[str]) -> None:
        """Write texts to standard output one by one, or all of them to the file: completely or not at all.

        Raises:
            CnncalcError: if the file can't be written, or the command reads it.
        """
        if self.path is None:
            for chunk in chunks if sys.stdout is not None else ():
                click.echo(chunk, nl=False, color=True)
            if self.format in ("svg", "html") and sys.stdout is not None and sys.stdout.isatty():
                to_stderr(f"note: a browser shows it; write it to a file with -o net.{self.format}")
            return
        self.binary(chunk.encode() for chunk in chunks)

    def binary(self, chunks: Iterable[bytes | memoryview]) -> None:
        """Write bytes as :meth:`text` writes texts."""
        if self.path is None:
            if sys.stdout is not None:
                sys.stdout.flush()
                sys.stdout.buffer.writelines(chunks)
                sys.stdout.buffer.flush()
            return
        from cnncalc.ground.atomic_write import write_whole

        refuse_overwriting("-o", self.path)
        write_whole(self.path, chunks)


def styled(lines: Iterable[StyledLine]) -> str:
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


def _wants_color(is_terminal: bool) -> bool:
    """Whether standard output gets colour, by the rules of no-color.org, force-color.org and bixense.com/clicolors."""
    environment = os.environ
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR") or environment.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return is_terminal and environment.get("TERM") != "dumb" and environment.get("CLICOLOR") != "0"


def _columns(is_terminal: bool, stream: int = 1) -> int | None:
    """Return the width of lines: COLUMNS, or else the terminal's; None if neither is known."""
    stated = os.environ.get("COLUMNS", "").lstrip("0")
    if stated.isdecimal() and stated.isascii() and len(stated) <= 6:
        return int(stated)
    try:
        return os.get_terminal_size(stream).columns or None if is_terminal else None
    except (OSError, ValueError):
        return None


def _chooser() -> str:
    """Return the running command's option that chooses columns; empty if it has none."""
    context = click.get_current_context(silent=True)
    names = [option for parameter in context.command.params for option in parameter.opts] if context else []
    return "--columns" if "--columns" in names else ""


def to_stderr(text: str) -> None:
    """Write one or several lines to stderr, if it exists; on a terminal, wrap them at blanks."""
    if sys.stderr is not None:
        lines = printable_lines(text)
        width = _columns(sys.stderr.isatty(), 2) if sys.stderr.isatty() else None
        if width:
            lines = "\n".join([_wrapped(line, max(width, NARROWEST)) for line in lines.split("\n")])
        try:
            click.echo(lines, err=True)
        except OSError:  # full or closed: the exit code is all that is left to say
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _wrapped(line: str, width: int) -> str:
    """Wrap a line to a width; excerpts of files, and carets below them, are left alone."""
    if len(line) <= width or _is_excerpt(line):
        return line
    from cnncalc.rendering.layout import paragraph

    start = len(line) - len(line.lstrip())
    first, *others = paragraph(line.lstrip(), width - start - 2)
    return "\n".join([" " * start + first, *[" " * (start + 2) + other for other in others]])


def _is_excerpt(line: str) -> bool:
    """Whether a line is an excerpt of a file, with its line number, or the caret below it."""
    number, bar, _ = line.partition(" | ")
    number = number.lstrip(" ")
    return bool(bar) and (not number or number.isdecimal())


def more_unmet(count: int) -> str:
    """Return a sentence on how many more figures the networks do not match."""
    return f"… and {counted(count, 'more figure')} that differ{'s' * (count == 1)} from the published ones"


def report_unmet(unmet: Sequence[Unmet]) -> int:
    """Report on stderr published figures that the network does not match; return the exit code."""
    for one in unmet[:MAX_FAULTS]:
        place = f"{one.origin}: " if one.origin else ""
        shown = [f"{figure:,}" if isinstance(figure, int) else str(figure) for figure in (one.expected, one.actual)]
        excerpt = f"\n{one.origin.excerpt()}" if one.origin else ""
        to_stderr(printable(f"{place}{one.what} should be {shown[0]}, but is {shown[1]}") + excerpt)
    if len(unmet) > MAX_FAULTS:
        to_stderr(more_unmet(len(unmet) - MAX_FAULTS))
    return 1 if unmet else 0
