"""``cnncalc explain``: how each figure comes about, with the numbers put in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cnncalc.cli._device import device_options
from cnncalc.cli._tensors import read_inputs, read_weights, told_apart
from cnncalc.cli.options import Whole, dtype_option, output_options, spec_and_network, spec_options, target
from cnncalc.cli.output import Target, tell
from cnncalc.cli.summary import tell_unmet
from cnncalc.execution import load_numpy
from cnncalc.figures.selection import layers_named
from cnncalc.graph import Graph, Node
from cnncalc.ground.errors import CnncalcError
from cnncalc.studies.explain import Explanation, explain
from cnncalc.studies.on_device import Wanted

if TYPE_CHECKING:
    from cnncalc.execution.trace import Trace
    from cnncalc.figures.summary import Summary

_AT = "Trace this element of one layer's output on real numbers; --input may be a file then."
_WEIGHTS = "With --at: an .npz or .safetensors with PyTorch's names. Default: random."


@click.command("explain", short_help="How each figure comes about.")
@spec_options
@click.argument("layers", nargs=-1, metavar="[LAYER]…")
@click.option("--at", metavar="C,Y,X", help=_AT)
@click.option("--weights", metavar="FILE", help=_WEIGHTS)
@click.option("--seed", type=Whole(0, 2**63 - 1), default=0, help="With --at: seed of what is random.")
@click.option("--channels", type=click.IntRange(1), default=8, help="With --at: channels that are written out.")
@dtype_option
@click.option("--convention", is_flag=True, help="What other tools count, and why their totals differ, in one table.")
@click.option("--deploy", is_flag=True, help="What the layers are on a device, byte by byte, with the numbers put in.")
@device_options
@output_options
def command(
    spec: str,
    layers: tuple[str, ...],
    variant: str | None,
    inputs: tuple[str, ...],
    settings: tuple[str, ...],
    layout: str,
    at: str | None,
    weights: str | None,
    seed: int,
    channels: int,
    dtype: str,
    convention: bool,
    deploy: bool,
    quant: str | None,
    converter: str | None,
    core: str | None,
    board: str | None,
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
    cnncalc explain ds_cnn conv_bn1.conv1 --deploy --core m4
    cnncalc explain alexnet conv1 --at 0,3,4 --seed 1
    cnncalc explain net.yaml conv1 --at 0,1,1 --input digit.npy --weights net.npz
    """
    out = target(path, color)
    files, shapes = told_apart(inputs) if at is not None else ({}, inputs)
    document, network = spec_and_network(spec, variant, shapes, settings, layout)
    if convention:
        _show_conventions(network, layers, format, out)
        return 0
    nodes = layers_named(network, layers) if layers else network.nodes
    if deploy:
        _show_on_device(network, nodes, Wanted(quant, converter, core, board).over(document.deploy), format, out)
        return 0
    if at is not None:
        traced = _traced(network, nodes, _place(at, layout), files, weights, seed)
        _show_trace(traced, channels, format, out)
        if not traced.matches:
            tell(f"'{traced.node.name}': the executor made another figure than was worked out")
        return 0 if traced.matches else 1
    if weights is not None:
        raise CnncalcError("--weights is for tracing an element", "add --at C,Y,X")
    from cnncalc.figures.summary import summarize

    summary = summarize(network)
    _show(summary, network, explain(network, nodes, dtype), not layers, layout, format, out)
    return tell_unmet(summary)


# --- on a device ---------------------------------------------------------------------------------------------


def _show_on_device(network: Graph, nodes: list[Node], wanted: Wanted, format: str, out: Target) -> None:
    from cnncalc.deployment.explained import explained
    from cnncalc.deployment.view import deploy
    from cnncalc.rendering.deploy_explain_page import COLUMNS, document, page, records
    from cnncalc.rendering.records import as_json, as_lines

    found = deploy(network, wanted.device())
    layers = explained(found, nodes)
    if format == "table":
        out.page(page(found, layers, out.width, out.terminal))
    elif format == "json":
        out.text([as_json(document(found, layers))])
    else:
        out.text(as_lines(records(layers), format, COLUMNS))


# --- one element ---------------------------------------------------------------------------------------------


def _place(at: str, layout: str) -> tuple[int, ...]:
    """Return the place of ``0,3,4``, channels first.  Raises CnncalcError."""
    parts = [part.strip() for part in at.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 16 for part in parts):
        hint = "give the channel and a place on every axis, counted from 0: 0,3,4"
        raise CnncalcError(f"--at {at}: not a place", hint)
    place = tuple([int(part) for part in parts])
    return place[-1:] + place[:-1] if layout == "hwc" else place


def _traced(
    network: Graph,
    nodes: list[Node],
    place: tuple[int, ...],
    files: dict[str, str],
    weights: str | None,
    seed: int,
) -> Trace:
    """Run the network up to one layer, and work out one element of it."""
    if len(nodes) != 1:
        raise CnncalcError(f"--at traces an element of one layer, not of {len(nodes)}", "name one LAYER")
    load_numpy()
    from cnncalc.execution.trace import trace

    x = read_inputs(network, files, None, [0.0], [1.0])
    return trace(network, nodes[0], place, x, read_weights(weights) if weights else None, seed)


def _show_trace(traced: Trace, channels: int, format: str, out: Target) -> None:
    from cnncalc.rendering.records import as_json, as_lines
    from cnncalc.rendering.trace_page import trace_page, trace_record, trace_rows

    if format == "table":
        out.page(trace_page(traced, channels, out.width))
    elif format in ("json", "ndjson"):
        out.text([as_json(trace_record(traced))])
    else:
        out.text(as_lines(trace_rows(traced), format, ("what", "value")))


# --- all the rest --------------------------------------------------------------------------------------------


def _show_conventions(network: Graph, layers: tuple[str, ...], format: str, out: Target) -> None:
    """Write what other tools count.  Raises CnncalcError where layers are named: the tools' totals are compared."""
    from cnncalc.figures.conventions import accounts
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
    summary: Summary,
    network: Graph,
    explanations: list[Explanation],
    whole: bool,
    layout: str,
    format: str,
    out: Target,
) -> None:
    """Write explanations: of the whole network in brief, of some layers in full."""
    if format == "table":
        from cnncalc.rendering.explain_page import compact, full, heading

        lines = heading(summary, layout, out.width) if whole else []
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
