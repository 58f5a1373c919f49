"""``cnncalc explain``: how each figure comes about, with the numbers put in."""

from __future__ import annotations

import click

from cnncalc.analysis.costs import DTYPES
from cnncalc.analysis.explain import Explanation, explain
from cnncalc.cli.options import network_of, output_options, spec_options, target
from cnncalc.cli.output import Target
from cnncalc.errors import CnncalcError
from cnncalc.network import Network
from cnncalc.selection import layers_named


@click.command("explain")
@spec_options
@click.argument("layers", nargs=-1, metavar="[LAYER…]")
@click.option("--dtype", type=click.Choice(list(DTYPES)), default="float32", help="Type of all tensors, for bytes.")
@click.option("--convention", is_flag=True, help="What other tools count, and why their totals differ, in one table.")
@output_options
def command(
    spec: str,
    layers: tuple[str, ...],
    variant: str | None,
    inputs: tuple[str, ...],
    settings: tuple[str, ...],
    layout: str,
    dtype: str,
    convention: bool,
    format: str,
    path: str | None,
    color: str,
) -> int:
    """Print how shapes, params, MACs, FLOPs, bytes and receptive field come about.

    LAYER is a layer's name, the end of it (conv1) where that is unique, a block (stage2) or a glob ('stage2.*').
    Without one, all layers are explained briefly.

    \b
    cnncalc explain alexnet
    cnncalc explain resnet50 conv_bn1.conv1
    cnncalc explain vgg16 'stage5.*' --format tsv
    cnncalc explain mobilenet_v2 --convention
    """
    network = network_of(spec, variant, inputs, settings, layout)
    if convention:
        _show_conventions(network, layers, format, target(path, color))
        return 0
    nodes = layers_named(network, layers) if layers else network.nodes
    explanations = explain(network, nodes, dtype)
    _show(network, explanations, not layers, layout, format, target(path, color))
    return 0


def _show_conventions(network: Network, layers: tuple[str, ...], format: str, out: Target) -> None:
    """Write what other tools count.  Raises CnncalcError where layers are named: the tools' totals are compared."""
    from cnncalc.analysis.conventions import accounts
    from cnncalc.rendering.convention_page import COLUMNS, document, page, records
    from cnncalc.rendering.records import as_json, as_lines

    if layers:
        hint = "'cnncalc summary --convention' has another tool's figure of every layer"
        raise CnncalcError(f"--convention compares totals of the whole network, not of '{layers[0]}'", hint)
    found = accounts(network)
    if format == "table":
        out.page(page(network, found, out.width, out.terminal))
    elif format == "json":
        out.text([as_json(document(network, found))])
    else:
        out.text(as_lines(records(found), format, COLUMNS))


def _show(
    network: Network, explanations: list[Explanation], whole: bool, layout: str, format: str, out: Target
) -> None:
    """Write explanations: of the whole network in brief, of some layers in full."""
    if format == "table":
        from cnncalc.rendering.explain_page import compact, full, heading

        lines = heading(network.summary(), layout, out.width) if whole else []
        if whole:
            lines += compact(explanations, layout, out.width)
        for number, explanation in enumerate([] if whole else explanations):
            lines += [[]] if number else []
            lines += full(explanation, layout, out.width)
        out.page(lines)
        return
    from cnncalc.rendering.explain_records import COLUMNS, document, record, rows
    from cnncalc.rendering.records import as_json, as_lines

    if format == "json":
        out.text([as_json(document(network, explanations))])
    elif format == "ndjson":
        out.text(as_lines((record(explanation) for explanation in explanations), format, ()))
    else:
        out.text(as_lines(rows(explanations), format, COLUMNS))
