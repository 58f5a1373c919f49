"""``cnncalc weights``: list the tensors that a network expects, or write random ones to a file."""

from __future__ import annotations

import click

from cnncalc.cli import Command
from cnncalc.cli._tensors import save_weights
from cnncalc.cli.opening import Asked
from cnncalc.cli.options import SEED, takes_output, takes_spec
from cnncalc.cli.output import Output
from cnncalc.ground.errors import CnncalcError

TENSORS = (".npz", ".safetensors")


@click.command("weights", Command, short_help="List the tensors that 'run --weights' expects.")
@takes_spec()
@click.option("--seed", type=SEED, help="Seed for random tensors. Default: 0.")
@click.option(
    "--dtype", type=click.Choice(["float32", "float64"]), help="Type of the random tensors. Default: float32."
)
@takes_output(
    help="Write a model file's tensors, or random ones, to an .npz or .safetensors, or the list to any other file.",
    others=TENSORS,
)
def command(asked: Asked, out: Output, seed: int | None, dtype: str | None) -> None:
    """List the tensors that 'cnncalc run --weights' expects: PyTorch's parameter names and shapes, under the names of
    our layers.

    \b
    cnncalc weights lenet5
    cnncalc weights resnet50 --format json
    cnncalc weights resnet50 -o random.npz --seed 0
    cnncalc weights model.onnx -o model.safetensors
    """
    tensors = out.path is not None and out.path.lower().endswith(TENSORS)
    if not tensors and (seed, dtype) != (None, None):
        option = "--dtype" if seed is None else "--seed"
        raise CnncalcError(f"{option} is for random tensors, which -o FILE.npz or FILE.safetensors writes")
    if tensors and out.format != "table":
        raise CnncalcError(f"--format {out.format} is for the list, but {out.path} is for the tensors")
    network = asked.network()
    if network.model.tensors is not None and (seed, dtype) != (None, None):
        option = "--dtype" if seed is None else "--seed"
        raise CnncalcError(f"{option} is for random tensors, but {asked.spec} has its own", f"leave {option} out")
    if out.path is not None and tensors:
        save_weights("-o", out.path, network, seed or 0, dtype or "float32")
        return
    from cnncalc.rendering.views.weights import WeightsView

    out.show(WeightsView(network))
