"""Reports of checks: a table, and objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from cnncalc.figures.catalogue import CATALOGUE
from cnncalc.ground.numbers import counted
from cnncalc.language.findings import Finding
from cnncalc.rendering.blocks import Cell, Column, Divider, PageBlock, Table, Text
from cnncalc.rendering.layout import under_headings
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.texts import figure_text, title_of
from cnncalc.rendering.writers import View, record_of
from cnncalc.studies.check.report import SHOWN, Check, Report

_OLD = {CATALOGUE[name].old: name for name in SHOWN if CATALOGUE[name].old}
COLUMNS = (
    Column("network", folds=True),
    *[Column(title_of(name), right=True, drop=int(name == "weight_bytes")) for name in SHOWN],
    Column("checks", right=True, drop=2),
    Column("result", folds=True),
)


class ChecksView(View):
    """Reports of checks."""

    columns = ("spec", "name", *SHOWN, "result", "failed", "warned", *_OLD)
    old = _OLD

    def __init__(self, reports: Sequence[Report], strict: bool) -> None:
        self.reports = reports
        self.strict = strict

    def page(self, screen: Screen) -> list[PageBlock]:
        """Return the table, one row per network, and its summary line."""
        count = Counter(report.spec for report in self.reports)
        rows = []
        for report in self.reports:
            alone = count[report.spec] == 1 and report.name == report.spec
            row = _row(report, self.strict, "" if alone else "  ")
            rows.append(("" if alone else report.spec, row))
        line = _summary_line(self.reports, self.strict)
        return [Table(COLUMNS, [*under_headings(rows), Divider()]), Text([(line, "bold")])]

    def document(self) -> dict[str, object]:
        networks = list(self.records())
        results = [network["result"] for network in networks]
        return {"networks": networks, "counts": {name: results.count(name) for name in ("ok", "failed", "error")}}

    def records(self) -> Iterator[dict[str, object]]:
        for report in self.reports:
            figures = report.figures
            yield {
                **record_of(report, "spec", "name"),
                **figures,
                **{old: figures[name] for old, name in _OLD.items() if figures},
                "result": "error" if report.error else "failed" if report.fails(self.strict) else "ok",
                "failed": list(dict.fromkeys(check.what for check in report.failures)),
                "warned": [warning.rule for warning in report.warnings],
                "checks": [_check(check) for check in report.checks],
                "warnings": [_warning(warning) for warning in report.warnings],
                "error": report.error or None,
            }

    def junit(self) -> Iterator[str]:
        """Yield the reports as JUnit's XML."""
        from cnncalc.rendering.junit import as_junit

        yield as_junit(self.reports, self.strict)


def _row(report: Report, strict: bool, indent: str) -> list[str | Cell]:
    result = Cell(*_result(report, strict))
    if report.error:
        return [indent + report.name, *[""] * len(SHOWN), "", result]
    figures = [figure_text(name, figure) for name, figure in report.figures.items()]
    held = f"{len(report.checks) - len(report.failures)}/{len(report.checks)}" if report.checks else "none"
    return [indent + report.name, *figures, held, result]


def _result(report: Report, strict: bool) -> tuple[str, str]:
    if report.error:
        return "error", "bold red"
    failed = list(dict.fromkeys(check.what for check in report.failures))
    rules = sorted({warning.rule for warning in report.warnings})
    if failed or (strict and rules):
        return "FAILED " + ", ".join([*failed, *(rules if strict else [])]), "bold red"
    return (f"ok, {counted(len(report.warnings), 'warning')}", "yellow") if rules else ("ok", "green")


def _summary_line(reports: Sequence[Report], strict: bool) -> str:
    """Return ``3 networks: 2 ok, 1 failed, 4 warnings``."""
    failed = sum(report.fails(strict) for report in reports)
    errors = sum(bool(report.error) for report in reports)
    parts = [f"{len(reports) - failed - errors} ok"]
    parts += [f"{failed} failed"] * bool(failed) + [f"{errors} can't be built"] * bool(errors)
    warnings = len({(report.spec, warning.place) for report in reports for warning in report.warnings})
    parts += [counted(warnings, "warning")] * bool(warnings)
    return f"{counted(len(reports), 'network')}: {', '.join(parts)}"


def _check(check: Check) -> dict[str, object]:
    return {
        "figure": check.what,
        "what": CATALOGUE[check.what].old or check.what if check.what in CATALOGUE else check.what,
        **record_of(check, "relation", "bound", "actual", "holds"),
        "heaviest": [{"name": name, "figure": figure} for name, figure in check.heaviest],
        "place": str(check.origin) if check.origin else None,
    }


def _warning(warning: Finding) -> dict[str, object]:
    return {
        "rule": warning.rule,
        "layer": warning.layer or None,
        "message": warning.message,
        "place": str(warning.origin) if warning.origin else None,
        "hint": warning.hint,
    }
