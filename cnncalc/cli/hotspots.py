"""``cnncalc hotspots``: where a network is heavy, and what changes to it would save."""

from __future__ import annotations

import click

from cnncalc.cli._device import device_options
from cnncalc.cli.options import (
    batch_option,
    dtype_option,
    output_options,
    parse_quantity,
    read_changes,
    read_spec,
    spec_and_network,
    spec_options,
    target,
)
from cnncalc.cli.output import Target
from cnncalc.graph import Graph
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.near import did_you_mean
from cnncalc.layers.shapes import Shape
from cnncalc.studies.on_device import Wanted


@click.command("hotspots", short_help="What costs most, and what a change would save.")
@spec_options
@click.option("--top", type=click.IntRange(1), default=5, help="Layers that are listed for each figure.")
@click.option(
    "--machine", metavar="flops=N,bandwidth=N", default="flops=100G,bandwidth=20G",
    help="FLOPs and bytes of memory traffic a second.",
)  # fmt: skip
@batch_option
@dtype_option
@click.option("--rank", type=click.IntRange(1), help="Of low-rank fc layers. Default: a quarter of the smaller side.")
@click.option(
    "--sparsity", type=click.FloatRange(0, 1, max_open=True), default=0.9,
    help="Part of the weights that pruning sets to zero.",
)  # fmt: skip
@click.option("--deploy", is_flag=True, help="What changes would save on a device instead, of arena, RAM and flash.")
@device_options
@output_options
def command(
    spec: str,
    variant: str | None,
    inputs: tuple[str, ...],
    settings: tuple[str, ...],
    layout: str,
    top: int,
    machine: str,
    batch: int,
    dtype: str,
    rank: int | None,
    sparsity: float,
    deploy: bool,
    quant: str | None,
    converter: str | None,
    core: str | None,
    board: str | None,
    format: str,
    path: str | None,
    color: str,
) -> int:
    """Print which layers make 80 % of MACs, params, memory and time, and what changes would save.

    Every change is made and the whole network recomputed; each comes with the command or the lines of the spec
    that make it. The time is the roofline's: the slower of a layer's arithmetic and its memory traffic.

    \b
    cnncalc hotspots alexnet
    cnncalc hotspots net.yaml --top 3 --machine flops=2T,bandwidth=50G --dtype float16
    cnncalc hotspots vww_mobilenet_v1_0.25_96 --deploy --board nano33ble
    cnncalc hotspots net.yaml --format json | jq '.changes[] | [.change, .after.macs]'
    """
    from cnncalc.figures.roofline import Machine
    from cnncalc.studies.changes import Change, Workbench, heavy_nodes
    from cnncalc.studies.hotspots import hotspots

    if deploy:
        recipe, network = spec_and_network(spec, variant, inputs, settings, layout)
        _show_on_device(network, Wanted(quant, converter, core, board).over(recipe.deploy), format, target(path, color))
        return 0
    recipe, named = read_spec(spec)
    on = Machine(*parse_machine(machine))
    bench = Workbench(recipe, variant or named, *read_changes(settings, inputs, layout), on, batch, dtype)
    spots = hotspots(bench.summary, on)
    found = [*bench.for_the_network(), *bench.for_layers(heavy_nodes(spots, top), rank, sparsity)]

    def command_line(change: Change) -> str:
        shapes = [f"{name}={_sizes(shape)}" if name else _sizes(shape) for name, shape in bench.inputs.items()]
        given = {"--variant": (variant,) if variant else (), "--set": settings, "--input": tuple(shapes)}
        given |= {"--batch": (str(batch),) if batch > 1 else (), "--dtype": (dtype,) if dtype != "float32" else ()}
        return _command_line(spec, given, change.options) if change.options else ""

    changes = [(change, command_line(change)) for change in found]
    out = target(path, color)
    if format == "table":
        from cnncalc.rendering.hotspots_page import page

        out.page(page(bench, spots, changes, top, layout, out.width, out.terminal))
        return 0
    from cnncalc.rendering.hotspots_records import COLUMNS, records
    from cnncalc.rendering.hotspots_records import document as whole
    from cnncalc.rendering.records import as_json, as_lines

    if format == "json":
        out.text([as_json(whole(bench, spots, changes, top))])
    else:
        out.text(as_lines(records(spots, changes, top), format, COLUMNS))
    return 0


def _show_on_device(network: Graph, wanted: Wanted, format: str, out: Target) -> None:
    """Write what changes would save on a device."""
    from cnncalc.deployment.view import deploy
    from cnncalc.rendering.device_changes_page import COLUMNS, document, page, record
    from cnncalc.rendering.records import as_json, as_lines
    from cnncalc.studies.device_changes import device_changes

    on = wanted.device()
    found = deploy(network, on)
    changes = device_changes(network, on, found)
    if format == "table":
        out.page(page(found, changes, out.width, out.terminal))
    elif format == "json":
        out.text([as_json(document(found, changes))])
    else:
        out.text(as_lines(map(record, changes), format, COLUMNS))


def parse_machine(text: str) -> tuple[int, int]:
    """Return (flops, bandwidth) a second of ``flops=100G,bandwidth=20G``.

    Raises:
        CnncalcError: where one is missing, unknown, given twice or not above 0.
    """
    given: dict[str, int] = {}
    for part in text.split(","):
        name, equals, figure = part.partition("=")
        name = name.strip()
        if name not in ("flops", "bandwidth") or not equals:
            hint = did_you_mean(name, ("flops", "bandwidth"), "figures") if equals else "write flops=100G,bandwidth=20G"
            raise CnncalcError(f"--machine {text}: '{part}' is not a figure of a machine", hint)
        if name in given:
            raise CnncalcError(f"--machine {text}: {name} is given twice")
        given[name] = parse_quantity(figure, f"--machine {name} =")
        if not given[name]:
            raise CnncalcError(f"--machine {text}: {name} must be above 0")
    if len(given) < 2:
        raise CnncalcError(f"--machine {text}: both are needed", "write flops=100G,bandwidth=20G")
    return given["flops"], given["bandwidth"]


def _sizes(shape: Shape) -> str:
    return "x".join(str(size) for size in shape)


def _command_line(spec: str, given: dict[str, tuple[str, ...]], options: tuple[str, ...]) -> str:
    """Return the command that shows a network with an option more, or another value for one."""
    from shlex import join

    name, value = options
    words = ["cnncalc", "summary", spec]
    for option, values in given.items():
        for old in values:
            replaced = option == name and (option != "--set" or old.split("=")[0] == value.split("=")[0])
            words += [] if replaced else [option, old]
    return join([*words, name, value])
