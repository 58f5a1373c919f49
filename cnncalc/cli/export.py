"""``cnncalc export``: a network in another tool's format."""

from __future__ import annotations

import sys

import click

from cnncalc.cli.opening import Asked
from cnncalc.cli.options import takes_spec
from cnncalc.cli.output import Output
from cnncalc.exporters.formats import FORMATS, Options, by_suffix
from cnncalc.ground.errors import CnncalcError

_TO = click.option(
    "--to",
    "format",
    type=click.Choice(list(FORMATS)),
    help="; ".join(f"{name}: {format.title}" for name, format in FORMATS.items()) + ". Default: by FILE's suffix.",
)


@click.command("export", short_help="The network in another tool's format.")
@takes_spec()
@_TO
@click.option("-o", "--output", "path", metavar="FILE", help="Write to a file instead of standard output.")
def command(asked: Asked, format: str | None, path: str | None) -> None:
    """Write the network in another tool's format, or as a spec.

    \b
    cnncalc export model.onnx -o net.yaml
    """
    name = _format(format, path)
    out = Output(path, "never")
    if FORMATS[name].binary and out.path is None and sys.stdout is not None and sys.stdout.isatty():
        raise CnncalcError(f"--to {name} is no text that a terminal shows", "give -o FILE, or a pipe")
    network = asked.network()
    out.binary(FORMATS[name].export(network, Options()))


def _format(format: str | None, path: str | None) -> str:
    """Return the format that is asked for, by its name or by the file's."""
    if format is not None:
        return format
    listed = ", ".join(FORMATS)
    if path in (None, "-"):
        raise CnncalcError("neither --to nor -o says in which format", f"there are {listed}")
    found = by_suffix(path or "")
    if found is None:
        raise CnncalcError(f"-o {path}: no format has such a suffix", f"there are {listed}")
    return found
