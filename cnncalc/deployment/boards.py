"""Known boards and cores; for others, RAM and flash are given.

RAM is the largest contiguous bank in Zephyr's devicetree (zephyrproject-rtos/zephyr, main of 2026-08), because an arena
is one array. Nothing is subtracted for the program, whose needs are unknown.
"""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.deployment.constants import INTERPRETER
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.near import did_you_mean

KIB, MIB = 1024, 1024**2


class Core(NamedTuple):
    """A processor.

    Attributes:
        name: its name in options.
        kernels: its kernels, a word of :mod:`cnncalc.deployment.scratch`.
        what: a description.
        fixed: bytes of the interpreter's fixed part, at most.
    """

    name: str
    kernels: str
    what: str
    fixed: int = INTERPRETER.fixed_most


CORES = {
    core.name: core
    for core in (
        Core("reference", "reference", "tflite-micro's reference kernels"),
        Core("m0", "plain", "Cortex-M0, M0+: CMSIS-NN without DSP"),
        Core("m3", "plain", "Cortex-M3: CMSIS-NN without DSP"),
        Core("m4", "dsp", "Cortex-M4: CMSIS-NN with DSP"),
        Core("m7", "dsp", "Cortex-M7: CMSIS-NN with DSP"),
        Core("m33", "dsp", "Cortex-M33: CMSIS-NN with DSP"),
        Core("m55", "mve", "Cortex-M55: CMSIS-NN with Helium"),
        Core("m85", "mve", "Cortex-M85: CMSIS-NN with Helium"),
        Core("esp32", "reference", "Xtensa LX6: reference kernels", INTERPRETER.fixed_least),
    )
}


class Board(NamedTuple):
    """A board: its core, bytes of the largest bank of RAM and of flash (None: outside the chip, of any size)."""

    name: str
    core: str
    ram: int
    flash: int | None
    chip: str
    source: str


BOARDS = {
    board.name: board
    for board in (
        Board("nano33ble", "m4", 256 * KIB, 1 * MIB, "nRF52840", "dts/arm/nordic/nrf52840_qiaa.dtsi"),
        Board("stm32f746", "m7", 320 * KIB, 1 * MIB, "STM32F746", "dts/arm/st/f7/stm32f746Xg.dtsi"),
        Board("stm32h743", "m7", 512 * KIB, 2 * MIB, "STM32H743", "dts/arm/st/h7/stm32h743.dtsi"),
        Board("rp2040", "m0", 264 * KIB, None, "RP2040", "dts/arm/rpi_pico/rp2040.dtsi"),
        Board("esp32", "esp32", 180_736, None, "ESP32", "dts/xtensa/espressif/esp32/esp32_common.dtsi"),
    )
}
ALIASES = {"nrf52840": "nano33ble", "nano33": "nano33ble", "pico": "rp2040", "f746": "stm32f746", "h743": "stm32h743"}
"""Other names of the boards."""


def board_named(name: str) -> Board:
    """Return a board. Raises CnncalcError for an unknown one."""
    wanted = name.lower().replace("-", "").replace("_", "").replace(" ", "")
    found = BOARDS.get(ALIASES.get(wanted, wanted))
    if found is None:
        near = did_you_mean(wanted, tuple(BOARDS), "boards")
        raise CnncalcError(f"unknown board '{name}'", f"{near}; for other boards, give RAM and flash")
    return found
