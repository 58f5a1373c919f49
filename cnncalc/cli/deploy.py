"""``cnncalc deploy``: the RAM and flash a network takes on a microcontroller, before it is converted."""

from __future__ import annotations

import click

from cnncalc.cli import Command
from cnncalc.cli._device import takes_device
from cnncalc.cli.opening import Asked
from cnncalc.cli.options import takes_output, takes_spec
from cnncalc.cli.output import Output
from cnncalc.cli.overwriting import refuse_overwriting
from cnncalc.cli.parsing import parse_bytes
from cnncalc.ground.atomic_write import write_whole
from cnncalc.studies.device.budgets import RequestedDevice


@click.command("deploy", Command, short_help="RAM and flash on a microcontroller, step by step.")
@takes_spec()
@takes_device
@click.option("--ram", metavar="BYTES", help="Available RAM: 256KiB. Default: the board's largest bank.")
@click.option("--flash", metavar="BYTES", help="Available flash: 1MiB. Default: the board's own.")
@click.option(
    "--plan", type=click.Choice(["greedy", "best"]),
    help=
        "Memory plan: tflite-micro's own (greedy, the default) or a smaller one, given to it as offsets in the file "
        "(best).",
)  # fmt: skip
@click.option(
    "--offline-plan",
    metavar="FILE",
    help="Write the plan's offsets, for OfflineMemoryAllocation, as JSON to this file.",
)
@click.option("--steps", type=click.IntRange(1), help="Number of steps to show: those that need the most RAM.")
@takes_output("svg", "html")
def command(
    asked: Asked,
    wanted: RequestedDevice,
    out: Output,
    ram: str | None,
    flash: str | None,
    plan: str | None,
    offline_plan: str | None,
    steps: int | None,
) -> int:
    """Print how much RAM and flash a network takes with tflite-micro, and which step needs the most RAM.

    Batchnorms are folded and activations fused as by TensorFlow's converter; memory is planned as on the device. Exit
    code 1 if it certainly does not fit. No times are given: they differ by operator and chip.

    \b
    cnncalc deploy ds_cnn --board nano33ble
    cnncalc deploy net.yaml --ram 256KiB --flash 1MiB --core m4
    cnncalc deploy vww_mobilenet_v1_0.25_96 --plan best --offline-plan plan.json
    cnncalc deploy net.yaml --format svg -o arena.svg
    """
    from cnncalc.deployment.view import deploy
    from cnncalc.rendering.views.deploy import DeployView

    sizes = [parse_bytes(text, name) if text else None for name, text in (("--ram", ram), ("--flash", flash))]
    recipe, network = asked.built()
    on = wanted._replace(plan=plan, ram=sizes[0], flash=sizes[1]).over(recipe.deploy).device()
    found = deploy(network, on)
    if offline_plan is not None:
        from cnncalc.deployment.offline import offline_plan as offsets
        from cnncalc.rendering.writers import as_json

        refuse_overwriting("--offline-plan", offline_plan)
        write_whole(offline_plan, as_json(offsets(found)).encode())
    out.show(DeployView(found, steps))
    limits = ((found.ram_total, on.ram), (found.flash_total, on.flash))
    return int(any(limit is not None and low > limit for (low, _), limit in limits))
