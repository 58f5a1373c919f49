"""``cnncalc summary``: every layer's shape, params and MACs, and where compute and parameters are."""

from __future__ import annotations

from typing import Any

import click

from cnncalc.cli.options import (
    batch_option,
    convention_option,
    dtype_option,
    network_of,
    output_options,
    spec_options,
    target,
)
from cnncalc.cli.output import Target, tell
from cnncalc.figures.memory import OPTIMIZERS
from cnncalc.figures.selection import SORT_KEYS, select
from cnncalc.figures.summary import Row, Summary, summarize
from cnncalc.graph import Graph
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_FAULTS
from cnncalc.ground.near import did_you_mean
from cnncalc.ground.terminal_safe import printable

TABLE_COLUMNS = (
    "index", "layer", "type", "kind", "input", "output",
    "params", "buffers", "macs", "flops", "activations", "output_bytes", "receptive_field",
)  # fmt: skip


ALIKE = {"layer": "name", "output": "output_shape", "input": "input_shapes"}
"""Columns by the names of the table and of the records; either is taken for both."""

_NAMES = ", ".join([f"{name} (or {ALIKE[name]})" if name in ALIKE else name for name in TABLE_COLUMNS])


@click.command("summary", short_help="A row a layer, and where compute and parameters are.")
@spec_options
@batch_option
@dtype_option
@click.option(
    "--optimizer",
    type=click.Choice(list(OPTIMIZERS)),
    default="adam",
    help="Optimiser whose state counts in training memory.",
)
@convention_option
@click.option("--depth", type=click.IntRange(1), help="Levels of blocks to show; what lies deeper is one row a block.")
@click.option(
    "--sort",
    "sort",
    type=click.Choice((*SORT_KEYS, "layer")),
    help="Order of the rows: by a figure the heaviest first, by name or index rising.",
)
@click.option("--top", type=click.IntRange(1), help="Only the first N rows (by macs, unless sorted), the rest as one.")
@click.option("--columns", metavar="NAME,…", help=f"What to show: {_NAMES}.")
@output_options
def command(
    spec: str,
    variant: str | None,
    inputs: tuple[str, ...],
    settings: tuple[str, ...],
    layout: str,
    batch: int,
    dtype: str,
    optimizer: str,
    convention: str,
    depth: int | None,
    sort: str | None,
    top: int | None,
    columns: str | None,
    format: str,
    path: str | None,
    color: str,
) -> int:
    """Print a row a layer, and where the compute and the parameters are.

    \b
    cnncalc summary alexnet
    cnncalc summary net.yaml --input 3x320x320 --set width=0.5
    cnncalc summary vgg.yaml --variant vgg19 --depth 1
    cat net.yaml | cnncalc summary - --format tsv | sort
    """
    network = network_of(spec, variant, inputs, settings, layout)
    summary = summarize(network, batch, dtype, optimizer, convention)
    rows, rest = select(summary, depth, ALIKE.get(sort or "", sort), top)
    device = on_a_device(network) if dtype == "int8" and format == "table" else ""
    show(summary, rows, rest, columns, layout, format, target(path, color), device)
    return tell_unmet(summary)


def on_a_device(network: Graph) -> str:
    """Return a sentence on what int8 is on a microcontroller: the figures of a summary count one byte an element."""
    from cnncalc.deployment.view import deploy
    from cnncalc.rendering.deploy_page import in_brief

    try:
        return in_brief(deploy(network))
    except CnncalcError as error:
        return f"every tensor is one byte an element here; {error.message}"


def show(
    summary: Summary,
    rows: list[Row],
    rest: Row | None,
    columns: str | None,
    layout: str,
    format: str,
    out: Target,
    device: str = "",
) -> None:
    """Write a summary in the format that was asked for."""
    if format == "table":
        from cnncalc.rendering.summary_page import LAYER_COLUMNS, page

        wanted = _columns(columns, TABLE_COLUMNS, LAYER_COLUMNS)
        out.page(page(summary, rows, rest, wanted, layout, out.width, out.terminal, device))
        return
    from cnncalc.rendering.records import as_json, as_lines
    from cnncalc.rendering.summary_records import COLUMNS, channels_last, document, layer, marked, marked_columns

    wanted = _columns(columns, (*COLUMNS, "args"), COLUMNS)
    records: Any = (layer(row) for row in rows)
    if layout == "hwc" and format not in ("json", "ndjson"):  # those keep to one order of axes
        records = map(channels_last, records)
    if columns and format in ("json", "ndjson"):
        records = ({name: record[name] for name in wanted} for record in records)
    if format == "json":
        out.text([as_json(document(summary, list(records)))])
    else:
        out.text(as_lines(marked(records, summary.convention), format, marked_columns(wanted, summary.convention)))


def _columns(text: str | None, known: tuple[str, ...], usual: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns that ``--columns`` names.  Raises CnncalcError for one that there is not."""
    if text is None:
        return usual
    names = tuple([name.strip() for name in text.split(",") if name.strip()])
    alike = ALIKE | {theirs: ours for ours, theirs in ALIKE.items()}
    names = tuple([name if name in known else alike.get(name, name) for name in names])
    for name in names:
        if name not in known:
            raise CnncalcError(f"--columns: no column '{name}'", did_you_mean(name, known, "columns"))
    return names or usual


def tell_unmet(summary: Summary) -> int:
    """Tell published figures that the network does not have on stderr; return the exit code."""
    for unmet in summary.unmet[:MAX_FAULTS]:
        place = f"{unmet.origin}: " if unmet.origin else ""
        shown = [f"{figure:,}" if isinstance(figure, int) else str(figure) for figure in (unmet.expected, unmet.actual)]
        excerpt = f"\n{unmet.origin.excerpt()}" if unmet.origin else ""
        tell(printable(f"{place}{unmet.what} should be {shown[0]}, but is {shown[1]}") + excerpt)
    if len(summary.unmet) > MAX_FAULTS:
        tell(f"… and {len(summary.unmet) - MAX_FAULTS:,} more figures that are not as published")
    return 1 if summary.unmet else 0
