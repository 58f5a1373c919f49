"""``cnncalc show``: print the text of a spec."""

from __future__ import annotations

import click

from cnncalc.cli import Command
from cnncalc.cli.opening import read_spec
from cnncalc.cli.options import file_option, spec_argument
from cnncalc.cli.output import Output, to_stderr
from cnncalc.cli.overwriting import refuse_other_suffix, refuse_replacing
from cnncalc.ground.errors import CnncalcError


@click.command("show", Command, short_help="Print the text of a shipped spec.")
@spec_argument("spec")
@file_option
@click.option("--force", is_flag=True, help="With -o: overwrite an existing file.")
def command(spec: str, path: str | None, force: bool) -> None:
    """Print the whole text of a spec; for a member of a family, the family's file.

    \b
    cnncalc show resnet50
    cnncalc show mobilenet_v2 -o mine.yaml
    """
    recipe, variant = read_spec(spec)
    if recipe.text is None:
        raise CnncalcError(f"{spec}: a model file has no text", f"'cnncalc import {spec}' makes a spec of it")
    refuse_other_suffix("-o", path)
    refuse_replacing("-o", path, force)
    Output(path, "never").text([recipe.text])
    if variant is not None and len(recipe.variants) > 1:
        to_stderr(f"{variant} is one of {len(recipe.variants)} variants in this file: --variant {variant}")
