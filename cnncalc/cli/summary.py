"""``cnncalc summary``: one row per layer with shape, params and MACs, and where compute and parameters are."""

from __future__ import annotations

import click

from cnncalc.cli import Command
from cnncalc.cli.opening import Asked
from cnncalc.cli.options import BatchAndDtype, convention_option, takes_basis, takes_output, takes_spec
from cnncalc.cli.output import Output, report_unmet
from cnncalc.figures.memory import OPTIMIZERS
from cnncalc.figures.selection import SORT_KEYS, select
from cnncalc.figures.summary import COUNTED, Summary, summarize
from cnncalc.graph import Graph
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.near import did_you_mean
from cnncalc.language.recipe import Recipe
from cnncalc.rendering.views.summary import COLUMNS, SummaryView

TABLE_COLUMNS = (
    "index", "layer", "type", "kind", "input", "output",
    *COUNTED, "receptive_field",
)  # fmt: skip

SMALL, SHORT = 2**20, 1_000
"""Most params and layers of a network that gets a note on microcontrollers: in int8 it fits 1 MiB of flash."""

ALIKE = {"layer": "name", "output": "output_shape", "input": "input_shapes"}
"""Columns by their names in tables and in records; both names are accepted."""

_NAMES = ", ".join([f"{name} (or {ALIKE[name]})" if name in ALIKE else name for name in TABLE_COLUMNS])


@click.command("summary", Command, short_help="One row per layer, and where compute and parameters are.")
@takes_spec()
@takes_basis
@click.option(
    "--optimizer",
    type=click.Choice(list(OPTIMIZERS)),
    default="adam",
    help="Optimiser whose state counts in training memory.",
)
@convention_option
@click.option(
    "--depth", type=click.IntRange(1), help="Levels of blocks to show; deeper layers are summed, one row per block."
)
@click.option(
    "--sort",
    "sort",
    type=click.Choice((*SORT_KEYS, "layer")),
    help="Sort the rows: figures in descending order, name and index in ascending order.",
)
@click.option(
    "--top",
    type=click.IntRange(1),
    help="Show the first N rows (by macs, unless sorted) and sum the others in one row.",
)
@click.option("--columns", metavar="NAME,…", help=f"Columns to show: {_NAMES}.")
@takes_output("html")
def command(
    asked: Asked,
    basis: BatchAndDtype,
    out: Output,
    optimizer: str,
    convention: str,
    depth: int | None,
    sort: str | None,
    top: int | None,
    columns: str | None,
) -> int:
    """Print one row per layer, and where the compute and the parameters are.

    \b
    cnncalc summary alexnet
    cnncalc summary net.yaml --input 3x320x320 --set width=0.5
    cnncalc summary vgg.yaml --variant vgg19 --depth 1
    cnncalc summary model.onnx --input 3x224x224 --top 10
    cat net.yaml | cnncalc summary - --format tsv | sort
    cnncalc summary resnet50 -o resnet50.html
    """
    recipe, network = asked.built()
    if out.format == "html":
        network.check_count("drawn")
    summary = summarize(network, *basis, optimizer, convention)
    if out.format == "html":
        from cnncalc.cli.draw import page_by_default

        for name, given in (("--sort", sort), ("--top", top), ("--columns", columns)):
            if given is not None:
                raise CnncalcError(f"{name} is for tables", "the page has its own sorting and folding")
        out.text(page_by_default(recipe, network, summary, depth))
        return report_unmet(summary.unmet)
    rows, rest = select(summary, depth, ALIKE.get(sort or "", sort), top)
    known = TABLE_COLUMNS if out.format == "table" else (*COLUMNS, "args")
    device = _on_a_device(recipe, network, summary) if out.format == "table" else ""
    out.show(SummaryView(summary, rows, rest, _columns(columns, known), device))
    return report_unmet(summary.unmet)


def _on_a_device(recipe: Recipe, network: Graph, summary: Summary) -> str:
    """Return a note on microcontrollers: for the spec's device, or for a small or int8 network."""
    int8 = summary.dtype == "int8"
    asked = int8 or bool(recipe.deploy)
    if not asked and (summary.totals.params > SMALL or len(network.nodes) > SHORT):
        return ""
    from cnncalc.deployment.view import deploy
    from cnncalc.rendering.views.deploy import in_brief
    from cnncalc.studies.device.budgets import RequestedDevice

    here = "every tensor is one byte per element here; " if int8 else ""
    try:
        return here + in_brief(deploy(network, RequestedDevice().over(recipe.deploy).device()))
    except CnncalcError as error:
        return here + error.message if asked else ""


def _columns(text: str | None, known: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the columns that ``--columns`` names, or None for the usual.  Raises CnncalcError for an unknown one."""
    if text is None:
        return None
    names = tuple([name.strip() for name in text.split(",") if name.strip()])
    alike = ALIKE | {theirs: ours for ours, theirs in ALIKE.items()}
    names = tuple([name if name in known else alike.get(name, name) for name in names])
    for name in names:
        if name not in known:
            raise CnncalcError(f"--columns: no column '{name}'", did_you_mean(name, known, "columns"))
    return names or None
