"""``cnncalc import``: write a model file as a spec."""

from __future__ import annotations

import click

from cnncalc.cli import Command
from cnncalc.cli._tensors import save_weights
from cnncalc.cli.opening import Asked
from cnncalc.cli.options import file_option, takes_spec
from cnncalc.cli.output import Output, to_stderr
from cnncalc.cli.overwriting import refuse_other_suffix, refuse_replacing
from cnncalc.figures.costs import sums
from cnncalc.graph import Graph
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.numbers import counted


@click.command("import", Command, short_help="Write a model file as a readable spec.")
@takes_spec()
@file_option
@click.option(
    "--weights",
    metavar="FILE",
    help="Also write the model's weights, under the spec's names, to an .npz or .safetensors for 'run --weights'.",
)
@click.option("--force", is_flag=True, help="Overwrite existing files.")
def command(asked: Asked, path: str | None, weights: str | None, force: bool) -> None:
    """Print a model file, or a variant of a family, as a spec: scopes that are alike are one block, repeated.

    Where a file names no modules, equal stretches of layers are blocks, such as residuals. The spec is read
    again before it is printed, and every shape and figure compared. Layers are named by their types (conv1), in blocks
    named after the model's modules; --weights writes the model's tensors under these names.

    \b
    cnncalc import model.onnx
    cnncalc import model.onnx -o net.yaml --weights net.safetensors
    cnncalc run net.yaml --weights net.safetensors
    """
    from cnncalc.exporters.spec import written

    network = asked.network()
    refuse_other_suffix("-o", path)
    refuse_replacing("-o", path, force)
    refuse_replacing("--weights", weights, force)
    if weights is not None:
        if weights == path:
            raise CnncalcError(f"-o and --weights both name {path}")
        _check_weights(network, asked.spec)
    text, again = written(network)
    if weights is not None:
        save_weights("--weights", weights, again)
    Output(path, "never").text([text])
    if path is not None:
        layers = counted(len(network.nodes), "layer")
        to_stderr(f"{text.count(chr(10))} lines for {layers}, each the same when it is read again")
    ours, theirs = sums(again.nodes), sums(network.nodes)
    for what, here, there in (("param", ours.params, theirs.params), ("buffer", ours.buffers, theirs.buffers)):
        if here != there:
            why = "some tensors are shared, made of others, or were not learned, which a spec can't express"
            to_stderr(f"note: the spec has {counted(here, what)}, the model {there:,}: {why}")


def _check_weights(network: Graph, spec: str) -> None:
    """Raise CnncalcError if a network has no weights that a spec of it could run with."""
    if network.model.tensors is None:
        raise CnncalcError(f"{spec} has no weights of its own", "'cnncalc weights SPEC -o FILE' writes random ones")
    if network.model.rounded is not None:
        raise CnncalcError(
            f"{spec} is quantised, and a spec can't say how its tensors are rounded",
            "'cnncalc run' runs the file itself",
        )
