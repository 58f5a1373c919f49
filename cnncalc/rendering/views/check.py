"""Reports of checks: a table, and objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from cnncalc.figures.catalogue import CATALOGUE
from cnncalc.ground.numbers import counted
from cnncalc.language.findings import Finding
from cnncalc.rendering.blocks import Cell, Column, Divider, PageBlock, Table, Text
from cnncalc.rendering.figures import figure_text, title_of
from cnncalc.rendering.layout import under_headings
from cnncalc.rendering.writers import View
from cnncalc.studies.check.report import SHOWN, Check, Report

_OLD = {CATALOGUE[name].old: name for name in SHOWN if CATALOGUE[name].old}
FIELDS = ("spec", "name", *SHOWN, "result", "failed", "warned", *_OLD)
"""Columns of csv and similar formats; the last ones are former names of some figures."""

COLUMNS = (
    Column("network", folds=True),
    *[Column(title_of(name), right=True, drop=int(name == "weight_bytes")) for name in SHOWN],
    Column("checks", right=True, drop=2),
    Column("result", folds=True),
)


def view(reports: Sequence[Report], strict: bool) -> View:
    """Return reports in every format, ``junit`` among them."""

    def junit() -> str:
        from cnncalc.rendering.junit import as_junit

        return as_junit(reports, strict)

    return View(
        page=lambda screen: page(reports, strict),
        document=lambda: document(reports, strict),
        records=lambda: (record(report, strict) for report in reports),
        columns=FIELDS,
        old=_OLD,
        own={"junit": junit},
    )


def page(reports: Sequence[Report], strict: bool) -> list[PageBlock]:
    """Return the table, one row per network, and its summary line."""
    count = Counter(report.spec for report in reports)
    rows = []
    for report in reports:
        alone = count[report.spec] == 1 and report.name == report.spec
        rows.append(("", _row(report, strict, "")) if alone else (report.spec, _row(report, strict, "  ")))
    return [Table(COLUMNS, [*under_headings(rows), Divider()]), Text([(summary_line(reports, strict), "bold")])]


def _row(report: Report, strict: bool, indent: str) -> list[str | Cell]:
    result = Cell(*_result(report, strict))
    if report.error:
        return [indent + report.name, *[""] * len(SHOWN), "", result]
    figures = [figure_text(name, figure) for name, figure in report.figures.items()]
    held = f"{len(report.checks) - len(report.failures)}/{len(report.checks)}"
    return [indent + report.name, *figures, held, result]


def _result(report: Report, strict: bool) -> tuple[str, str]:
    if report.error:
        return "error", "bold red"
    failed = list(dict.fromkeys(check.what for check in report.failures))
    rules = sorted({warning.rule for warning in report.warnings})
    if failed or (strict and rules):
        return "FAILED " + ", ".join([*failed, *(rules if strict else [])]), "bold red"
    return (f"ok, {counted(len(report.warnings), 'warning')}", "yellow") if rules else ("ok", "green")


def summary_line(reports: Sequence[Report], strict: bool) -> str:
    """Return ``3 networks: 2 ok, 1 failed, 4 warnings``."""
    failed = sum(report.fails(strict) for report in reports)
    errors = sum(bool(report.error) for report in reports)
    parts = [f"{len(reports) - failed - errors} ok"]
    parts += [f"{failed} failed"] * bool(failed) + [f"{errors} can't be built"] * bool(errors)
    warnings = len({(report.spec, warning.place) for report in reports for warning in report.warnings})
    parts += [counted(warnings, "warning")] * bool(warnings)
    return f"{counted(len(reports), 'network')}: {', '.join(parts)}"


# --- for scripts ---------------------------------------------------------------------------------------------


def document(reports: Sequence[Report], strict: bool) -> dict[str, object]:
    """Return all reports as one object."""
    networks = [record(report, strict) for report in reports]
    results = [network["result"] for network in networks]
    counts = {name: results.count(name) for name in ("ok", "failed", "error")}
    return {"networks": networks, "counts": counts}


def record(report: Report, strict: bool) -> dict[str, object]:
    """Return one report as an object."""
    return {
        "spec": report.spec,
        "name": report.name,
        **report.figures,
        **{old: report.figures[name] for old, name in _OLD.items() if report.figures},
        "result": "error" if report.error else "failed" if report.fails(strict) else "ok",
        "failed": list(dict.fromkeys(check.what for check in report.failures)),
        "warned": [warning.rule for warning in report.warnings],
        "checks": [_check(check) for check in report.checks],
        "warnings": [_warning(warning) for warning in report.warnings],
        "error": report.error or None,
    }


def _check(check: Check) -> dict[str, object]:
    return {
        "figure": check.what,
        "what": CATALOGUE[check.what].old or check.what if check.what in CATALOGUE else check.what,
        "relation": check.relation,
        "bound": check.bound,
        "actual": check.actual,
        "holds": check.holds,
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
