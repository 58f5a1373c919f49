"""Reports of checks as JUnit's XML, which CI systems show: one test suite per spec, one test case per check."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from cnncalc.ground.terminal_safe import printable, printable_lines
from cnncalc.rendering.failures import failure_text
from cnncalc.studies.check.report import LEAST, MOST, Report

_BOUNDS = {MOST: "max-", LEAST: "min-"}
"""Prefixes of bounds, as in their options, to distinguish them from published figures of the same name."""


class _Case(NamedTuple):
    spec: str
    name: str
    outcome: str = ""  # failure or error, empty if it passed
    text: str = ""


def as_junit(reports: Iterable[Report], strict: bool) -> str:
    """Return the whole document; with ``strict``, every rule with a warning is a failed case."""
    suites = []
    counts = [0, 0, 0]
    for spec, group in groupby(reports, lambda report: report.spec):
        of_spec = list(group)
        cases = [case for report in of_spec for case in _cases(report, strict)]
        warnings = [] if strict else [warning.text() for report in of_spec for warning in report.warnings]
        tally = [len(cases), *[sum(case.outcome == kind for case in cases) for kind in ("failure", "error")]]
        counts = [before + more for before, more in zip(counts, tally, strict=True)]
        noted = [f"    <system-err>{_text(chr(10).join(warnings))}</system-err>"] if warnings else []
        head = f"  <testsuite name={_attribute(spec)} {_tallied(tally)}>"
        suites += [head, *map(_case, cases), *noted, "  </testsuite>"]
    whole = f'<testsuites name="cnncalc check" {_tallied(counts)}>'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', whole, *suites, "</testsuites>", ""])


def _cases(report: Report, strict: bool) -> list[_Case]:
    spec, name = report.spec, report.name
    if report.error:
        return [_Case(spec, f"{name} builds", "error", report.error)]
    cases = [_Case(spec, f"{name} builds")]
    for check in report.checks:
        failure = () if check.holds else ("failure", failure_text(report, check))
        cases.append(_Case(spec, f"{name} {_BOUNDS.get(check.relation, '')}{check.what}", *failure))
    warned: dict[str, list[str]] = {}
    for one in report.warnings if strict else ():
        warned.setdefault(one.rule, []).append(one.text())
    return cases + [_Case(spec, f"{name} {rule}", "failure", "\n".join(texts)) for rule, texts in warned.items()]


def _case(case: _Case) -> str:
    head = f"    <testcase classname={_attribute(case.spec)} name={_attribute(case.name)}"
    if not case.outcome:
        return head + "/>"
    message = _attribute(case.text.splitlines()[0])
    return f"{head}>\n      <{case.outcome} message={message}>{_text(case.text)}</{case.outcome}>\n    </testcase>"


def _tallied(counts: list[int]) -> str:
    tests, failures, errors = counts
    return f'tests="{tests}" failures="{failures}" errors="{errors}" skipped="0"'


def _text(text: str) -> str:
    from xml.sax.saxutils import escape

    return escape(printable_lines(text))


def _attribute(text: str) -> str:
    from xml.sax.saxutils import quoteattr

    return quoteattr(printable(text))
