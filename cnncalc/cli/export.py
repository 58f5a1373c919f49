"""``cnncalc export``: write a network in another tool's format."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from functools import partial

import click

from cnncalc.cli import Command
from cnncalc.cli.opening import Asked
from cnncalc.cli.options import SEED, WholeNumber, file_option, takes_spec
from cnncalc.cli.output import Output, to_stderr
from cnncalc.cli.overwriting import refuse_overwriting, refuse_replacing, refuse_too_large
from cnncalc.execution import load_numpy
from cnncalc.exporters.formats import FORMATS, Options, by_suffix, listed, write_beside
from cnncalc.ground.atomic_write import write_folder
from cnncalc.ground.errors import CnncalcError

_TO = click.option(
    "--to",
    "format",
    type=click.Choice(list(FORMATS)),
    help="; ".join(f"{name}: {format.title}" for name, format in FORMATS.items()) + ". Default: by FILE's suffix.",
)

OF_TENSORS = (".pt", ".pth", ".ckpt", ".npz", ".safetensors")
WHAT_WRITES_TENSORS = "-o net.py writes PyTorch source, 'cnncalc weights SPEC -o net.safetensors' its tensors"


@click.command("export", Command, short_help="Write the network in another tool's format.")
@takes_spec()
@_TO
@file_option
@click.option(
    "--weights",
    metavar="FILE",
    help="Weights, an .npz or .safetensors as for 'run'. Default: the model file's own, else random.",
)
@click.option("--seed", type=SEED, help="Seed for random weights, as in 'run'. Default: 0.")
@click.option("--force", is_flag=True, help="With -o: overwrite an existing spec or source file.")
@click.option(
    "--opset",
    type=WholeNumber(1, 999),
    help="Version of ONNX's operator set. Default: 17, or the first with all layers.",
)
def command(
    asked: Asked,
    format: str | None,
    path: str | None,
    weights: str | None,
    seed: int | None,
    force: bool,
    opset: int | None,
) -> None:
    """Write the network in another tool's format, or as a spec.

    \b
    cnncalc export resnet50 -o resnet50.onnx --weights resnet50.safetensors
    cnncalc export net.yaml -o net.onnx --seed 1 --opset 13
    cnncalc export model.onnx -o net.yaml
    cnncalc export resnet18 --to scale-sim -o resnet18.csv
    """
    name = _format(format, path)
    given = {"weights": weights, "seed": seed, "opset": opset}
    _refuse_unused(name, given)
    out = Output(path, "never")
    if FORMATS[name].binary and out.path is None and sys.stdout is not None and sys.stdout.isatty():
        raise CnncalcError(f"--to {name} is binary, and standard output is a terminal", "give -o FILE, or a pipe")
    network = asked.network()
    refuse_replacing("-o", path, force or not FORMATS[name].edited)
    if seed is not None and (weights is not None or network.model.tensors is not None):
        theirs = "--weights gives them" if weights is not None else f"{asked.spec} has its own"
        raise CnncalcError(f"--seed is for random weights, but {theirs}", "leave --seed out")
    second = None if out.path is None else partial(beside, out.path)
    options = Options(seed=seed or 0, opset=opset, beside=second, report=to_stderr)
    if "weights" in FORMATS[name].takes:
        load_numpy()
        from cnncalc.cli._tensors import read_weights

        options = options._replace(weights=read_weights(weights) if weights else None)
        if path is not None:
            refuse_too_large("-o", path, 4 * sum([node.params + node.buffers for node in network.nodes]))
    if FORMATS[name].folder and out.path is not None:
        write_folder(out.path, FORMATS[name].files(network, options))
    else:
        out.binary(FORMATS[name].export(network, options))


def beside(path: str, suffix: str, chunks: Iterable[bytes | memoryview]) -> str:
    """Write a second file in the same folder; return its name."""
    refuse_overwriting("-o", path + suffix)
    return write_beside(path, suffix, chunks)


def _refuse_unused(name: str, given: Mapping[str, object]) -> None:
    """Raise CnncalcError for an option that is given but would change nothing."""
    for option, value in given.items():
        if value is not None and option not in FORMATS[name].takes:
            others = [other for other, format in FORMATS.items() if option in format.takes]
            raise CnncalcError(f"--{option} has no effect with --to {name}", f"it is for {', '.join(others)}")


def _format(format: str | None, path: str | None) -> str:
    """Return the requested format: the one named, or the one of the file's suffix."""
    if format is not None:
        return format
    if path in (None, "-"):
        raise CnncalcError("neither --to nor -o gives the format", listed())
    found = by_suffix(path or "")
    if found is None:
        hint = WHAT_WRITES_TENSORS if str(path).lower().endswith(OF_TENSORS) else listed()
        raise CnncalcError(f"-o {path}: no format has such a suffix", hint)
    return found
