"""Reports of checks as a table, and each failure and warning as a text."""

from __future__ import annotations

from itertools import groupby

from cnncalc.ground.terminal_safe import printable
from cnncalc.rendering.page import Cell, Column, Heading, Line, Rule, TableRow, table
from cnncalc.rendering.text import exact, percent, size
from cnncalc.studies.checks import EXPECTED, MOST, Check, Report

COLUMNS = (
    Column("network", folds=True),
    Column("params", right=True),
    Column("MACs", right=True),
    Column("weights", right=True, drop=1),
    Column("peak", right=True),
    Column("checks", right=True, drop=2),
    Column("result", folds=True),
)


def page(reports: list[Report], strict: bool, width: int | None, terminal: bool) -> list[Line]:
    """Return the table, a row a network, and the sum of it."""
    rows: list[TableRow] = []
    for spec, group in groupby(reports, lambda report: report.spec):
        of_spec = list(group)
        alone = len(of_spec) == 1 and of_spec[0].name == spec
        if not alone:
            rows.append(Heading(spec))
        rows += [_row(report, strict, "" if alone else "  ") for report in of_spec]
    return [*table(COLUMNS, [*rows, Rule()], width, terminal), [(summary_line(reports, strict), "bold")]]


def _row(report: Report, strict: bool, indent: str) -> list[str | Cell]:
    result = Cell(*_result(report, strict))
    if report.error:
        return [indent + report.name, "", "", "", "", "", result]
    figures = report.figures
    held = f"{len(report.checks) - len(report.failures)}/{len(report.checks)}"
    return [
        indent + report.name, exact(figures["params"]), exact(figures["macs"]),
        size(figures["weights"]), size(figures["peak"]), held, result,
    ]  # fmt: skip


def _result(report: Report, strict: bool) -> tuple[str, str]:
    if report.error:
        return "error", "bold red"
    failed = [check.what for check in report.failures]
    rules = sorted({warning.rule for warning in report.warnings})
    if failed or (strict and rules):
        return "FAILED " + ", ".join([*failed, *(rules if strict else [])]), "bold red"
    return (f"ok, {counted(len(report.warnings), 'warning')}", "yellow") if rules else ("ok", "green")


def fails(report: Report, strict: bool) -> bool:
    """Whether a network that could be built fails a check."""
    return bool(report.failures or (strict and report.warnings))


def summary_line(reports: list[Report], strict: bool) -> str:
    """Return ``3 networks: 2 ok, 1 failed, 4 warnings``."""
    failed = sum(fails(report, strict) for report in reports)
    errors = sum(bool(report.error) for report in reports)
    parts = [f"{len(reports) - failed - errors} ok"]
    parts += [f"{failed} failed"] * bool(failed) + [f"{errors} can't be built"] * bool(errors)
    warnings = len({(report.spec, warning.place) for report in reports for warning in report.warnings})
    parts += [counted(warnings, "warning")] * bool(warnings)
    return f"{counted(len(reports), 'network')}: {', '.join(parts)}"


def counted(count: int, what: str) -> str:
    """Return ``1 network``, ``2 networks``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def failure_text(report: Report, check: Check) -> str:
    """Return what failed, with the figure, the bound and the layers that cost most."""
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
    """Return a layer's part of a figure that is a sum."""
    if check.what.startswith("layer-") or not isinstance(check.actual, int):
        return ""
    return f" ({percent(part / check.actual)})"


def _figure(figure: object, of_bytes: bool) -> str:
    if not isinstance(figure, int):
        return str(figure)
    about = f" ({size(figure)})" if figure >= 1024 else ""
    return f"{exact(figure)} bytes{about}" if of_bytes else exact(figure)
