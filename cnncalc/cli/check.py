"""``cnncalc check``: check published figures and budgets, and warn about probable mistakes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

import click

from cnncalc.cli import Command
from cnncalc.cli._device import bound_options, takes_device
from cnncalc.cli._messages import error_text
from cnncalc.cli.opening import AskedSeveral, collect_networks
from cnncalc.cli.options import BatchAndDtype, Function, takes_basis, takes_output, takes_specs
from cnncalc.cli.output import Output, to_stderr
from cnncalc.cli.parsing import parse_bytes
from cnncalc.figures.catalogue import BOUNDED, BYTES, Basis
from cnncalc.figures.costs import ON_A_DEVICE
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_FAULTS
from cnncalc.ground.numbers import counted
from cnncalc.ground.quantities import parse_quantity
from cnncalc.language.collection import Member, members
from cnncalc.language.findings import RULES, distinct, noticed
from cnncalc.rendering.failures import failure_text
from cnncalc.rendering.views.check import ChecksView
from cnncalc.studies.check.report import Check, Report, check
from cnncalc.studies.device.budgets import RequestedDevice


def _budget_options(command: Function) -> Function:
    """Add one option per figure that can be bounded."""
    for figure in reversed(BOUNDED.values()):
        names = dict.fromkeys([_option(figure.bound, name) for name in (figure.option, figure.old or figure.option)])
        metavar = "BYTES" if figure.unit == BYTES else "N"
        command = click.option(*names, figure.name, metavar=metavar, help=f"Bound on {figure.help}.")(command)
    return command


def _option(way: str, name: str) -> str:
    return f"--{way}-{name}"


@click.command("check", Command, short_help="Check published figures and budgets; warn about mistakes.")
@takes_specs(required=True)
@_budget_options
@bound_options
@takes_device
@takes_basis
@click.option("--strict", is_flag=True, help="Treat warnings as failures.")
@click.option(
    "--allow", "allowed", type=click.Choice(list(RULES)), metavar="RULE", multiple=True,
    help=f"Rule to ignore; may be repeated: {', '.join(RULES)}.",
)  # fmt: skip
@takes_output("junit")
def command(
    asked: AskedSeveral,
    basis: BatchAndDtype,
    wanted: RequestedDevice,
    out: Output,
    strict: bool,
    allowed: tuple[str, ...],
    **bounds: str | None,
) -> int:
    """Check published figures and budgets, and warn about probable mistakes.

    Every variant of each SPEC is checked; FILE:VARIANT checks one. Exit code 1 if a check fails.

    \b
    cnncalc check specs/*.yaml
    cnncalc check net.yaml --max-params 5M --max-macs 600M
    cnncalc check net.yaml --dtype int8 --max-weight-bytes 1MiB --max-peak-bytes 256KiB
    cnncalc check net.yaml --max-arena 96KiB --max-flash 512KiB --board nano33ble
    cnncalc check net.yaml --strict --format junit -o report.xml

    Counts are written 5M, 600M, 1.5G; bytes also 256KiB, 4MB. Each warning has the name of its rule; where
    it is meant, a comment on the line silences it: "# allow: lost-pixels".
    """
    budgets = {
        figure.name: (parse_bytes if figure.unit == BYTES else parse_quantity)(
            text, _option(figure.bound, figure.option)
        )
        for figure in BOUNDED.values()
        if (text := bounds[figure.name]) is not None
    }
    for name in ON_A_DEVICE:
        if (text := bounds[f"max_{name}"]) is not None:
            budgets[name] = parse_bytes(text, f"--max-{name}")
    settings, inputs = asked.each.changes()
    collect_networks()

    def checked(member: Member, spec: str) -> Report:
        return check(member, spec, budgets, Basis(basis.batch, basis.width), settings, inputs, wanted)

    reports = [report for spec in asked.specs for report in _of_spec(asked, spec, checked, allowed)]
    out.show(ChecksView(reports, strict))
    _report_to_stderr(reports)
    unchecked = [report.name for report in reports if not (report.checks or report.error)]
    if unchecked:
        whose = unchecked[0] if len(unchecked) == 1 else f"{len(unchecked)} networks"
        to_stderr(f"note: no figure of {whose} is checked: give a bound, such as --max-params 5M")
    if any(report.error for report in reports):
        return CnncalcError.exit_code
    return int(any(report.fails(strict) for report in reports))


def _of_spec(
    asked: AskedSeveral, spec: str, checked: Callable[[Member, str], Report], allowed: Collection[str]
) -> Iterator[Report]:
    """Check every network of a spec; one that can't be built does not keep the others from it."""
    try:
        recipe, variant = asked.recipe(spec)
    except CnncalcError as error:
        yield Report(spec, spec, {}, [], [], error_text(error))
        return
    general = distinct(recipe.unused())
    for member in members(recipe, variant):
        with noticed() as doubts:
            try:
                with asked.each.blaming(*member):
                    report = checked(member, spec)
            except CnncalcError as error:
                report = Report(spec, member.name, {}, [], [], error_text(error))
        found = [*doubts, *report.warnings] if report.error else [*doubts, *general, *report.warnings]
        yield report._replace(warnings=[warning for warning in found if warning.rule not in allowed])


def _report_to_stderr(reports: Iterable[Report]) -> None:
    """Report on stderr what is wrong; an error or a warning of several variants once."""
    shown = set[object]()
    for report in reports:
        texts: dict[object, str] = {report.error: report.error} if report.error else {}
        texts |= {failure: failure_text(report, failure) for failure in report.failures}
        texts |= {(report.spec, warning.place): warning.text() for warning in report.warnings[:MAX_FAULTS]}
        if len(report.warnings) > MAX_FAULTS:
            more = f"{report.name}: … and {counted(len(report.warnings) - MAX_FAULTS, 'more warning')}"
            texts[report.spec, more] = more
        for what, text in texts.items():
            if what not in shown:
                to_stderr(text)
        shown |= {what for what in texts if not isinstance(what, Check)}
