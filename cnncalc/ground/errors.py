"""What a user can do wrong, and how it is told: every error carries the exit code that the command ends with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is spelled most like ``word``, or None where none is near."""
    from difflib import get_close_matches

    candidates = sorted(known)
    folded = {candidate.lower().replace("-", "_"): candidate for candidate in candidates}
    exact = folded.get(word.lower().replace("-", "_"))
    if exact is not None:
        return exact
    matches = get_close_matches(word, candidates, n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(word: str, known: Sequence[str], what: str) -> str | None:
    """Return a hint with the nearest known word, else all that are known where these are few."""
    near = nearest(word, known)
    if near is not None:
        return f"did you mean '{near}'?"
    return f"{what}: {', '.join(known)}" if 0 < len(known) <= 24 else None
