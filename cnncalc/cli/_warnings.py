"""Print the warnings about networks that are built while a command runs, each once, on standard error."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cnncalc.cli.output import to_stderr
from cnncalc.language.findings import SpecWarning

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
