"""Reports of checks as the records that scripts rely on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cnncalc.language.findings import Finding
from cnncalc.rendering.check_page import fails
from cnncalc.studies.checks import Check, Report

SCHEMA_VERSION = 1

COLUMNS = ("spec", "name", "params", "macs", "weights", "peak", "result", "failed", "warned")


def document(reports: Iterable[Report], strict: bool) -> dict[str, Any]:
    """Return all reports as one object."""
    networks = [record(report, strict) for report in reports]
    results = [network["result"] for network in networks]
    counts = {name: results.count(name) for name in ("ok", "failed", "error")}
    return {"schema_version": SCHEMA_VERSION, "networks": networks, "counts": counts}


def record(report: Report, strict: bool) -> dict[str, Any]:
    """Return one report as an object."""
    return {
        "spec": report.spec,
        "name": report.name,
        **report.figures,
        "result": "error" if report.error else "failed" if fails(report, strict) else "ok",
        "failed": [check.what for check in report.failures],
        "warned": [warning.rule for warning in report.warnings],
        "checks": [_check(check) for check in report.checks],
        "warnings": [_warning(warning) for warning in report.warnings],
        "error": report.error or None,
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "what": check.what,
        "relation": check.relation,
        "bound": check.bound,
        "actual": check.actual,
        "holds": check.holds,
        "heaviest": [{"name": name, "figure": figure} for name, figure in check.heaviest],
        "place": str(check.origin) if check.origin else None,
    }


def _warning(warning: Finding) -> dict[str, Any]:
    return {
        "rule": warning.rule,
        "layer": warning.layer or None,
        "message": warning.message,
        "place": str(warning.origin) if warning.origin else None,
        "hint": warning.hint,
    }
