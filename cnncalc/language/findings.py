"""Lint findings: legal but probably unintended parts of a spec, and the rules that find them."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from cnncalc.ground.named import NamedTuple
from cnncalc.ground.near import did_you_mean
from cnncalc.ground.places import Fault, Origin, Place

RULES = {
    "lost-pixels": "no window reaches the last rows or columns: (W − F + 2P) is not a multiple of S",
    "stride-over-kernel": "a stride larger than the kernel skips pixels and aliases",
    "padding-covers-kernel": "a padding as large as the kernel: whole windows see nothing but padding",
    "bias-before-batchnorm": "batchnorm subtracts the mean, and with it any bias right before it",
    "repeated-relu": "a ReLU behind another changes nothing",
    "wide-fc": "a fully connected layer reads a large map and holds most of the params",
    "channels-last": "an input whose last axis looks like its channels, which come first",
    "batch-axis": "an input that looks as if it began with a batch axis, which shapes don't have",
    "no-channels": "an input of two equal axes, which looks like a picture without its axis of channels",
    "input-of-scope": "a 'from: input' that means the input of the scope, not of the enclosing path",
    "unused-output": "nothing reads what an item computes",
    "unused-name": "a name that a 'for' binds, or an input, is never read",
    "unused-block": "a block that no item uses",
    "unused-argument": "an argument of the spec or of a block that nothing reads",
}
"""Every rule with a description; ``# allow: RULE`` on the line silences it there."""


_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")


class Finding(NamedTuple):
    """One warning: rule, message, place and hint.

    Attributes:
        layer: a node's name, or empty.
        saves: number of params that the hint saves.
    """

    rule: str
    message: str
    origin: Origin | None
    hint: str | None = None
    layer: str = ""
    saves: int = 0

    def text(self) -> str:
        """Return the warning as it is shown, with place, excerpt and hint."""
        unknown = [word for word in self._allowing[:1] if word not in RULES]  # words after the rules may give a reason
        no_rule = f"'# allow:' names no rule: {did_you_mean(unknown[0], RULES, '') or unknown[0]}" if unknown else ""
        hint = "; ".join(filter(None, [self.hint, no_rule]))
        return Fault(f"warning: {self.message} [{self.rule}]", self.origin, hint or None).text()

    @property
    def place(self) -> tuple[object, ...]:
        """The key shared by all findings of one mistake in the text, which may affect many layers."""
        return (self.rule, self.origin or self.layer)

    @property
    def allowed(self) -> bool:
        """Whether a comment on the line silences it: ``# allow: lost-pixels``."""
        return self.rule in self._allowing

    @property
    def _allowing(self) -> list[str]:
        """The text of the line's ``allow`` comment."""
        line = self.origin.file.line(self.origin.line) if isinstance(self.origin, Place) else ""
        comment = re.search(r"#.*\ballow:([\w\s,-]+)", line)
        return re.findall(r"[\w-]+", comment[1]) if comment else []


class SpecWarning(UserWarning):
    """A probable mistake, found while a network is built; its text has the place and a hint."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text().removeprefix("warning: "))
        self.finding = finding


def warn(found: Iterable[Finding]) -> None:
    """Issue findings as Python's warnings at the line that called the package; the command line prints them itself."""
    for finding in found:
        warnings.warn(SpecWarning(finding), stacklevel=_callers_level())


def _callers_level() -> int:
    """Return the distance from :func:`warn` to the first frame outside the package."""
    from inspect import currentframe  # few networks have findings

    frame, level = currentframe(), 0
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    return level


@contextmanager
def noticed() -> Iterator[list[Finding]]:
    """Collect the findings of networks that are built inside, instead of warning."""
    found: list[Finding] = []

    def keep(message: Warning | str, *place: object, **named: object) -> None:
        if isinstance(message, SpecWarning):
            found.append(message.finding)

    with warnings.catch_warnings():
        warnings.simplefilter("always", SpecWarning)
        warnings.showwarning = keep
        yield found


def distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that are not silenced; several of one place become one, with their number."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.place, []).append(finding)
    kept = []
    for first, *others in groups.values():
        if first.allowed:
            continue
        if others:
            more = f"; {len(others)} more layer{'s' if len(others) > 1 else ''} likewise"
            first = first._replace(message=first.message + more)
        if others and first.saves:
            saved = sum([one.saves for one in (first, *others)])
            first = first._replace(hint=f"{first.hint} here, {saved:,} in all {len(others) + 1} layers", saves=saved)
        kept.append(first)
    return kept
