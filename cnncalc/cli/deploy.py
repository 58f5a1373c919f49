"""``cnncalc deploy``: what a network takes on a microcontroller, before anything is converted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cnncalc.cli._device import device_options
from cnncalc.cli.options import output_options_with, parse_quantity, spec_and_network, spec_options, target

if TYPE_CHECKING:
    from cnncalc.cli.output import Target
    from cnncalc.deployment.view import Deployment


@click.command("deploy", short_help="RAM and flash on a microcontroller, step by step.")
@spec_options
@device_options
@click.option("--ram", metavar="BYTES", help="RAM that there is, 256KiB; of a board, its largest bank.")
@click.option("--flash", metavar="BYTES", help="Flash that there is, 1MiB; of a board, its own.")
@click.option(
    "--plan", type=click.Choice(["greedy", "best"]),
    help="Where tensors lie: as tflite-micro plans by itself (greedy, the default), or better, by offsets in the file.",
)  # fmt: skip
@click.option("--offline-plan", metavar="FILE", help="Write the plan's offsets, for OfflineMemoryAllocation, as JSON.")
@click.option("--steps", type=click.IntRange(1), help="Steps that are shown: those that need most.")
@output_options_with("svg", "html")
def command(
    spec: str,
    variant: str | None,
    inputs: tuple[str, ...],
    settings: tuple[str, ...],
    layout: str,
    quant: str | None,
    converter: str | None,
    core: str | None,
    board: str | None,
    ram: str | None,
    flash: str | None,
    plan: str | None,
    offline_plan: str | None,
    steps: int | None,
    format: str,
    path: str | None,
    color: str,
) -> int:
    """Print what a network takes of RAM and flash on tflite-micro, and the step that would break first.

    Batchnorms are folded and activations fused as TensorFlow's converter does it; the memory is planned as the device
    does. Exit code 1 where it does not fit for certain. No times: they differ by operator and chip.

    \b
    cnncalc deploy ds_cnn --board nano33ble
    cnncalc deploy net.yaml --ram 256KiB --flash 1MiB --core m4
    cnncalc deploy vww_mobilenet_v1_0.25_96 --plan best --offline-plan plan.json
    cnncalc deploy net.yaml --format svg -o arena.svg
    """
    from cnncalc.deployment.view import deploy
    from cnncalc.studies.on_device import Wanted

    sizes = [parse_quantity(text, name, True) if text else None for name, text in (("--ram", ram), ("--flash", flash))]
    document, network = spec_and_network(spec, variant, inputs, settings, layout)
    on = Wanted(quant, converter, core, board, plan, *sizes).over(document.deploy).device()
    found = deploy(network, on)
    if offline_plan is not None:
        from cnncalc.deployment.offline import offline_plan as offsets
        from cnncalc.rendering.records import as_json

        target(offline_plan, "never").text([as_json(offsets(found))])
    _show(found, steps, format, target(path, color))
    limits = ((found.ram_total, on.ram), (found.flash_total, on.flash))
    return int(any(limit is not None and low > limit for (low, _), limit in limits))


def _show(found: Deployment, steps: int | None, format: str, out: Target) -> None:
    if format == "table":
        from cnncalc.rendering.deploy_page import page

        out.page(page(found, steps, out.width, out.terminal))
        return
    if format in ("svg", "html"):
        from cnncalc.rendering.deploy_picture import html, svg

        out.text([svg(found) if format == "svg" else html(found)])
        return
    from cnncalc.rendering.deploy_records import COLUMNS, document, rows
    from cnncalc.rendering.records import as_json, as_lines

    if format == "json":
        out.text([as_json(document(found))])
    else:
        out.text(as_lines(rows(found), format, COLUMNS))
