"""Options that several commands share, and what their texts mean."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from cnncalc.cli.output import Target, tell
from cnncalc.cli.overwriting import note_read
from cnncalc.figures.costs import CONVENTIONS, DTYPES, OWN_CONVENTION
from cnncalc.graph import Graph
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_AXES, MAX_FILE_BYTES, MAX_INTEGER
from cnncalc.ground.places import SpecError
from cnncalc.ground.quantities import parse_quantity as parse_quantity
from cnncalc.language.input_axes import doubt
from cnncalc.language.items import Document, Value
from cnncalc.language.loading import open_document, read_text
from cnncalc.language.nodes import decode, parse
from cnncalc.language.values import NO_NAMES, NO_VALUES, ValueReader
from cnncalc.layers.arguments import axis_count
from cnncalc.layers.shapes import Shape
from cnncalc.recipe import Recipe
from cnncalc.rendering.records import FORMATS

if TYPE_CHECKING:
    from cnncalc.language.collection import Member

Command = TypeVar("Command", bound=Callable[..., Any])

SUFFIXES = {
    ".txt": "table", ".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv", ".tsv": "tsv",
    ".md": "markdown", ".markdown": "markdown", ".xml": "junit", ".svg": "svg", ".html": "html",
}  # fmt: skip
"""The format that a file's name asks for, of those that a command has."""


class Whole(click.IntRange):
    """Whole numbers with a bound so far off that no help need tell it."""

    def __init__(self, least: int, most: int) -> None:
        super().__init__(least)
        self.most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, or fail as click does."""
        number: int = super().convert(value, param, ctx)
        if number > self.most:
            self.fail(f"{number:,} is more than {self.most:,}.", param, ctx)
        return number


_SETTINGS = click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE",
    help="Another value for one of the spec's args; may be repeated.",
)  # fmt: skip
_INPUTS = click.option(
    "--input", "inputs", multiple=True, metavar="SHAPE",
    help="Another input shape, 3x320x320; NAME=SHAPE where there are several.",
)  # fmt: skip
layout_option = click.option(
    "--layout",
    type=click.Choice(["chw", "hwc"]),
    default="chw",
    help="Channels first or last, in shapes that are given or shown: 3×32×32 or 32×32×3.",
)


def spec_options_with(inputs: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Add SPEC and what changes the network that it stands for, with an ``--input`` of a command's own."""

    def add(command: Command) -> Command:
        for decorate in (
            layout_option,
            _SETTINGS,
            inputs,
            click.option("--variant", metavar="NAME", help="The variant of a family."),
            click.argument("spec"),
        ):
            command = decorate(command)
        return command

    return add


def spec_options(command: Command) -> Command:
    """Add SPEC and what changes the network that it stands for."""
    return spec_options_with(_INPUTS)(command)


def specs_options(required: bool) -> Callable[[Command], Command]:
    """Add SPEC…, several at once (FILE:VARIANT for one of a family), and what changes all of them."""
    specs = click.argument("specs", nargs=-1, required=required, metavar="SPEC…" if required else "[SPEC]…")

    def add(command: Command) -> Command:
        for decorate in (layout_option, _SETTINGS, _INPUTS, specs):
            command = decorate(command)
        return command

    return add


def output_options_with(
    *formats: str, help: str = "Write to a file instead of standard output.", others: Sequence[str] = ()
) -> Callable[[Command], Command]:
    """Add where the result goes and in which format: one of the usual, or of a command's own.

    Args:
        formats: the command's own.
        help: what the help says of ``--output``.
        others: suffixes of files that the command writes itself, in no format.
    """

    known = (*FORMATS, *formats)
    written = {suffix: format for suffix, format in SUFFIXES.items() if format in known}
    written |= dict.fromkeys(others, "table")

    def by_suffix(context: click.Context, parameter: click.Parameter, value: str) -> str:
        """Return the format: where none is given, what the file's name asks for.  Raises CnncalcError for no format."""
        path = context.params["path"] or ""
        suffix = os.path.splitext(path)[1].lower()
        if context.get_parameter_source("format") is not ParameterSource.DEFAULT or not suffix:
            return value
        if suffix not in written:
            raise CnncalcError(
                f"-o {path}: no format has the suffix '{suffix}'",
                f"there are {', '.join(written)}; with --format any name will do",
            )
        return written[suffix]

    def add(command: Command) -> Command:
        for decorate in (
            click.option(
                "--color", type=click.Choice(["auto", "always", "never"]), default="auto",
                help="Colour; auto: on a terminal, unless NO_COLOR is set.",
            ),
            click.option("-o", "--output", "path", metavar="FILE", is_eager=True, help=help),
            click.option(
                "--format", "format", type=click.Choice(known), default="table", callback=by_suffix,
                help="What comes out; without it, FILE's suffix decides: .json, .csv, .md, …",
            ),
        ):  # fmt: skip
            command = decorate(command)
        return command

    return add


def output_options(command: Command) -> Command:
    """Add where the result goes and in which of the usual formats."""
    return output_options_with()(command)


def batch_option(command: Command) -> Command:
    """Add how many samples activations, MACs and bytes are counted for."""
    return click.option("--batch", type=Whole(1, 10**9), default=1, help="Samples that go through at once.")(command)


def dtype_option(command: Command) -> Command:
    """Add what size an element has."""
    return click.option(
        "--dtype",
        type=click.Choice(list(DTYPES)),
        default="float32",
        help="Type of all tensors, for bytes; int8 is one byte an element, as no device has it: see 'deploy'.",
    )(command)


def convention_option(command: Command) -> Command:
    """Add whose way of counting the MACs follow."""
    return click.option(
        "--convention", type=click.Choice(CONVENTIONS), default=OWN_CONVENTION,
        help="Count as another tool does; 'cnncalc explain --convention' says how they differ.",
    )(command)  # fmt: skip


def read_spec(spec: str) -> tuple[Recipe, str | None]:
    """Return the recipe of SPEC, and the variant that it asks for: a shipped name's, or FILE:VARIANT's.

    ``-`` reads standard input; a pipe, as the shell's ``<(git show HEAD:net.yaml)`` makes it, is read once.
    """
    path, colon, variant = spec.rpartition(":")
    if colon and variant and not os.path.exists(spec):
        document, _ = read_spec(path)
        return document, variant
    if os.path.exists(spec) and not os.path.isfile(spec) and not os.path.isdir(spec):
        try:
            with open(spec, "rb") as pipe:
                return read_text(pipe.read(MAX_FILE_BYTES + 1), spec), None
        except OSError as error:
            raise CnncalcError(f"{spec}: {error.strerror}") from None
    if spec != "-":
        document, named = open_document(spec)
        note_read(document.path)  # a shipped one's is not SPEC
        return document, named
    if sys.stdin is None:
        raise CnncalcError("'-' reads a spec from standard input, which is closed")
    if sys.stdin.isatty():
        hint = "pipe one in: cat net.yaml | cnncalc summary -"
        raise CnncalcError("'-' reads a spec from standard input, which is a terminal", hint)
    with suppress(OSError):  # a stream without a descriptor
        note_read(sys.stdin.fileno())
    return read_text(sys.stdin.buffer.read(MAX_FILE_BYTES + 1), "<stdin>"), None


def read_shipped() -> Iterator[Member]:
    """Return every network that ships, file by file."""
    from cnncalc.language.collection import shipped

    for member in shipped():
        note_read(member.recipe.path)
        yield member


def read_changes(
    settings: tuple[str, ...], inputs: tuple[str, ...], layout: str = "chw"
) -> tuple[Mapping[str, Any], dict[str, Shape]]:
    """Return what ``--set`` and ``--input`` ask for.  Raises CnncalcError where they can't be read."""
    return parse_settings(settings), dict([parse_input(text, layout) for text in inputs])


def network_of(
    spec: str, variant: str | None, inputs: tuple[str, ...], settings: tuple[str, ...], layout: str
) -> Graph:
    """Build the network that a command line asks for."""
    return spec_and_network(spec, variant, inputs, settings, layout)[1]


def spec_and_network(
    spec: str, variant: str | None, inputs: tuple[str, ...], settings: tuple[str, ...], layout: str
) -> tuple[Recipe, Graph]:
    """Return what a command line's SPEC says, and the network that it asks for."""
    document, named = read_spec(spec)
    if variant is not None and named not in (None, variant):
        raise CnncalcError(f"{spec} is a variant already, so --variant {variant} can't be another")
    network = document.build(variant or named, *read_changes(settings, inputs, layout))
    for note in input_notes(document, network):
        tell(f"note: {note}")
    return document, network


def input_notes(recipe: Recipe, network: Graph) -> list[str]:
    """Return what is legal about the inputs' shapes, but probably meant otherwise."""
    notes = []
    value = recipe.input if isinstance(recipe, Document) else None
    stated = value.constant if isinstance(value, Value) and isinstance(value.constant, tuple) else ()
    for tensor in network.inputs.values():
        shape, text = tensor.shape, "x".join(str(size) for size in tensor.shape)
        if doubt(shape) is not None:
            continue  # the network was warned of as it was built
        if stated and len(shape) != len(stated):
            notes.append(
                f"{text} has {axis_count(len(shape) - 1, 'spatial ')}, the spec's own input has {len(stated) - 1}"
            )
        elif len(shape) > 2 and stated[:1] not in ((), shape[:1]) and stated[:1] == shape[-1:]:
            notes.append(f"{text} has {shape[0]} channels; if they come last, add --layout hwc")
    return notes


def parse_input(text: str, layout: str) -> tuple[str, Shape]:
    """Return (name, shape) of ``3x320x320`` or ``left=1x64x64``; the name is empty where none is given.

    Raises:
        CnncalcError: where it is not a shape.
    """
    name, _, sizes = text.rpartition("=")
    parts = re.split(r" *[x×,*] *", sizes.strip().strip("[]").strip())
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
