"""``cnncalc layers``: the vocabulary of specs."""

from __future__ import annotations

import click

from cnncalc.cli import Command
from cnncalc.cli.options import takes_output
from cnncalc.cli.output import Output
from cnncalc.ground.errors import CnncalcError
from cnncalc.layers import layer_type, layer_types
from cnncalc.layers.base import Layer
from cnncalc.layers.symbols import Formula

FEW = 4
"""Number of layer types that a hint lists."""


@click.command("layers", Command, short_help="List the layer types, or show one in full.")
@click.argument("type_name", metavar="[TYPE]", required=False, shell_complete=lambda ctx, param, begin: _types(begin))
@takes_output()
def command(out: Output, type_name: str | None) -> None:
    """List the layer types, or show one: its arguments with their defaults, its formulas and an example.

    \b
    cnncalc layers
    cnncalc layers conv
    """
    from cnncalc.rendering.views.layers import TypesView, TypeView

    if type_name is None:
        out.show(TypesView([(family, _layer(name)) for name, family in layer_types().items()]))
        return
    layer = _layer(type_name)
    out.show(TypeView(layer_types().get(type_name, ""), layer, _formulas(layer)))


def _types(begin: str) -> list[str]:
    return [name for name in layer_types() if name.startswith(begin)]


def _layer(name: str) -> type[Layer]:
    """Return a layer type.  Raises CnncalcError with the nearest name for an unknown one."""
    known = layer_type(name)
    if known is None:
        from cnncalc.language.hints.spellings import type_hint

        raise CnncalcError(f"no layer type '{name}'", _takers(name) or type_hint(name, ()))
    return known


def _takers(argument: str) -> str | None:
    """Return a hint for a word that is an argument of some layer types."""
    found = [name for name in layer_types() if (layer := layer_type(name)) is not None and argument in layer.arguments]
    listed = ", ".join(found[:FEW]) + (", …" if len(found) > FEW else "")
    return f"it is an argument of {listed}: 'cnncalc layers {found[0]}' shows it" if found else None


def _formulas(layer: type[Layer]) -> list[Formula]:
    """Return the formulas of a type's example."""
    from cnncalc.language.loading import read_text

    example = layer.example
    names = [f"x{number}" for number in range(len(example.inputs))]
    inputs = ", ".join(f"{name}: {list(shape)}" for name, shape in zip(names, example.inputs, strict=True)) or "x: [1]"
    item = example.item if ":" in example.item or len(names) == 1 else f"{example.item}:"
    text = f"input: {{{inputs}}}\nlayers:\n  - {item}\n    from: [{', '.join(names)}]\n"
    if len(names) == 1 and ":" not in item:
        text = f"input: {list(example.inputs[0])}\nlayers:\n  - {item}\n"
    (node,) = read_text(text.encode(), f"the example of {layer.type}").build().nodes
    return node.formulas()
