"""Open what a user names: a spec or a model file, by its path, or a network that ships, by its name."""

from __future__ import annotations

import os

from cnncalc.ground.errors import ArgumentError, CnncalcError
from cnncalc.importers import begins_a_model
from cnncalc.language.loading import open_document
from cnncalc.language.recipe import Recipe

HEAD_BYTES = 4096
"""How many bytes are read of a file whose name ends in .onnx, to find out what it is if it is not a model."""


def open_recipe(spec: str | os.PathLike[str], variant: str | None = None) -> tuple[Recipe, str | None]:
    """Return the recipe that ``spec`` names and its variant: the given one, a shipped network's, or FILE:VARIANT's.

    Raises:
        CnncalcError: if there is no such spec, it can't be read, its name contains another variant than the given
            one, or an argument is not a name.
    """
    from cnncalc.ground import given  # for Python's callers alone

    path, asked = split_variant(given.path("spec", spec, "a path or the name of a shipped network"))
    recipe, named = open_file(path)
    named = asked or named
    if variant is not None and named not in (None, given.text("variant", variant)):
        raise ArgumentError("variant", f"{given.shown(variant)}, but '{named}' is a variant already")
    return recipe, variant or named


def split_variant(spec: str) -> tuple[str, str | None]:
    """Return (FILE, VARIANT) of FILE:VARIANT; (FILE, None) of any other name."""
    path, colon, variant = spec.rpartition(":")
    if colon and variant and "://" not in spec and "\\" not in variant and not os.path.exists(spec):
        return path, variant
    return spec, None


def open_file(spec: str, fuse: bool = True) -> tuple[Recipe, str | None]:
    """Return the recipe of a name without ``:VARIANT``, and the variant of a shipped network.

    ``fuse`` says whether operators of a model file that together are one layer are replaced by that layer.
    """
    if not _is_model_file(spec):
        return open_document(spec)
    from cnncalc.importers.onnx.load import read_model_file

    return read_model_file(spec, fuse), None


def _is_model_file(spec: str) -> bool:
    """Whether a file is a model file.  Raises CnncalcError if it has the suffix .onnx but is something else."""
    if not os.path.isfile(spec):
        return False
    try:
        with open(spec, "rb") as file:
            head = file.read(HEAD_BYTES if spec.lower().endswith(".onnx") else 1)
            found = begins_a_model(head[:1])
    except OSError as error:
        raise CnncalcError(f"{spec}: {error.strerror}") from None
    if not found and spec.lower().endswith(".onnx"):
        from cnncalc.language.hints.foreign_files import kind_of

        if not head:
            raise CnncalcError(f"{spec}: the file is empty")
        kind = kind_of(head, "")
        if kind is not None:
            raise CnncalcError(f"{spec}: this is {kind.what}, not an ONNX model", kind.hint)
        raise CnncalcError(f"{spec}: not an ONNX model", "a spec is a YAML file: give it the suffix .yaml")
    return found
