"""``cnncalc draw``: a network to look at."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from cnncalc.cli.options import batch_option, dtype_option, network_of, spec_options, target
from cnncalc.ground.errors import CnncalcError

if TYPE_CHECKING:
    from cnncalc.drawing.measures import Measure
    from cnncalc.graph import Graph

FORMATS = {".svg": "svg"}
"""What a file's suffix asks for."""


@click.command("draw", short_help="A network as a picture.")
@spec_options
@click.option("--depth", type=click.IntRange(1), help="Levels of blocks to open. Default: as many as can be read.")
@click.option(
    "--by", type=click.Choice(["macs", "params", "memory", "time"]), default="macs",
    help="What bars and shares show; memory is the outputs' bytes, time needs --machine's figures.",
)  # fmt: skip
@click.option(
    "--layers", "patterns", multiple=True, metavar="PATTERN", help="Only these: a name or a glob, 'stage2.*'."
)
@click.option("--columns", metavar="N|auto", default="auto", help="Columns side by side.")
@click.option(
    "--machine", metavar="flops=N,bandwidth=N", default="flops=100G,bandwidth=20G",
    help="FLOPs and bytes of memory traffic a second, for time.",
)  # fmt: skip
@batch_option
@dtype_option
@click.option("-o", "--output", "path", metavar="FILE", help="Write to a file; its suffix says the format.")
@click.option(
    "--format", "format", type=click.Choice([*FORMATS.values()]), help="Default: what FILE's suffix asks for, or svg."
)
def command(
    spec: str,
    variant: str | None,
    inputs: tuple[str, ...],
    settings: tuple[str, ...],
    layout: str,
    depth: int | None,
    by: str,
    patterns: tuple[str, ...],
    columns: str,
    machine: str,
    batch: int,
    dtype: str,
    path: str | None,
    format: str | None,
) -> int:
    """Draw a network: blocks as frames, an operation with its norm and activation as one card, repeats once.

    \b
    cnncalc draw resnet50 > resnet50.svg
    cnncalc draw unet --by memory -o unet.svg
    cnncalc draw inception_v4 --layers 'inception_a1.*' -o part.svg
    """
    from cnncalc.drawing.picture import Choice, picture
    from cnncalc.drawing.svg import document
    from cnncalc.figures.selection import layers_named

    form = format or _format_of(path)
    assert form == "svg"
    network = network_of(spec, variant, inputs, settings, layout)
    nodes = layers_named(network, patterns) if patterns else None
    drawn = picture(network, _measure(network, by, batch, dtype, machine), Choice(depth, _columns(columns), nodes))
    target(path, "never").text([document(drawn)])
    return 0


def _format_of(path: str | None) -> str:
    """Return the format that a file's suffix asks for.  Raises CnncalcError for one that asks for none."""
    suffix = os.path.splitext(path or "")[1].lower()
    if not suffix:
        return "svg"
    if suffix not in FORMATS:
        raise CnncalcError(
            f"-o {path}: no picture has the suffix '{suffix}'",
            f"there are {', '.join(FORMATS)}; with --format any name will do",
        )
    return FORMATS[suffix]


def _columns(text: str) -> int | None:
    """Return a number of columns; None where it is left to the picture.  Raises CnncalcError where it is neither."""
    if text == "auto":
        return None
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 4 and int(text)):
        raise CnncalcError(f"--columns {text}: neither a number of columns nor auto")
    return int(text)


def _measure(network: Graph, by: str, batch: int, dtype: str, machine: str) -> Measure:
    from cnncalc.cli.hotspots import parse_machine
    from cnncalc.drawing.measures import measure
    from cnncalc.figures.roofline import Machine

    return measure(network, by, batch, dtype, Machine(*parse_machine(machine)))
