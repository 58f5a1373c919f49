"""Load a spec from a file, a text, or the name of a shipped network."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_FILE_BYTES
from cnncalc.ground.near import nearest, suggestion
from cnncalc.ground.places import SpecError
from cnncalc.language.document import About, Document, Stated, Variant
from cnncalc.language.read.reader import read_into
from cnncalc.language.read.yaml_tree import decode
from cnncalc.language.recipe import Recipe

if TYPE_CHECKING:
    from cnncalc.graph import Graph
    from cnncalc.ground.values import Value
    from cnncalc.language.findings import Finding
    from cnncalc.language.foldable import Foldable
    from cnncalc.layers.shapes import Shape

SUFFIXES = (".yaml", ".yml", ".onnx")
"""Suffixes of files that hold networks."""


class Spec(Document, Recipe):
    """A document from which networks are built: the recipe for a spec."""

    text: str
    variants: dict[str, Variant]
    deploy: dict[str, Stated]

    @property
    def settings(self) -> list[str]:
        """The names of the spec's args."""
        return list(self.arguments)

    @property
    def usual(self) -> str | None:
        """The first variant that states nothing but the document's own args and inputs."""
        return next((name for name, own in self.variants.items() if own.changes_nothing(self)), None)

    @property
    def is_editable(self) -> bool:
        """Whether no reference is a running number (conv3), which another item above it would change."""
        from cnncalc.language.usage import numbered_references

        return not numbered_references(self)

    def about(self, variant: str | None = None) -> About:
        """Return year and source, of the variant if it has them, else of the document."""
        return self.resolved(variant).about

    def argument(self, name: str, variant: str | None = None) -> Value:
        """Return the constant that the variant or the document states for one of the args, or None."""
        stated = self.resolved(variant).arguments.get(name)
        return None if stated is None else stated.constant

    def stated_inputs(self, variant: str | None = None) -> Mapping[str, tuple[Value, ...] | None]:
        """Return the shape of each input of the variant; None if it is an expression."""
        shapes = {name: value.constant for name, value in self.resolved(variant).inputs.items()}
        return {name: shape if isinstance(shape, tuple) else None for name, shape in shapes.items()}

    def warn_of_inputs(self, variant: str | None, settings: Mapping[str, Value], inputs: Mapping[str, Shape]) -> None:
        """Warn about input shapes that are probably mistakes."""
        from cnncalc.language.expand.build import warn_of_inputs

        warn_of_inputs(self, variant, settings, inputs)

    def unused(self) -> list[Finding]:
        """Return the blocks, args and names of loops that nothing reads."""
        from cnncalc.language.usage import unused

        return unused(self)

    def foldable(self) -> Foldable | None:
        """Return the items that expand to the same layers wherever they are used."""
        from cnncalc.language.foldable import Foldable, folds_of

        items = folds_of(self)
        return Foldable(self, items) if items else None

    def build(
        self,
        variant: str | None = None,
        settings: Mapping[str, Value] | None = None,
        inputs: Mapping[str, Shape] | None = None,
    ) -> Graph:
        """Build a network; a ``CnncalcError`` has every fault that was found."""
        from cnncalc.language.expand.build import build

        return build(self, variant, settings, inputs)

    def reader(self) -> Callable[[], Spec]:
        """Return a function that reads the text once more, and that can be sent to another process."""
        return partial(read_text, self.text.encode("utf-8", "surrogateescape"), self.path)


def open_document(spec: str) -> tuple[Spec, str | None]:
    """Return the spec that ``spec`` names, and the variant that the name includes.

    Messages name a shipped spec by its file's name, without the folder where it is installed.

    Raises:
        CnncalcError: if there is no such spec, or it can't be read.
    """
    path, variant = (spec, None) if os.path.isfile(spec) else _shipped(spec)
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise CnncalcError(f"{path}: {error.strerror}") from None
    return read_text(data, spec if path == spec else os.path.basename(path)), variant


def _shipped(spec: str) -> tuple[str, str | None]:
    """Return (path, variant) of a shipped network.  A folder of its name does not hide it.

    Raises:
        CnncalcError: where ``spec`` is a path, a folder, a URL or an unknown name.
    """
    from cnncalc.language.shipped import find, networks

    try:
        return find(spec, _file_meant)
    except CnncalcError as error:
        from cnncalc.language.hints.foreign_files import is_path, refusal_of_name

        found = refusal_of_name(spec) or error
        if os.path.islink(spec) and not os.path.exists(spec):
            found = CnncalcError(f"{spec}: a broken link to {os.readlink(spec)}")
        elif found is error and is_path(spec):
            stem = os.path.basename(spec).removesuffix(".yaml").removesuffix(".yml")
            ships = suggestion([stem]) if stem in [name for name, _, _ in networks()] else None
            found = CnncalcError(f"{spec}: no such file", _file_meant(spec) or ships)
        raise found from None


def _file_meant(spec: str) -> str | None:
    """Return a hint for a path without a file: files in the folder with its name or a similar one."""
    folder, name = os.path.split(spec)
    try:
        files = [file for file in os.listdir(folder or os.curdir) if file.lower().endswith(SUFFIXES)]
    except OSError:
        return None
    same = sorted([file for file in files if os.path.splitext(file)[0] == name])
    near = same or nearest(name, files)
    return suggestion([os.path.join(folder, file) for file in near]) if near else None


def read_text(data: bytes, name: str) -> Spec:
    """Return the spec in some bytes, called ``name`` in messages; a spec without a name is named after the file.

    Raises:
        CnncalcError: if they are not a spec, or with every fault that can be found without expanding it.
    """
    try:
        spec = Spec(decode(data, name))
        read_into(spec)
    except SpecError:
        from cnncalc.language.hints.foreign_files import refusal

        foreign = refusal(data, name)
        if foreign is not None:
            raise foreign from None
        raise
    spec.name = spec.name or os.path.basename(name).rpartition(".")[0] or name
    return spec
