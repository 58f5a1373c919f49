"""Open the specs and model files that a command line names, and note which files were read."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import IO, TYPE_CHECKING, TypeAlias

import click

from cnncalc.cli.output import to_stderr
from cnncalc.cli.overwriting import note_read
from cnncalc.graph import Graph
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_FILE_BYTES, MAX_PIPED_MODEL_BYTES
from cnncalc.ground.named import NamedTuple
from cnncalc.importers import begins_a_model
from cnncalc.importers.opening import open_file, split_variant
from cnncalc.language.input_axes import axis_doubt
from cnncalc.language.loading import read_text
from cnncalc.language.recipe import Recipe
from cnncalc.layers.arguments import axis_count
from cnncalc.layers.shapes import Shape, typed

if TYPE_CHECKING:
    from cnncalc.ground.values import Value
    from cnncalc.language.collection import Member

LISTED = 8
"""Number of variants that a note lists."""

Changes: TypeAlias = "tuple[Mapping[str, Value], dict[str, Shape]]"
"""Arguments of a build: values for the spec's args, and shapes by input name."""

Sizes: TypeAlias = "tuple[Mapping[str, Shape], Mapping[str, int]]"
"""Shapes of arrays by input, and the elements of those with a single whole number; see `Recipe.shapes_of`."""


def collect_networks() -> None:
    """Run the garbage collector more often, for a command that builds many networks: they are cycles."""
    import gc

    gc.set_threshold(200_000, 5, 50)


class Asked(NamedTuple):
    """One network as a command line asks for it: SPEC and what changes it.

    Attributes:
        spec: a path, ``-``, a shipped name, or FILE:VARIANT.
        variant: ``--variant``.
        inputs: the texts of ``--input``.
        settings: the texts of ``--set``.
        layout: the order of the axes in shapes, given or shown: ``chw`` or ``hwc``.
        fuse: whether operators of a model file that are one layer together become one.
        fuses_specs: whether ``--no-fuse`` is allowed for specs, too, in this command.
    """

    spec: str
    variant: str | None
    inputs: tuple[str, ...]
    settings: tuple[str, ...]
    layout: str
    fuse: bool = True
    fuses_specs: bool = False

    def recipe(self) -> tuple[Recipe, str | None]:
        """Return the recipe, and the variant that SPEC or ``--variant`` asks for.  Raises CnncalcError."""
        recipe, named = read_spec(self.spec, self.fuse, self.fuses_specs)
        if self.variant is not None and named not in (None, self.variant):
            raise CnncalcError(f"{self.spec} is a variant already, so --variant {self.variant} can't be another")
        return recipe, self.variant or named

    def changes(self) -> Changes:
        """Return what ``--set`` and ``--input`` ask for.  Raises CnncalcError if they can't be read."""
        if not self.settings and not self.inputs:
            return {}, {}
        from cnncalc.cli.parsing import parse_inputs, parse_settings

        return parse_settings(self.settings), parse_inputs(self.inputs, self.layout)

    def blaming(self, recipe: Recipe, variant: str | None) -> AbstractContextManager[None]:
        """Name the options to blame in errors of a network that is built inside this context."""
        if not self.settings and not self.inputs:
            return nullcontext()
        from cnncalc.cli._blame import blaming

        def build(settings: tuple[str, ...], inputs: tuple[str, ...]) -> Graph:
            return recipe.build(variant, *self._replace(settings=settings, inputs=inputs).changes())

        return blaming(build, self.settings, self.inputs)

    def network(self) -> Graph:
        """Build the network, and print notes about probable mistakes on stderr. Raises CnncalcError."""
        return self.built()[1]

    def built(self, sizes: Sizes = ({}, {})) -> tuple[Recipe, Graph]:
        """Return the recipe and the network, see :meth:`network`; ``sizes`` are those of its arrays in files."""
        recipe, variant = self.recipe()
        with self.blaming(recipe, variant):
            settings, shapes = self.changes()
            network = recipe.build(variant, settings, {**recipe.shapes_of(*sizes), **shapes})
        for path in network.model.tensor_files:
            note_read(path)
        if variant is None and not self.settings and not self.inputs and self.spec != "-":
            _note_variants(recipe)
        for note in (*network.notes, *input_notes(recipe, network, self.layout)):
            to_stderr(f"note: {note}")
        return recipe, network


def _note_variants(recipe: Recipe) -> None:
    """If no variant was asked for, note on stderr which one is shown and how many there are."""
    names = list(recipe.variants)
    if len(names) < 2:
        return
    listed = ", ".join(names[:LISTED]) + (", …" if len(names) > LISTED else "")
    shown = recipe.usual or "the file's default, which is none of them"
    to_stderr(f"note: {recipe.name} has {len(names)} variants: {listed}; this is {shown}, --variant NAME shows another")


class AskedSeveral(NamedTuple):
    """Several networks as a command line asks for them; ``each`` has no SPEC, and the changes, which apply to all."""

    specs: tuple[str, ...]
    each: Asked

    def recipe(self, spec: str) -> tuple[Recipe, str | None]:
        """Return the recipe and the variant of one SPEC. Raises CnncalcError."""
        return self.each._replace(spec=spec).recipe()


def read_spec(spec: str, fuse: bool = True, fuses_specs: bool = False) -> tuple[Recipe, str | None]:
    """Return the recipe of SPEC, a shipped name or FILE, and the variant in FILE:VARIANT; see `Asked`.

    ``-`` reads standard input; a pipe, such as the shell's ``<(git show HEAD:net.yaml)``, is read once.

    Raises:
        CnncalcError: if it can't be read, or ``--no-fuse`` would change nothing.
    """
    path, variant = split_variant(spec)
    recipe, named = _read_file(path, fuse)
    if not fuse and not fuses_specs and recipe.fuse is None:
        raise CnncalcError(f"--no-fuse is for model files, and {spec} is a spec")
    return recipe, variant or named


def _read_file(spec: str, fuse: bool) -> tuple[Recipe, str | None]:
    if os.path.exists(spec) and not os.path.isfile(spec) and not os.path.isdir(spec):
        try:
            with open(spec, "rb") as pipe:
                return _read_stream(pipe, spec, fuse), None
        except OSError as error:
            raise CnncalcError(f"{spec}: {error.strerror}") from None
    if spec == "help" and not os.path.exists(spec):
        command = click.get_current_context().info_name
        raise CnncalcError("'help' is neither a file nor a network", f"'cnncalc help {command}' shows the options")
    if spec != "-":
        note_read(spec)  # also one in which there is a mistake
        recipe, named = open_file(spec, fuse)
        if not os.path.isfile(spec):  # SPEC only names it
            from cnncalc.language.shipped import folder

            note_read(os.path.join(folder(), recipe.path))
        return recipe, named
    if sys.stdin is None:
        raise CnncalcError("'-' reads a spec from standard input, which is closed")
    if sys.stdin.isatty():
        hint = "pipe one in: cat net.yaml | cnncalc summary -"
        raise CnncalcError("'-' reads a spec from standard input, which is a terminal", hint)
    found: dict[str, Recipe] = click.get_current_context().meta.setdefault("cnncalc.stdin", {})
    if "-" not in found:  # the stream can be read once; compare may name it twice
        with suppress(OSError):  # a stream may have no descriptor
            note_read(sys.stdin.fileno())
        found["-"] = _read_stream(sys.stdin.buffer, "<stdin>", fuse)
    return found["-"], None


def _read_stream(stream: IO[bytes], name: str, fuse: bool) -> Recipe:
    """Return the spec or model from a pipe."""
    data = stream.read(MAX_FILE_BYTES + 1)
    if not begins_a_model(data):
        return read_text(data, name)
    from cnncalc.importers.onnx.load import read_model_bytes

    return read_model_bytes(data + stream.read(MAX_PIPED_MODEL_BYTES + 1 - len(data)), name, fuse)


def read_shipped() -> Iterator[Member]:
    """Return all shipped networks, file by file."""
    from cnncalc.language.collection import shipped

    for member in shipped():
        note_read(member.recipe.path)
        yield member


def input_notes(recipe: Recipe, network: Graph, layout: str) -> list[str]:
    """Return notes on input shapes that are legal but probably mistakes."""
    notes = []
    stated_shapes = recipe.stated_inputs(network.variant)
    for name, tensor in network.inputs.items():
        shape, text, stated = tensor.shape, typed(tensor.shape), stated_shapes.get(name) or ()
        if axis_doubt(shape) is not None:
            continue  # the build has already warned about the network
        if stated and len(shape) != len(stated):
            axes = axis_count(len(shape) - 1, "spatial ")
            notes.append(f"{text} has {axes}, but the spec's input has {len(stated) - 1}")
        elif len(shape) > 2 and stated[:1] not in ((), shape[:1]):
            given = typed((*shape[1:], shape[0])) if layout == "hwc" else text
            if layout == "hwc" and stated[:1] == shape[1:2]:
                notes.append(f"{given} has {shape[0]} channels; if they come first, leave out --layout hwc")
            elif layout != "hwc" and stated[:1] == shape[-1:]:
                notes.append(f"{given} has {shape[0]} channels; if they come last, add --layout hwc")
    return notes
