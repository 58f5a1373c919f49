"""Error messages for the command line: arguments are named by the options that gave them."""

from __future__ import annotations

from cnncalc.ground.errors import ArgumentError, CnncalcError, clipped
from cnncalc.ground.places import GivenValue, Origin, SpecError

_OPTIONS = {"setting": "--set", "input": "--input"}


def error_text(error: CnncalcError) -> str:
    """Return an error's whole message, with the names of options in place of the names of arguments."""
    if isinstance(error, ArgumentError):
        return error.as_option()
    return error.text(_spelled) if isinstance(error, SpecError) else error.text()


def _spelled(origin: Origin) -> str:
    return f"{_OPTIONS[origin.kind]} {clipped(origin.name)}".rstrip() if isinstance(origin, GivenValue) else str(origin)
