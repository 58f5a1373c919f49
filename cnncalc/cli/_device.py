"""Options of the commands about microcontrollers."""

from __future__ import annotations

import click

from cnncalc.cli.options import Function, gathering
from cnncalc.studies.device.budgets import RequestedDevice

QUANTS = ("int8", "int16x8", "float32")
CORES = ("reference", "m0", "m3", "m4", "m7", "m33", "m55", "m85", "esp32")
CONVERTERS = ("tf2.21", "tf2.21-dense", "tf2.3", "tf1.15")


def _boards(begin: str) -> list[str]:
    from cnncalc.deployment.boards import BOARDS

    return [name for name in BOARDS if name.startswith(begin)]


takes_device = gathering(
    "wanted",
    RequestedDevice,
    click.option("--quant", type=click.Choice(QUANTS), help="Number format on the device. Default: int8."),
    click.option(
        "--converter", type=click.Choice(CONVERTERS),
        help=
            "What converted the model: TensorFlow of today (the default; -dense: one scale per dense layer), "
            "MLPerf Tiny's, or tflite-micro's old examples.",
    ),
    click.option("--core", type=click.Choice(CORES), help=
        "Kernels on the device. Default: the board's, or reference."),
    click.option(
        "--board", metavar="NAME", shell_complete=lambda ctx, param, begin: _boards(begin),
        help="nano33ble, stm32f746, stm32h743, rp2040 or esp32.",
    ),
)  # fmt: skip
"""Adds the options for the target device and the converter; the command gets them as ``wanted``.

Options that are not given come from the spec's ``deploy`` section.
"""


def bound_options(command: Function) -> Function:
    """Add bounds on RAM and flash; they apply to the upper end of each range."""
    for name, help in (
        ("flash", "Bound on bytes of flash on the device, including the runtime's code."),
        ("arena", "Bound on bytes of the device's arena: activations, scratch and interpreter."),
    ):
        command = click.option(f"--max-{name}", metavar="BYTES", help=help)(command)
    return command
