"""Places in a text, and faults that are shown with the line that they are on."""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.ground.errors import CnncalcError, told
from cnncalc.ground.limits import MAX_FAULTS
from cnncalc.ground.terminal_safe import printable

WIDEST_EXCERPT = 110


class Source:
    """A spec's text and what it is called in messages."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._lines: list[str] | None = None

    def line(self, number: int) -> str:
        """Return a line by its number from 0; empty behind the end."""
        if self._lines is None:
            self._lines = self.text.splitlines()
        return self._lines[number] if 0 <= number < len(self._lines) else ""


class Origin(NamedTuple):
    """Where something stands: line and column count from 0, and are shown from 1."""

    source: Source
    line: int
    column: int

    def shifted(self, columns: int) -> Origin:
        """Return the place some columns further on the same line."""
        return Origin(self.source, self.line, self.column + columns)

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line + 1}:{self.column + 1}"

    def excerpt(self) -> str:
        """Return the line with its number, and below it a caret under the column."""
        line, column = self.source.line(self.line), self.column
        if len(line) > WIDEST_EXCERPT:
            start = max(0, min(column - WIDEST_EXCERPT // 2, len(line) - WIDEST_EXCERPT))
            end = start + WIDEST_EXCERPT
            before, after = "…" if start else "", "…" if end < len(line) else ""
            line, column = before + line[start + len(before) : end - len(after)] + after, column - start
        number = f"{self.line + 1:>4}"
        return f"{number} | {printable(line)}\n{' ' * len(number)} | {' ' * column}^"


class Fault(NamedTuple):
    """One thing that is wrong with a spec: where, what, and perhaps what to do."""

    message: str
    origin: Origin | None = None
    hint: str | None = None

    def text(self) -> str:
        """Return the message with place, excerpt and hint, as it is shown."""
        if self.origin is None:
            return told(self.message, self.hint)
        return f"{printable(f'{self.origin}: {self.message}')}\n{self.origin.excerpt()}{told('', self.hint)}"


class SpecError(CnncalcError):
    """A spec that can't be read or built, with every fault that was found."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults[0].message)
        self.faults = faults

    def text(self) -> str:
        """Return all faults, each with its place."""
        shown = [fault.text() for fault in self.faults[:MAX_FAULTS]]
        if len(self.faults) > MAX_FAULTS:
            shown.append(f"… and {len(self.faults) - MAX_FAULTS} more faults")
        return "\n".join(shown)
