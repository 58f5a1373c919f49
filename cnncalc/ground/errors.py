"""What a user can do wrong, and how it is told: every error carries the exit code that the command ends with."""

from __future__ import annotations

from cnncalc.ground.terminal_safe import printable


class CnncalcError(Exception):
    """An error that is told to the user as it stands, without a traceback."""

    exit_code = 2

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def text(self) -> str:
        """Return the whole message, its hint on a line of its own."""
        return told(self.message, self.hint)

    def __str__(self) -> str:
        return self.text()


def told(message: str, hint: str | None) -> str:
    """Return a message, its hint on a line of its own."""
    return printable(message) + (f"\n  hint: {printable(hint)}" if hint else "")
