"""``cnncalc explain``: the formula of each figure, with the numbers put in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from cnncalc.cli import Command
from cnncalc.cli._device import takes_device
from cnncalc.cli._tensors import files_and_shapes, open_files, read_inputs, read_weights, sizes_of
from cnncalc.cli.opening import Asked
from cnncalc.cli.options import SEED, dtype_option, takes_output, takes_spec
from cnncalc.cli.output import Output, report_unmet, to_stderr
from cnncalc.execution import load_numpy
from cnncalc.figures.selection import layers_named
from cnncalc.graph import Graph, Node
from cnncalc.ground.errors import CnncalcError
from cnncalc.studies.device.budgets import RequestedDevice

if TYPE_CHECKING:
    from cnncalc.execution.arrays.read import StoredArray

_AT = "Trace this element of one layer's output on real numbers; --input may then be a file."
_WEIGHTS = "With --at: weights, an .npz or .safetensors with PyTorch's names. Default: a model file's own, else random."


@click.command("explain", Command, short_help="The formula of each figure, with its numbers.")
@takes_spec()
@click.argument("layers", nargs=-1, metavar="[LAYER]…")
@click.option("--at", metavar="C,H,W", help=_AT)
@click.option("--weights", metavar="FILE", help=_WEIGHTS)
@click.option("--seed", type=SEED, default=0, help="With --at: seed of random inputs and weights.")
@click.option("--channels", type=click.IntRange(1), default=8, help="With --at: number of channels to write out.")
@dtype_option
@click.option(
    "--convention", is_flag=True, help="Explain in one table what other tools count and why their totals differ."
)
@click.option("--deploy", is_flag=True, help="Explain the layers' bytes on a device, with the numbers put in.")
@takes_device
@takes_output()
def command(
    asked: Asked,
    wanted: RequestedDevice,
    out: Output,
    layers: tuple[str, ...],
    at: str | None,
    weights: str | None,
    seed: int,
    channels: int,
    dtype: str,
    convention: bool,
    deploy: bool,
) -> int:
    """Explain how shapes, params, MACs, FLOPs, bytes and receptive fields are computed.

    LAYER is the name of a layer or a block (stage2), the end of it (conv1) where that is unique, a glob ('stage2.*'),
    or the name of an operator or a tensor of a model file. Without one, all layers are explained briefly.

    \b
    cnncalc explain alexnet
    cnncalc explain resnet50 conv_bn1.conv1
    cnncalc explain vgg16 'stage5.*' --format tsv
    cnncalc explain mobilenet_v2 --convention
    cnncalc explain ds_cnn conv_bn1.conv1 --deploy --core m4
    cnncalc explain alexnet conv1 --at 0,3,4 --seed 1
    cnncalc explain net.yaml conv1 --at 0,1,1 --input digit.npy --weights net.npz
    """
    files, shapes = files_and_shapes(asked.inputs) if at is not None else ({}, asked.inputs)
    opened = open_files(files)
    recipe, network = asked._replace(inputs=shapes).built(sizes_of(opened))
    if convention:
        _show_conventions(network, layers, out)
        return 0
    if at is not None and at.isdigit() and any(layer.isdigit() for layer in layers):
        raise CnncalcError(f"--at {at}: not a place", "give it as one word: --at 0,3,4")
    nodes = layers_named(network, layers) if layers else network.nodes
    if deploy:
        _show_on_device(network, nodes, wanted.over(recipe.deploy), out)
        return 0
    if at is not None:
        node = _the_one(nodes, layers)
        return _show_trace(
            network, node, _place(at, asked.layout), read_inputs(network, files, opened), weights, seed, channels, out
        )
    if weights is not None:
        raise CnncalcError("--weights is for tracing an element", "add --at C,H,W")
    from cnncalc.figures.expectations import unmet
    from cnncalc.rendering.views.explain import ExplainView
    from cnncalc.studies.explain.explanation import explain

    out.show(ExplainView(network, explain(network, nodes, dtype), whole=not layers))
    return report_unmet(unmet(network))


# --- on a device ---------------------------------------------------------------------------------------------


def _show_on_device(network: Graph, nodes: list[Node], wanted: RequestedDevice, out: Output) -> None:
    from cnncalc.deployment.explained import explained
    from cnncalc.deployment.view import deploy
    from cnncalc.rendering.views.deploy_explain import DeployedLayersView

    found = deploy(network, wanted.device())
    out.show(DeployedLayersView(found, explained(found, nodes)))


# --- one element ---------------------------------------------------------------------------------------------


def _place(at: str, layout: str) -> tuple[int, ...]:
    """Return the indices in ``0,3,4``, channels first. Raises CnncalcError."""
    parts = [part.strip() for part in at.strip(" ()[]").split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 16 for part in parts):
        hint = "give the channel and a place on every axis, counted from 0: 0,3,4"
        raise CnncalcError(f"--at {at}: not a place", hint)
    place = tuple([int(part) for part in parts])
    return place[-1:] + place[:-1] if layout == "hwc" else place


def _the_one(nodes: Sequence[Node], words: Sequence[str]) -> Node:
    """Return the only layer, or the only one with such a name where that is a block's as well.  Raises CnncalcError."""
    named = [node for node in nodes if node.name in words] if len(nodes) > 1 else nodes
    if len(named) == 1:
        return named[0]
    listed = ", ".join([node.name for node in nodes[:5]]) + (", …" if len(nodes) > 5 else "")
    raise CnncalcError(f"--at traces an element of one layer, not of {len(nodes)}", f"name one of them: {listed}")


def _show_trace(
    network: Graph,
    node: Node,
    place: tuple[int, ...],
    x: Mapping[str, StoredArray] | None,
    weights: str | None,
    seed: int,
    channels: int,
    out: Output,
) -> int:
    """Run the network up to one layer, and write how one element of its output is computed; return the exit code."""
    load_numpy()
    from cnncalc.execution.trace import trace
    from cnncalc.rendering.views.trace import TraceView

    traced = trace(network, node, place, x, read_weights(weights) if weights else None, seed)
    out.show(TraceView(traced, channels, "--channels"))
    if not traced.matches:
        to_stderr(f"'{traced.node.name}': the executor's value differs from the traced one")
    return 0 if traced.matches else 1


# --- other tools ---------------------------------------------------------------------------------------------


def _show_conventions(network: Graph, layers: tuple[str, ...], out: Output) -> None:
    """Write what other tools count. Raises CnncalcError if layers are named, because only totals are compared."""
    from cnncalc.figures.conventions import accounts
    from cnncalc.rendering.views.conventions import ConventionsView

    if layers:
        hint = "'cnncalc summary --convention' shows another tool's figure for every layer"
        raise CnncalcError(f"--convention compares totals of the whole network, not of '{layers[0]}'", hint)
    out.show(ConventionsView(network, accounts(network)))
