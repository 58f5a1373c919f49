"""``cnncalc run``: run the network on real tensors and compare every layer's shape with the inferred one."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cnncalc.cli import Command
from cnncalc.cli._tensors import files_and_shapes, open_files, read_inputs, read_weights, refuse_unused, sizes_of
from cnncalc.cli.opening import Asked
from cnncalc.cli.options import SEED, WholeNumber, gathering, takes_output, takes_spec
from cnncalc.cli.output import Output, report_unmet, to_stderr
from cnncalc.cli.overwriting import refuse_overwriting
from cnncalc.cli.parsing import parse_bytes
from cnncalc.cli.progress import progress_bar
from cnncalc.execution import load_numpy
from cnncalc.figures.summary import summarize
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.numbers import counted

if TYPE_CHECKING:
    from cnncalc.execution.arrays.read import StoredArray
    from cnncalc.execution.report import Run
    from cnncalc.graph import Graph

DTYPES = ("float32", "float64")

_FUSE = click.option(
    "--fuse/--no-fuse",
    default=True,
    help="Compute batchnorm, add and activation inside the convolution next to them; combine a model file's "
    "operators into layers.",
)
_INPUTS = click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="FILE|SHAPE",
    help="An .npy, .npz or picture, or the shape of a random input, 3x64x64; NAME=… if there are several inputs.",
)


class PictureOptions(NamedTuple):
    """The requested conversion of pictures to inputs; None for options that are not given."""

    resize: int | None
    mean: str | None
    std: str | None


class SaveOptions(NamedTuple):
    """The file to save to, and the layers whose outputs are saved beside the network's, as texts."""

    save: str | None
    layers: str | None

    def names(self) -> list[str] | None:
        """Return the names of the layers; None for all.  Raises CnncalcError if there is no file."""
        if self.layers is None:
            return []
        if self.save is None:
            raise CnncalcError("--layers names layers to save, but there is no --save FILE")
        names = [name.strip() for name in self.layers.split(",") if name.strip()]
        return None if names == ["all"] else names


class MachineLimits(NamedTuple):
    """The requested limits on threads and memory."""

    threads: int | None
    max_memory: str | None


class OtherEngine(NamedTuple):
    """Another engine to compare with, and the largest accepted relative difference."""

    against: str | None
    tolerance: str | None


_takes_picture = gathering(
    "picture",
    PictureOptions,
    click.option(
        "--resize",
        type=WholeNumber(1, 65536),
        metavar="SIDE",
        help="For a picture: scale the shorter side to SIDE and crop the centre. Default: stretch it to the input's "
        "size.",
    ),
    click.option(
        "--mean",
        metavar="X[,…]",
        help="For a picture, scaled to 0 … 1: mean to subtract, one number or one per channel. Default: 0.",
    ),
    click.option("--std", metavar="X[,…]", help="Standard deviation to divide by, after --mean. Default: 1."),
)

_takes_saving = gathering(
    "saving",
    SaveOptions,
    click.option("--save", metavar="FILE", help="Write the outputs to this .npz or .safetensors."),
    click.option(
        "--layers", metavar="NAME,…", help="With --save: write these layers' outputs too; 'all' for every layer's."
    ),
)

_takes_machine = gathering(
    "machine",
    MachineLimits,
    click.option("--threads", type=click.IntRange(1, 256), help="Worker threads. Default: one per core."),
    click.option(
        "--max-memory",
        metavar="BYTES",
        help="Refuse a run that needs more memory: 8GB (1000³), 512MiB (1024²). Default: the machine's free memory.",
    ),
)

_takes_other = gathering(
    "other",
    OtherEngine,
    click.option(
        "--against",
        type=click.Choice(["onnxruntime"]),
        help="Run another engine, too, and print the largest difference in each layer's output.",
    ),
    click.option(
        "--tolerance",
        metavar="X",
        help="With --against: largest accepted difference, relative to a layer's magnitude. Default: 1e-4.",
    ),
)


@click.command("run", Command, short_help="Run the network and check every inferred shape.")
@takes_spec(_INPUTS, _FUSE)
@_takes_picture
@click.option(
    "--weights",
    "weights",
    metavar="FILE",
    help="Weights, an .npz or .safetensors with PyTorch's names and shapes; see 'cnncalc weights'. Default: a model "
    "file's own, else random.",
)
@click.option("--batch", type=WholeNumber(1, 10**6), help="Samples of a random input. Default: 1.")
@click.option("--seed", type=SEED, default=0, help="Seed of random inputs and weights.")
@click.option("--dtype", type=click.Choice(DTYPES), help="Type to compute in. Default: the input file's, else float32.")
@_takes_machine
@click.option("--repeat", type=WholeNumber(1, 10**6), default=1, help="Number of passes; the median time is reported.")
@_takes_saving
@_takes_other
@takes_output()
def command(
    asked: Asked,
    out: Output,
    picture: PictureOptions,
    saving: SaveOptions,
    weights: str | None,
    batch: int | None,
    seed: int,
    dtype: str | None,
    machine: MachineLimits,
    repeat: int,
    other: OtherEngine,
) -> int:
    """Run the network on real tensors, and compare every layer's shape and products with the inferred ones.

    \b
    cnncalc run resnet50
    cnncalc run net.yaml --weights net.npz --input digit.npy --save out.npz
    cnncalc run vgg16 --input cat.jpg --resize 256 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
    cnncalc run model.onnx --input x.npy --against onnxruntime
    """
    files, shapes = files_and_shapes(asked.inputs)
    layers = saving.names()
    refuse_unused(files, {"--resize": picture.resize, "--mean": picture.mean, "--std": picture.std}, {"--batch": batch})
    tolerance = _tolerance(other, {"--save": saving.save, "--dtype": dtype, "--repeat": repeat > 1})
    limit = None if machine.max_memory is None else parse_bytes(machine.max_memory, "--max-memory")
    opened = open_files(files)
    recipe, network = asked._replace(inputs=shapes).built(sizes_of(opened))
    load_numpy()
    from cnncalc.execution.arrays.write import check_target, write_arrays
    from cnncalc.execution.verify import run
    from cnncalc.rendering.views.run import RunView

    if saving.save:
        check_target(saving.save)
    mean, std = _figures(picture.mean or "0", "--mean"), _figures(picture.std or "1", "--std")
    x = read_inputs(network, files, opened, picture.resize, mean, std)
    tensors = read_weights(weights) if weights else None
    if saving.save:
        refuse_overwriting("--save", saving.save)
    asked_for: dict[str, Any] = {
        "weights": tensors, "batch": batch or 1, "seed": seed, "threads": machine.threads, "fuse": asked.fuse,
        "max_memory": limit,
    }  # fmt: skip
    if other.against:
        asked_for["file"] = recipe.place
        return _against(network, out, x, tolerance, asked_for)
    with progress_bar() as progress:
        result = run(network, x, dtype=dtype, repeat=repeat, layers=layers, progress=progress, **asked_for)
    unsaved = bool(saving.save) and len(result.outputs) < len(network.outputs)
    if saving.save and not unsaved:
        write_arrays(saving.save, result.outputs | result.tensors)
    summary = summarize(result.network, result.batch, result.dtype)
    drawn = ["input"] * (not files) + ["weights"] * (tensors is None and network.model.tensors is None)
    out.show(RunView(summary, result, f"random {' and '.join(drawn)} (seed {seed})" if drawn else ""))
    return max(report_unmet(summary.unmet), _report_to_stderr(result, asked.layout, unsaved))


def _against(
    network: Graph,
    out: Output,
    x: Mapping[str, StoredArray] | None,
    tolerance: float | None,
    asked_for: Mapping[str, Any],
) -> int:
    """Run another engine and ours, and show how they differ; return the exit code."""
    from cnncalc.rendering.views.against import EnginesView
    from cnncalc.studies.against import against

    with progress_bar() as progress:
        compared = against(network, x, tolerance=tolerance, progress=progress, **asked_for)
    out.show(EnginesView(compared))
    worst = compared.worst
    if worst is not None and compared.apart:
        more = f", and {counted(len(compared.apart) - 1, 'more output')}" if len(compared.apart) > 1 else ""
        bound = f"{compared.accepted(worst):g} is allowed"
        to_stderr(f"'{worst.name}' differs by {worst.relative:.1e} of its magnitude{more}: {bound}")
    return max(1 if compared.apart else 0, _report_to_stderr(compared.run, out.screen.layout))


def _tolerance(other: OtherEngine, unused: Mapping[str, object]) -> float | None:
    """Return the tolerance, None for the usual one.

    Raises:
        CnncalcError: if it is not a number, or an option would change nothing.
    """
    if other.against is None and other.tolerance is not None:
        raise CnncalcError("--tolerance compares two engines, but there is no --against")
    for option, value in unused.items() if other.against else ():
        if value:
            raise CnncalcError(f"{option} has no effect with --against, which compares one float32 pass")
    if other.tolerance is None:
        return None
    figures = _figures(other.tolerance, "--tolerance")
    if len(figures) != 1 or figures[0] < 0:
        raise CnncalcError(f"--tolerance {other.tolerance}: not a number of at least 0")
    return figures[0]


def _figures(text: str, option: str) -> list[float]:
    """Return the numbers of ``0.485,0.456,0.406``.  Raises CnncalcError."""
    try:
        figures = [float(part) for part in text.split(",")]
    except ValueError:
        figures = [nan]
    if not all(map(isfinite, figures)):
        raise CnncalcError(f"{option} {text}: not numbers separated by commas")
    return figures


def _report_to_stderr(run: Run, layout: str, unsaved: bool = False) -> int:
    """Report differences on stderr; return the exit code."""
    if run.ok and run.finite:
        return 0
    from cnncalc.rendering.layout import page_lines, plain
    from cnncalc.rendering.screen import Screen
    from cnncalc.rendering.views.run import differences

    blocks = differences(run, layout, 5)
    if blocks:
        to_stderr(plain(page_lines(blocks, Screen())).rstrip("\n"))
    model = run.network.model
    if run.missing:
        what = "output was" if len(run.missing) == 1 else "outputs were"
        names = ", ".join([f"'{name}'" for name in run.missing])
        to_stderr(f"{what} not computed: {names}{', so none is saved' if unsaved else ''}")
    elif model.most_rows and not blocks:
        to_stderr(f"{model.most_rows} has fewer rows for some inputs: what depends on their number was not verified")
    if run.unstable:
        to_stderr(f"output '{run.unstable}' has other bytes after a repeated pass than after the first")
    if run.first:
        to_stderr(f"'{run.first}' is the first layer with NaN or infinite elements")
    return 1
