"""A failed check as text: the bound, the figure, and the layers with the largest shares."""

from __future__ import annotations

from cnncalc.ground.numbers import exact, exact_bytes, percent
from cnncalc.ground.terminal_safe import printable
from cnncalc.studies.check.report import EXPECTED, MOST, Check, Report


def failure_text(report: Report, check: Check) -> str:
    """Return a failure's text, with the figure, the bound and the layers with the largest shares."""
    bound, actual = _figure(check.bound, check.of_bytes), _figure(check.actual, check.of_bytes)
    place = str(check.origin or report.spec)
    place += f": {check.what}" if place == report.name else f": {report.name}: {check.what}"
    if check.relation == EXPECTED:
        text = f"{place} should be {bound}, but is {actual}"
    else:
        text = f"{place} = {actual}, {'over' if check.relation == MOST else 'under'} the bound of {bound}"
    text = printable(text) + (f"\n{check.origin.excerpt()}" if check.origin else "")
    parts = [f"{name} {exact(part)}{_share(part, check)}" for name, part in check.heaviest]
    return text + (f"\n  heaviest: {printable(', '.join(parts))}" if parts else "")


def _share(part: int, check: Check) -> str:
    """Return a layer's share of a figure that is a sum."""
    if check.what.startswith("layer_") or not isinstance(check.actual, int):
        return ""
    return f" ({percent(part / check.actual)})"


def _figure(figure: object, of_bytes: bool) -> str:
    if not isinstance(figure, int):
        return str(figure)
    return exact_bytes(figure) if of_bytes else exact(figure)
