"""Places in a text, and faults, which are shown with the line they are on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

from cnncalc.ground.errors import CnncalcError, clipped, with_hint
from cnncalc.ground.limits import MAX_FAULTS
from cnncalc.ground.named import NamedTuple
from cnncalc.ground.numbers import counted
from cnncalc.ground.terminal_safe import printable

WIDEST_EXCERPT = 110

Hint: TypeAlias = "str | Callable[[], str | None] | None"
"""Advice on a fault; if it takes a search, a function that is called when the hint is shown."""


def shown_hint(hint: Hint, shown: bool = True) -> str | None:
    """Return a hint, calling its search if there is one."""
    return (hint() if shown else None) if callable(hint) else hint


class Origin(Protocol):
    """The origin of something: a place in a spec, a node of a model file, a given value."""

    def __str__(self) -> str:
        """Return the beginning of messages."""
        ...

    def excerpt(self) -> str:
        """Return lines that show the place; empty if there are none."""
        ...


class SpecText:
    """A spec's text and its name in messages."""

    def __init__(self, name: str, content: str) -> None:
        self.name = name
        self.content = content
        self._lines: list[str] | None = None

    def __repr__(self) -> str:
        return f"<SpecText {self.name}>"

    def line(self, number: int) -> str:
        """Return a line by its number from 0; empty beyond the end."""
        if self._lines is None:
            self._lines = self.content.splitlines()
        return self._lines[number] if 0 <= number < len(self._lines) else ""

    def place(self, index: int) -> Place:
        """Return the place of a character by its number from 0."""
        line = self.content.count("\n", 0, index)
        return Place(self, line, index - (self.content.rfind("\n", 0, index) + 1))


class Place(NamedTuple):
    """A place in a text: line and column count from 0, and are shown from 1."""

    file: SpecText
    line: int
    column: int

    def shifted(self, columns: int) -> Place:
        """Return the place some columns further on the same line."""
        return Place(self.file, self.line, self.column + columns)

    def __str__(self) -> str:
        return f"{self.file.name}:{self.line + 1}:{self.column + 1}"

    def excerpt(self) -> str:
        """Return the line with its number, and below it a caret under the column."""
        line, column = self.file.line(self.line), self.column
        if len(line) > WIDEST_EXCERPT:
            start = max(0, min(column - WIDEST_EXCERPT // 2, len(line) - WIDEST_EXCERPT))
            end = start + WIDEST_EXCERPT
            before, after = "…" if start else "", "…" if end < len(line) else ""
            line, column = before + line[start + len(before) : end - len(after)] + after, column - start
        number = f"{self.line + 1:>4}"
        return f"{number} | {printable(line)}\n{' ' * len(number)} | {' ' * column}^"


class GivenValue(NamedTuple):
    """A value given by the caller: a ``setting`` of one of the spec's args, or the shape of an ``input``.

    ``name`` is the argument's or the input's name; empty for the only input.
    """

    kind: Literal["setting", "input"]
    name: str

    def __str__(self) -> str:
        return self.name or self.kind

    def excerpt(self) -> str:
        """Return nothing: there is no text."""
        return ""


class Fault(NamedTuple):
    """One fault of a spec: its place, a message, and perhaps a hint.

    ``example`` ends the hint: a value that could be given.
    """

    message: str
    origin: Origin | None = None
    hint: str | None = None
    example: GivenValue | None = None

    def text(self, spelled: Callable[[Origin], str] = str) -> str:
        """Return the message with place, excerpt and hint; ``spelled`` returns the text of a place."""
        hint = self.hint if self.example is None else f"{self.hint}: {spelled(self.example)}"
        if self.origin is None:
            return with_hint(self.message, hint)
        excerpt = self.origin.excerpt()
        place = printable(f"{spelled(self.origin)}: {clipped(self.message)}")
        return f"{place}{excerpt and chr(10)}{excerpt}{with_hint('', hint)}"


class SpecError(CnncalcError):
    """A spec that can't be read or built.

    Attributes:
        faults: every fault that was found.
        unfinished: the network as far as it could be built; None if building did not start.
    """

    unfinished: object = None

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults[0].message)
        self.faults = faults

    def __reduce__(self) -> tuple[Callable[..., CnncalcError], tuple[object, ...]]:
        make, (kind, args, attributes) = super().__reduce__()
        assert isinstance(attributes, dict)
        return make, (kind, args, {**attributes, "unfinished": None})

    def text(self, spelled: Callable[[Origin], str] = str) -> str:
        """Return all faults, each with its place; ``spelled`` returns the text of a place."""
        shown = [fault.text(spelled) for fault in self.faults[:MAX_FAULTS]]
        if len(self.faults) > MAX_FAULTS:
            shown.append(f"… and {counted(len(self.faults) - MAX_FAULTS, 'more fault')}")
        return "\n".join(shown)
