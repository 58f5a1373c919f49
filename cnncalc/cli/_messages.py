"""Errors and warnings for the command line: arguments are named by the options that gave them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cnncalc.cli.output import to_stderr
from cnncalc.ground.errors import ArgumentError, CnncalcError, clipped
from cnncalc.ground.places import GivenValue, Origin, SpecError
from cnncalc.language.findings import SpecWarning

_OPTIONS = {"setting": "--set", "input": "--input"}

_AS_OPTION = {"channels-last": ", or add --layout hwc"}
"""A further hint if the shape was given by an option."""


@contextmanager
def shown_warnings() -> Iterator[None]:
    """Print warnings about probable mistakes at once; print libraries' warnings only if Python's -W or PYTHONWARNINGS
    asks for them.
    """
    shown: set[str] = set()

    def show(message: Warning | str, *place: Any, **named: Any) -> None:
        if not isinstance(message, SpecWarning):
            if sys.warnoptions:
                usual(message, *place, **named)
            return
        finding = message.finding
        if finding.origin is None and finding.rule in _AS_OPTION:
            finding = finding._replace(hint=f"{finding.hint}{_AS_OPTION[finding.rule]}")
        text = finding.text()
        if text not in shown:
            shown.add(text)
            to_stderr(text)

    usual = warnings.showwarning
    with warnings.catch_warnings():
        warnings.simplefilter("always", SpecWarning)
        warnings.showwarning = show
        yield


def error_text(error: CnncalcError) -> str:
    """Return an error's whole message, with the names of options in place of the names of arguments."""
    if isinstance(error, ArgumentError):
        return error.as_option()
    return error.text(_spelled) if isinstance(error, SpecError) else error.text()


def _spelled(origin: Origin) -> str:
    return f"{_OPTIONS[origin.kind]} {clipped(origin.name)}".rstrip() if isinstance(origin, GivenValue) else str(origin)
