"""``cnncalc import``: write a model file as a spec."""

from __future__ import annotations

import click

from cnncalc.cli.opening import Asked
from cnncalc.cli.options import takes_spec
from cnncalc.cli.output import Output, to_stderr
from cnncalc.cli.overwriting import refuse_replacing
from cnncalc.ground.numbers import counted


@click.command("import", short_help="Write a model file as a readable spec.")
@takes_spec()
@click.option("-o", "--output", "path", metavar="FILE", help="Write to a file instead of standard output.")
@click.option("--force", is_flag=True, help="With -o: overwrite an existing file.")
def command(asked: Asked, path: str | None, force: bool) -> None:
    """Print a model file, or a variant of a family, as a spec: scopes that are alike are one block, repeated.

    The spec is read again before it is printed, and every shape and figure compared.  Weights stay in the model file.

    \b
    cnncalc import model.onnx
    cnncalc import model.onnx -o net.yaml
    """
    from cnncalc.exporters.spec import spec_text

    network = asked.network()
    text = spec_text(network)
    refuse_replacing(path, force)
    Output(path, "never").text([text])
    if path is not None:
        layers = counted(len(network.nodes), "layer")
        to_stderr(f"{text.count(chr(10))} lines for {layers}, each the same when it is read again")
