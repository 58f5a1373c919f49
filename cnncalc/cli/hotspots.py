"""``cnncalc hotspots``: the most expensive layers of a network, and what changing them would save."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from cnncalc.cli import Command
from cnncalc.cli._device import takes_device
from cnncalc.cli.opening import Asked
from cnncalc.cli.options import BatchAndDtype, takes_basis, takes_output, takes_spec
from cnncalc.cli.output import Output, to_stderr
from cnncalc.cli.parsing import machine_option, parse_machine
from cnncalc.graph import Graph
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.numbers import counted
from cnncalc.layers.shapes import Shape, typed
from cnncalc.studies.device.budgets import RequestedDevice


@click.command("hotspots", Command, short_help="The most expensive layers, and what changes would save.")
@takes_spec()
@click.option("--top", type=click.IntRange(1), default=5, help="Layers to list for each figure.")
@machine_option
@takes_basis
@click.option(
    "--rank", type=click.IntRange(1), help="Rank of factorised fc layers. Default: a quarter of the smaller side."
)
@click.option(
    "--sparsity", type=click.FloatRange(0, 1, max_open=True), default=0.9,
    help="Fraction of the weights that pruning sets to zero.",
)  # fmt: skip
@click.option("--deploy", is_flag=True, help="Show what changes would save on a device: arena, RAM and flash.")
@takes_device
@takes_output()
def command(
    asked: Asked,
    basis: BatchAndDtype,
    wanted: RequestedDevice,
    out: Output,
    top: int,
    machine: str,
    rank: int | None,
    sparsity: float,
    deploy: bool,
) -> int:
    """Print which layers make up 80 % of MACs, params, memory and time, and what changes would save.

    Every change is really made and the whole network computed again; each comes with the command, or the lines of the
    spec, that make it. Times follow the roofline model: the slower of a layer's arithmetic and its memory traffic.

    \b
    cnncalc hotspots alexnet
    cnncalc hotspots net.yaml --top 3 --machine flops=2T,bandwidth=50G --dtype float16
    cnncalc hotspots vww_mobilenet_v1_0.25_96 --deploy --board nano33ble
    cnncalc hotspots net.yaml --format json | jq '.changes[] | [.change, .after.macs]'
    """
    from cnncalc.rendering.views.hotspots import HotspotsView
    from cnncalc.studies.hotspots import hotspots
    from cnncalc.studies.savings.workbench import Workbench, heavy_nodes

    if sparsity != sparsity:  # click accepts NaN
        raise CnncalcError("--sparsity nan: not a fraction")
    if deploy:
        recipe, network = asked.built()
        _show_on_device(network, wanted.over(recipe.deploy), out)
        return 0
    recipe, variant = asked.recipe()
    on = parse_machine(machine)
    with asked.blaming(recipe, variant):
        bench = Workbench(recipe, variant, *asked.changes(), on, *basis)
    spots = hotspots(bench.summary, bench.estimates)
    found = [*bench.for_the_network(), *bench.for_layers(heavy_nodes(spots, top), rank, sparsity)]
    if bench.untried:
        layers = counted(len(bench.network.nodes), "layer")
        to_stderr(f"note: not every change was tried, because the network has {layers}")
    if recipe.text is None:
        to_stderr(f"note: other changes of layers are tried in a spec, which '{_import_line(asked)}' writes")
    changes = [(change, _command_line(asked, basis, bench.inputs, change.options)) for change in found]
    out.show(HotspotsView(bench, spots, changes, top))
    return 0


def _show_on_device(network: Graph, wanted: RequestedDevice, out: Output) -> None:
    """Write what changes would save on a device."""
    from cnncalc.deployment.view import deploy
    from cnncalc.rendering.views.deploy_changes import DeviceChangesView
    from cnncalc.studies.device.changes import device_changes

    found = deploy(network, wanted.device())
    out.show(DeviceChangesView(found, device_changes(network, found)))


def _command_line(asked: Asked, basis: BatchAndDtype, inputs: Mapping[str, Shape], options: tuple[str, ...]) -> str:
    """Return the command line that shows the network with one option added or replaced; "" if no command can."""
    if not options:
        return ""
    from shlex import join

    shapes = [f"{name}={typed(shape)}" if name else typed(shape) for name, shape in inputs.items()]
    given: dict[str, Sequence[str]] = {"--variant": [asked.variant] if asked.variant else []}
    given |= {"--set": asked.settings, "--input": shapes}
    given |= {"--batch": [str(basis.batch)] if basis.batch > 1 else []}
    given |= {"--dtype": [basis.dtype] if basis.dtype != "float32" else []}
    name, value = f"--{options[0]}", options[1]
    words = ["cnncalc", "summary", asked.spec]
    for option, values in given.items():
        for old in values:
            replaced = option == name and (option != "--set" or old.split("=")[0] == value.split("=")[0])
            words += [] if replaced else [option, old]
    return join([*words, *([] if asked.fuse else ["--no-fuse"]), name, value])


def _import_line(asked: Asked) -> str:
    """Return the command line that writes a model file as a spec."""
    from shlex import join

    shapes = [word for shape in asked.inputs for word in ("--input", shape)]
    return join(["cnncalc", "import", asked.spec, *shapes, *([] if asked.fuse else ["--no-fuse"]), "-o", "net.yaml"])
