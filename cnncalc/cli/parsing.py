"""Parse texts of the command line: shapes, values, quantities, machines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import click

from cnncalc.cli.output import to_stderr
from cnncalc.figures.roofline import Machine
from cnncalc.ground.errors import CnncalcError, clipped
from cnncalc.ground.limits import MAX_AXES, MAX_INTEGER
from cnncalc.ground.near import did_you_mean
from cnncalc.ground.numbers import counted
from cnncalc.language.read.values import value_of_text
from cnncalc.layers.shapes import Shape

if TYPE_CHECKING:
    from cnncalc.ground.values import Value


SEVERAL = "'cnncalc sweep' takes several values"


def parse_input(text: str, layout: str) -> tuple[str, Shape]:
    """Return (name, shape) of ``3x320x320`` or ``left=1x64x64``; the name is empty where none is given.

    Raises:
        CnncalcError: if it is not a shape.
    """
    name, _, sizes = text.rpartition("=")
    if "=" in name:
        raise CnncalcError(f"--input {text}: several inputs in one word", "give --input once for each")
    inner = sizes.strip().strip("[]()").strip()
    parts = re.split(r" *, *" if "," in inner else r" *[xX×*] *", inner)
    if not 1 <= len(parts) <= MAX_AXES or not all(re.fullmatch(r"[1-9][0-9]{0,15}", part) for part in parts):
        colon = re.fullmatch(r"([A-Za-z_][^=:]*):(.+)", text)
        hint = f"write it as {colon[1]}={colon[2]}" if colon else "write it as 3x224x224, without the batch axis"
        raise CnncalcError(f"--input {text}: '{sizes}' is not a shape", hint)
    shape = tuple([int(part) for part in parts])
    if max(shape) > MAX_INTEGER:
        raise CnncalcError(f"--input {text}: a size is too large")
    return name, (shape[-1:] + shape[:-1]) if layout == "hwc" else shape


def parse_inputs(texts: Iterable[str], layout: str) -> dict[str, Shape]:
    """Return the shapes in some texts by name. Raises CnncalcError if one is not a shape, or a name is given twice."""
    shapes: dict[str, Shape] = {}
    for text in texts:
        name, shape = parse_input(text, layout)
        if name in shapes:
            raise CnncalcError(f"--input {text}: {f'{name} is' if name else 'a shape is'} given twice", SEVERAL)
        shapes[name] = shape
    return shapes


def parse_settings(settings: Iterable[str]) -> Mapping[str, Value]:
    """Return the values of ``name=value`` texts, parsed like the spec's ``args``.

    Raises:
        CnncalcError: if a text is not of that form, or its value can't be read.
    """
    values: dict[str, Value] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not name.strip():
            raise CnncalcError(f"--set {setting}: not of the form NAME=VALUE", "for example --set width=0.5")
        if name.strip() in values:
            raise CnncalcError(f"--set {clipped(name.strip())}: given twice", SEVERAL)
        if re.fullmatch(r" *[\d.]+ *:.*", text):
            raise CnncalcError(f"--set {clipped(setting)}: a range is not a value", SEVERAL)
        values[name.strip()] = value_of_text(text, f"--set {clipped(name)}")
    return values


def parse_bytes(text: str, option: str) -> int:
    """Return the bytes in ``256KiB``, with a note on stderr where a number without a unit is probably in KiB.

    Raises:
        CnncalcError: if it is not a number of bytes.
    """
    from cnncalc.ground.quantities import parse_quantity

    size = parse_quantity(text, option, of_bytes=True)
    if 0 < size < 1024 and text.isdigit():
        to_stderr(f"note: {option} {text} is {counted(size, 'byte')}; {text}KiB would be {size * 1024:,}")
    return size


MACHINE = "flops=100G,bandwidth=20G"
machine_option = click.option(
    "--machine", metavar="flops=N,bandwidth=N", default=MACHINE,
    help="FLOPs and bytes of memory traffic per second, for predicted times.",
)  # fmt: skip


def parse_machine(text: str) -> Machine:
    """Return the machine of ``flops=100G,bandwidth=20G``, per second.

    Raises:
        CnncalcError: if a figure is missing, unknown, given twice or not above 0.
    """
    from cnncalc.ground.quantities import parse_quantity

    given: dict[str, int] = {}
    for part in text.split(","):
        name, equals, figure = part.partition("=")
        name = name.strip()
        if name not in ("flops", "bandwidth") or not equals:
            hint = did_you_mean(name, ("flops", "bandwidth"), "figures") if equals else f"write {MACHINE}"
            raise CnncalcError(f"--machine {text}: '{part}' is not a figure of a machine", hint)
        if name in given:
            raise CnncalcError(f"--machine {text}: {name} is given twice")
        given[name] = parse_quantity(figure, f"--machine {name} =")
        if not given[name]:
            raise CnncalcError(f"--machine {text}: {name} must be above 0")
    if len(given) < 2:
        raise CnncalcError(f"--machine {text}: both flops and bandwidth are needed", f"write {MACHINE}")
    return Machine(**given)
