"""Options that several commands share, and what their texts mean."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from cnncalc.cli.output import Target
from cnncalc.errors import CnncalcError
from cnncalc.layers.base import Shape
from cnncalc.network import Network
from cnncalc.rendering.records import FORMATS
from cnncalc.spec.items import Document
from cnncalc.spec.limits import MAX_AXES, MAX_FILE_BYTES, MAX_INTEGER
from cnncalc.spec.loading import build_variant, open_document, read_text
from cnncalc.spec.nodes import decode, parse
from cnncalc.spec.origin import SpecError
from cnncalc.spec.values import NO_NAMES, NO_VALUES, ValueReader

Command = TypeVar("Command", bound=Callable[..., Any])


def spec_options(command: Command) -> Command:
    """Add SPEC and what changes the network that it stands for."""
    for decorate in (
        click.option("--layout", type=click.Choice(["chw", "hwc"]), default="chw", help="How shapes are read and shown: 3×32×32 or 32×32×3."),
        click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Another value for one of the spec's args; may be repeated."),
        click.option("--input", "inputs", multiple=True, metavar="SHAPE", help="Another input shape, 3x320x320; NAME=SHAPE where there are several."),
        click.option("--variant", metavar="NAME", help="The variant of a family."),
        click.argument("spec"),
    ):
        command = decorate(command)
    return command


def output_options(command: Command) -> Command:
    """Add where the result goes and in which format."""
    for decorate in (
        click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour; auto: on a terminal, unless NO_COLOR is set."),
        click.option("-o", "--output", "path", metavar="FILE", help="Write to a file instead of standard output."),
        click.option("--format", "format", type=click.Choice(FORMATS), default="table", show_default=True, help="What comes out."),
    ):
        command = decorate(command)
    return command


def read_spec(spec: str) -> tuple[Document, str | None]:
    """Return the document of SPEC, and the variant that its name asks for; ``-`` reads standard input."""
    if spec != "-":
        return open_document(spec)
    if sys.stdin is None or sys.stdin.isatty():
        raise CnncalcError("'-' reads a spec from standard input, which is a terminal", "pipe one in: cat net.yaml | cnncalc summary -")
    document = read_text(sys.stdin.buffer.read(MAX_FILE_BYTES + 1), "<stdin>")
    return document, None


def network_of(
    spec: str, variant: str | None, inputs: tuple[str, ...], settings: tuple[str, ...], layout: str
) -> Network:
    """Build the network that a command line asks for."""
    document, named = read_spec(spec)
    shapes = {}
    for text in inputs:
        name, shape = parse_input(text, layout)
        shapes[name] = shape
    return build_variant(document, variant or named, parse_settings(settings), shapes)


def parse_input(text: str, layout: str) -> tuple[str, Shape]:
    """Return (name, shape) of ``3x320x320`` or ``left=1x64x64``; the name is empty where none is given.

    Raises:
        CnncalcError: where it is not a shape.
    """
    name, _, sizes = text.rpartition("=")
    parts = re.split(r"[x×,*]", sizes.strip().strip("[]").replace(" ", ""))
    if not 1 <= len(parts) <= MAX_AXES or not all(re.fullmatch(r"[1-9]\d{0,15}", part) for part in parts):
        raise CnncalcError(f"--input {text}: '{sizes}' is not a shape", "write it as 3x224x224, without the batch axis")
    shape = tuple([int(part) for part in parts])
    if max(shape) > MAX_INTEGER:
        raise CnncalcError(f"--input {text}: a size is too large")
    return name, (shape[-1:] + shape[:-1]) if layout == "hwc" else shape


def parse_settings(settings: tuple[str, ...]) -> Mapping[str, Any]:
    """Return the values of ``name=value`` texts, read as the spec's ``args`` are.

    Raises:
        CnncalcError: where a text is not of that form, or its value can't be read.
    """
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not name.strip():
            raise CnncalcError(f"--set {setting}: not of the form NAME=VALUE", "for example --set width=0.5")
        values[name.strip()] = parse_value(text, f"--set {name}")
    return values


def parse_value(text: str, name: str) -> Any:
    """Return the value of one text, called ``name`` in messages."""
    source = decode(text.encode("utf-8", "surrogateescape"), name)
    if not text.strip():
        raise CnncalcError(f"{name}=: a value is missing")
    reader = ValueReader(source)
    value = reader.literal(parse(source), NO_NAMES)
    if reader.faults:
        raise SpecError(reader.faults)
    return value(NO_VALUES)


def target(path: str | None, color: str) -> Target:
    """Return where the result goes."""
    return Target(path, color)
