"""``cnncalc draw``: a network as a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from cnncalc.cli import Command
from cnncalc.cli.opening import Asked
from cnncalc.cli.options import BatchAndDtype, takes_basis, takes_output, takes_spec
from cnncalc.cli.output import Output, to_stderr
from cnncalc.cli.parsing import MACHINE, machine_option, parse_machine
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.places import SpecError

if TYPE_CHECKING:
    from cnncalc.drawing.measures import LayerFigure
    from cnncalc.drawing.page.charts import Chart
    from cnncalc.drawing.picture import Choice
    from cnncalc.figures.roofline import Machine
    from cnncalc.figures.summary import Summary
    from cnncalc.graph import Graph
    from cnncalc.language.recipe import Recipe


@click.command("draw", Command, short_help="A network as a picture.")
@takes_spec()
@click.option("--depth", type=click.IntRange(1), help="Levels of blocks to open. Default: as many as can be read.")
@click.option(
    "--by", type=click.Choice(["macs", "params", "memory", "time"]), default="macs",
    help="Figure shown by bars and shares; memory is that of the outputs, time needs --machine.",
)  # fmt: skip
@click.option(
    "--layers",
    "patterns",
    multiple=True,
    metavar="PATTERN",
    help="Draw only these layers: a name or a glob, 'stage2.*'.",
)
@click.option("--columns", metavar="N|auto", default="auto", help="Number of columns in the picture.")
@machine_option
@takes_basis
@takes_output("svg", "html", "mermaid", "dot", general=False)
def command(
    asked: Asked,
    basis: BatchAndDtype,
    out: Output,
    depth: int | None,
    by: str,
    patterns: tuple[str, ...],
    columns: str,
    machine: str,
) -> int:
    """Draw a network: blocks as frames, an operation with its norm and activation as one card, repeated blocks once.

    \b
    cnncalc draw resnet50 > resnet50.svg
    cnncalc draw unet --by memory -o unet.svg
    cnncalc draw inception_v4 --layers 'inception_a1.*' -o part.svg
    cnncalc draw resnet50 -o resnet50.mmd       # for a README on GitHub
    cnncalc draw resnet50 --format dot | dot -Tpdf > resnet50.pdf
    """
    from cnncalc.drawing.measures import measure
    from cnncalc.drawing.picture import Choice
    from cnncalc.figures.selection import layers_named
    from cnncalc.figures.summary import summarize
    from cnncalc.language.expand.unfinished import Misfit, Unfinished

    choice, code = Choice(depth, _columns(columns)), 0
    more: list[Chart] = []
    try:
        recipe, network = asked.built()
        more = _arena(recipe, network) if out.format == "html" else []
    except SpecError as error:
        part = error.unfinished
        if not isinstance(part, Unfinished) or not part.graph.nodes:
            raise
        network, code = part.graph, error.exit_code
        last = Misfit("fault", (network.nodes[-1],), error.message)
        choice = choice._replace(misfits=part.misfits or [last])
        to_stderr(error.text())
    if patterns:
        choice = choice._replace(nodes=layers_named(network, patterns))
    network.check_count("drawn", choice.nodes)
    on = parse_machine(machine)
    if out.format == "html":
        out.text(page_of(network, summarize(network, *basis), on, choice, by, more))
    else:
        out.text(_drawn(network, measure(network, by, *basis, on), choice, out.format))
    return code


def _arena(recipe: Recipe, network: Graph) -> list[Chart]:
    """Return a chart of the memory plan on the spec's device; None if the spec names no device or can't be planned."""
    from cnncalc.deployment.view import deploy
    from cnncalc.drawing.page.charts import Chart
    from cnncalc.rendering.deploy_picture import svg
    from cnncalc.studies.device.budgets import RequestedDevice

    if not recipe.deploy:
        return []
    try:
        found = deploy(network, RequestedDevice().over(recipe.deploy).device())
    except CnncalcError:
        return []  # 'deploy' reports why
    says = (
        f"Each box is a tensor on the device: across from its first to its last step, {found.arena:,} bytes together."
    )
    return [Chart("Arena over time", says, svg(found))]


def page_by_default(recipe: Recipe, network: Graph, summary: Summary, depth: int | None) -> Iterable[str]:
    """Return a network as one HTML file, with bars for MACs and the default machine."""
    from cnncalc.drawing.picture import Choice

    return page_of(network, summary, parse_machine(MACHINE), Choice(depth), more=_arena(recipe, network))


def page_of(
    network: Graph, summary: Summary, machine: Machine, choice: Choice, by: str = "macs", more: Sequence[Chart] = ()
) -> Iterable[str]:
    """Return a network as one HTML file."""
    from cnncalc.drawing.measures import counted_macs, measure
    from cnncalc.drawing.page.document import Content, page
    from cnncalc.figures.costs import OWN_CONVENTION
    from cnncalc.rendering.verdict import verdict
    from cnncalc.rendering.views.summary_page import convention

    shown = dict.fromkeys([by, "macs", "params", "memory"])
    measures = [measure(network, one, summary.batch, summary.dtype, machine) for one in shown]
    measures = [counted_macs(summary) if one.by == "macs" else one for one in measures]
    says = verdict(summary) if summary.convention == OWN_CONVENTION else convention(summary)
    return page(Content(network, summary, measures, machine, says, choice, more))


def _drawn(network: Graph, measure: LayerFigure, choice: Choice, form: str) -> Iterable[str]:
    """Return a network in one of the formats."""
    if form == "dot":
        from cnncalc.drawing.dot import digraph

        return digraph(network, choice)
    if form == "mermaid":
        from cnncalc.drawing.mermaid import flowchart
        from cnncalc.drawing.picture import describe

        return [flowchart(describe(network, measure, choice), choice.depth)]
    from cnncalc.drawing.picture import picture
    from cnncalc.drawing.svg import document

    return [document(picture(network, measure, choice))]


def _columns(text: str) -> int | None:
    """Return the number of columns; None for ``auto``. Raises CnncalcError for anything else."""
    if text == "auto":
        return None
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 4 and int(text)):
        raise CnncalcError(f"--columns {text}: neither a number of columns nor auto")
    return int(text)
