"""``cnncalc run``: the network on real tensors, every layer's shape held against the inferred one."""

from __future__ import annotations

from math import isfinite, nan
from typing import TYPE_CHECKING, Any

import click

from cnncalc.cli._tensors import read_inputs, read_weights, refuse_unused, told_apart
from cnncalc.cli.options import Whole, network_of, output_options, parse_quantity, spec_options_with, target
from cnncalc.cli.output import Target
from cnncalc.cli.overwriting import refuse_overwriting
from cnncalc.cli.progress import progress_bar
from cnncalc.cli.summary import tell_unmet
from cnncalc.execution import load_numpy
from cnncalc.figures.summary import Summary, summarize
from cnncalc.ground.errors import CnncalcError

if TYPE_CHECKING:
    from cnncalc.execution.report import Run

DTYPES = ("float32", "float64")

_INPUTS = click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="FILE|SHAPE",
    help="An .npy, .npz or picture, or the shape of a random input, 3x64x64; NAME=… where there are several.",
)


@click.command("run", short_help="Run the network, and prove every inferred shape.")
@spec_options_with(_INPUTS)
@click.option(
    "--resize",
    type=Whole(1, 65536),
    metavar="SIDE",
    help="Of a picture: make the shorter side so long and cut out the middle. Default: stretch it to the input's size.",
)
@click.option(
    "--mean", metavar="X[,…]", help="Of a picture scaled to 0 … 1: subtract, one figure or one a channel. Default: 0."
)
@click.option("--std", metavar="X[,…]", help="Then divide by. Default: 1.")
@click.option(
    "--weights",
    "weights",
    metavar="FILE",
    help="An .npz or .safetensors with PyTorch's names and shapes; see 'cnncalc weights'. Default: random.",
)
@click.option("--batch", type=Whole(1, 10**6), help="Samples of a random input. Default: 1.")
@click.option("--seed", type=Whole(0, 2**63 - 1), default=0, help="Of what is random.")
@click.option("--dtype", type=click.Choice(DTYPES), help="Default: the input's own, else float32.")
@click.option("--threads", type=click.IntRange(1, 256), help="Default: one a core.")
@click.option("--repeat", type=Whole(1, 10**6), default=1, help="Runs, of which the median time counts.")
@click.option(
    "--fuse/--no-fuse", default=True, help="Do batchnorm, add and activation within the convolution beside them."
)
@click.option("--save", metavar="FILE", help="Write the outputs to an .npz or .safetensors.")
@click.option(
    "--layers", metavar="NAME,…", help="With --save: write these layers' outputs too; 'all' for every layer's."
)
@click.option(
    "--max-memory",
    metavar="BYTES",
    help="Refuse a run that needs more: 8GB (1000³), 512MiB (1024²). Default: what the machine has free.",
)
@output_options
def command(
    spec: str,
    variant: str | None,
    inputs: tuple[str, ...],
    settings: tuple[str, ...],
    layout: str,
    resize: int | None,
    mean: str | None,
    std: str | None,
    weights: str | None,
    batch: int | None,
    seed: int,
    dtype: str | None,
    threads: int | None,
    repeat: int,
    fuse: bool,
    save: str | None,
    layers: str | None,
    max_memory: str | None,
    format: str,
    path: str | None,
    color: str,
) -> int:
    """Run the network on real tensors, and compare every layer's shape and products with what is inferred.

    \b
    cnncalc run resnet50
    cnncalc run net.yaml --weights net.npz --input digit.npy --save out.npz
    cnncalc run vgg16 --input cat.jpg --resize 256 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
    """
    files, shapes = told_apart(inputs)
    refuse_unused(files, {"--resize": resize, "--mean": mean, "--std": std}, {"--batch": batch})
    wanted = _layers(layers, save)
    limit = None if max_memory is None else parse_quantity(max_memory, "--max-memory", of_bytes=True)
    network = network_of(spec, variant, shapes, settings, layout)
    load_numpy()
    from cnncalc.execution.runner import run
    from cnncalc.execution.storage import check_target, write_arrays

    if save:
        check_target(save)
    x = read_inputs(network, files, resize, _figures(mean or "0", "--mean"), _figures(std or "1", "--std"))
    tensors = read_weights(weights) if weights else None
    if save:
        refuse_overwriting("--save", save)
    with progress_bar() as progress:
        result = run(
            network, x, weights=tensors, batch=batch or 1, seed=seed, dtype=dtype, threads=threads, repeat=repeat,
            layers=wanted, fuse=fuse, max_memory=limit, progress=progress,
        )  # fmt: skip
    if save and len(result.outputs) == len(network.outputs):
        write_arrays(save, result.outputs | result.tensors)
    summary = summarize(network, result.batch, result.dtype)
    _show(summary, result, layout, format, target(path, color))
    return max(tell_unmet(summary), _tell(result, layout))


def _layers(layers: str | None, save: str | None) -> list[str] | None:
    """Return the names of --layers; None for all."""
    if layers is None:
        return []
    if save is None:
        raise CnncalcError("--layers names layers to save, but there is no --save FILE")
    return None if layers.strip() == "all" else [name.strip() for name in layers.split(",") if name.strip()]


def _figures(text: str, option: str) -> list[float]:
    """Return the numbers of ``0.485,0.456,0.406``.  Raises CnncalcError."""
    try:
        figures = [float(part) for part in text.split(",")]
    except ValueError:
        figures = [nan]
    if not all(map(isfinite, figures)):
        raise CnncalcError(f"{option} {text}: not numbers with commas between them")
    return figures


def _show(summary: Summary, run: Run, layout: str, format: str, out: Target) -> None:
    if format == "table":
        from cnncalc.rendering.run_page import page

        out.page(page(run, layout, out.width, out.terminal))
        return
    from cnncalc.rendering.records import as_json, as_lines
    from cnncalc.rendering.run_records import COLUMNS, channels_last, document, layers

    if format == "json":
        out.text([as_json(document(summary, run))])
        return
    records: Any = layers(summary, run)
    if layout == "hwc" and format != "ndjson":  # JSON keeps to one order of axes
        records = map(channels_last, records)
    out.text(as_lines(records, format, COLUMNS))


def _tell(run: Run, layout: str) -> int:
    """Tell what does not hold on stderr; return the exit code."""
    if run.ok and run.finite:
        return 0
    from cnncalc.rendering.page import plain
    from cnncalc.rendering.run_page import mismatch

    for row in run.mismatches[:5]:
        click.echo(plain(mismatch(row, run.batch, layout, None)), err=True, nl=False)
    if len(run.outputs) < len(run.network.outputs):
        click.echo("not all outputs were made, none are saved", err=True)
    if run.unstable:
        click.echo(f"output '{run.unstable}' has other bytes after a repeated pass than after the first", err=True)
    if run.first:
        click.echo(f"'{run.first}' is the first layer that made NaN or infinite elements", err=True)
    return 1
