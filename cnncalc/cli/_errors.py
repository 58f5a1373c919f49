"""Error messages for the command line: arguments are named by the options that gave them."""

from __future__ import annotations

import os

from cnncalc.ground.errors import ArgumentError, CnncalcError, clipped
from cnncalc.ground.places import GivenValue, Origin, SpecError
from cnncalc.language.shipped import folder

_OPTIONS = {"setting": "--set", "input": "--input"}


def error_text(error: CnncalcError) -> str:
    """Return an error's whole message, with the names of options in place of the names of arguments."""
    if isinstance(error, ArgumentError):
        return error.as_option()
    text = error.text(_spelled) if isinstance(error, SpecError) else error.text()
    return text.replace(os.path.join(folder(), ""), "")  # a shipped spec by its name: nobody knows where it is


def _spelled(origin: Origin) -> str:
    return f"{_OPTIONS[origin.kind]} {clipped(origin.name)}".rstrip() if isinstance(origin, GivenValue) else str(origin)
