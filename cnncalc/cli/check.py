"""``cnncalc check``: published figures, budgets, and what is legal but probably wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import click

from cnncalc.cli._device import bound_options, device_options
from cnncalc.cli._errors import error_text
from cnncalc.cli.options import (
    batch_option,
    dtype_option,
    output_options_with,
    parse_quantity,
    read_changes,
    read_spec,
    specs_options,
    target,
)
from cnncalc.cli.output import Target, tell
from cnncalc.figures.costs import DTYPES
from cnncalc.figures.expectations import ON_A_DEVICE
from cnncalc.ground.errors import CnncalcError
from cnncalc.language.collection import members
from cnncalc.language.findings import RULES, distinct, noticed
from cnncalc.language.items import Document
from cnncalc.language.usage import unused
from cnncalc.layers.shapes import Shape
from cnncalc.rendering.check_page import fails, failure_text, page
from cnncalc.studies.budgets import FIGURES, Scale
from cnncalc.studies.checks import Check, Report, check
from cnncalc.studies.on_device import Wanted


def _budget_options(command: Callable[..., int]) -> Callable[..., int]:
    """Add an option for every figure that can be bounded."""
    for name, figure in reversed(FIGURES.items()):
        way = "min" if figure.least else "max"
        metavar, help = "BYTES" if figure.of_bytes else "N", f"Bound on {figure.help}."
        command = click.option(f"--{way}-{name}", name.replace("-", "_"), metavar=metavar, help=help)(command)
    return command


@click.command("check", short_help="Hold published figures and budgets, and warn.")
@specs_options(required=True)
@_budget_options
@bound_options
@device_options
@batch_option
@dtype_option
@click.option("--strict", is_flag=True, help="Warnings fail, too.")
@click.option(
    "--allow", "allowed", type=click.Choice(list(RULES)), metavar="RULE", multiple=True,
    help=f"Don't warn of it; may be repeated: {', '.join(RULES)}.",
)  # fmt: skip
@output_options_with("junit")
def command(
    specs: tuple[str, ...],
    inputs: tuple[str, ...],
    settings: tuple[str, ...],
    layout: str,
    batch: int,
    dtype: str,
    strict: bool,
    allowed: tuple[str, ...],
    format: str,
    path: str | None,
    color: str,
    **others: str | None,
) -> int:
    """Check the figures that specs state, budgets, and what is legal but probably wrong.

    Every variant of each SPEC is checked; FILE:VARIANT stands for one. Exit code 1 where a check fails.

    \b
    cnncalc check specs/*.yaml
    cnncalc check net.yaml --max-params 5M --max-macs 600M
    cnncalc check net.yaml --dtype int8 --max-weights 1MiB --max-peak 256KiB
    cnncalc check net.yaml --max-arena 96KiB --max-flash 512KiB --board nano33ble
    cnncalc check net.yaml --strict --format junit -o report.xml

    Counts are written 5M, 600M, 1.5G; bytes also 256KiB, 4MB. Each warning has the name of its rule; where
    it is meant, a comment on the line silences it: "# allow: lost-pixels".
    """
    budgets = {
        name: parse_quantity(text, f"--{'min' if figure.least else 'max'}-{name}", figure.of_bytes)
        for name, figure in FIGURES.items()
        if (text := others[name.replace("-", "_")]) is not None
    }
    for name in ON_A_DEVICE:
        if (text := others[f"max_{name}"]) is not None:
            budgets[name] = parse_quantity(text, f"--max-{name}", True)
    wanted = Wanted(others["quant"], others["converter"], others["core"], others["board"])
    changes = read_changes(settings, inputs, layout)
    scale = Scale(batch, DTYPES[dtype])
    reports = [report for spec in specs for report in _of_spec(spec, budgets, scale, changes, allowed, wanted)]
    _show(reports, strict, format, target(path, color))
    _tell(reports)
    if any(report.error for report in reports):
        return CnncalcError.exit_code
    return int(any(fails(report, strict) for report in reports))


def _of_spec(
    spec: str,
    budgets: Mapping[str, int],
    scale: Scale,
    changes: tuple[Mapping[str, Any], Mapping[str, Shape]],
    allowed: tuple[str, ...],
    wanted: Wanted,
) -> Iterator[Report]:
    """Check every network of a spec; one that can't be built does not keep the others from it."""
    try:
        recipe, variant = read_spec(spec)
    except CnncalcError as error:
        yield Report(spec, spec, {}, [], [], error_text(error))
        return
    general = distinct(unused(recipe)) if isinstance(recipe, Document) else []
    for member in members(recipe, variant):
        with noticed() as doubts:
            try:
                report = check(member, spec, budgets, scale, *changes, wanted)
            except CnncalcError as error:
                report = Report(spec, member.name, {}, [], [], error_text(error))
        found = [*doubts, *report.warnings] if report.error else [*doubts, *general, *report.warnings]
        yield report._replace(warnings=[warning for warning in found if warning.rule not in allowed])


def _show(reports: list[Report], strict: bool, format: str, out: Target) -> None:
    if format == "table":
        out.page(page(reports, strict, out.width, out.terminal))
        return
    if format == "junit":
        from cnncalc.rendering.junit import as_junit

        out.text([as_junit(reports, strict)])
        return
    from cnncalc.rendering.check_records import COLUMNS, document, record
    from cnncalc.rendering.records import as_json, as_lines

    if format == "json":
        out.text([as_json(document(reports, strict))])
    else:
        out.text(as_lines((record(report, strict) for report in reports), format, COLUMNS))


def _tell(reports: Iterable[Report]) -> None:
    """Tell on stderr what is wrong; an error or a warning of several variants once."""
    told = set[object]()
    for report in reports:
        texts: dict[object, str] = {report.error: report.error} if report.error else {}
        texts |= {failure: failure_text(report, failure) for failure in report.failures}
        texts |= {(report.spec, warning.place): warning.text() for warning in report.warnings}
        for what, text in texts.items():
            if what not in told:
                tell(text)
        told |= {what for what in texts if not isinstance(what, Check)}
