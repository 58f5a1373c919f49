"""Errors that are shown to the user without a traceback; each class carries its exit code."""

from __future__ import annotations

from collections.abc import Callable

from cnncalc.ground.limits import MAX_MESSAGE
from cnncalc.ground.terminal_safe import printable


class CnncalcError(Exception):
    """An error whose text is shown to the user unchanged, without a traceback."""

    exit_code = 2

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def text(self) -> str:
        """Return the whole message, with the hint on a separate line."""
        return with_hint(self.message, self.hint)

    def __str__(self) -> str:
        return self.text()

    def __reduce__(self) -> tuple[Callable[..., CnncalcError], tuple[object, ...]]:
        """Pickle an error without its class's arguments."""
        return _remade, (type(self), self.args, self.__dict__)


class ArgumentError(CnncalcError):
    """A fault of a function's argument; the command line shows the argument's name as an option.

    Attributes:
        argument: the argument's name.
    """

    def __init__(self, argument: str, message: str, hint: str | None = None) -> None:
        super().__init__(f"{argument}: {message}", hint)
        self.argument = argument

    def as_option(self) -> str:
        """Return the whole message with the name of the option in front: ``--max-memory: …``."""
        return f"--{self.argument.replace('_', '-')}{self.text()[len(self.argument) :]}"


class InternalError(CnncalcError):
    """Two ways of computing one figure disagree: a mistake of the program, not of its user."""

    exit_code = 3


def _remade(kind: type[CnncalcError], args: tuple[object, ...], attributes: dict[str, object]) -> CnncalcError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


def with_hint(message: str, hint: str | None) -> str:
    """Return a message, with its hint on a separate line."""
    return printable(clipped(message)) + (f"\n  hint: {printable(clipped(hint))}" if hint else "")


def clipped(text: str) -> str:
    """Return a message, without its middle if it is too long."""
    half = MAX_MESSAGE // 2
    return text if len(text) <= MAX_MESSAGE else f"{text[:half]}…{text[-half:]}"
