"""From what a user names to a network: a file, a text, or a spec that ships."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from cnncalc.errors import CnncalcError, did_you_mean
from cnncalc.layers.base import Shape
from cnncalc.network import Network
from cnncalc.spec.expand import build
from cnncalc.spec.items import Document
from cnncalc.spec.limits import MAX_FILE_BYTES
from cnncalc.spec.nodes import decode
from cnncalc.spec.reader import read_document


def load(
    spec: str | os.PathLike[str],
    variant: str | None = None,
    input: Shape | Mapping[str, Shape] | None = None,
    **settings: Any,
) -> Network:
    """Return the network of a spec.

    Args:
        spec: a path, or the name of a spec that ships (``"resnet50"``).
        variant: the variant of a family.
        input: another input shape, without the batch axis; a mapping where there are several inputs.
        settings: values for the spec's ``args``.

    Raises:
        CnncalcError: where there is no such spec, or it is wrong.
    """
    document, named = open_document(os.fspath(spec))
    inputs = input if isinstance(input, Mapping) else {"": input} if input is not None else {}
    values = {name: _frozen(value) for name, value in settings.items()}
    return build_variant(document, variant or named, values, {name: tuple(shape) for name, shape in inputs.items()})


def open_document(spec: str) -> tuple[Document, str | None]:
    """Return the document that ``spec`` names, and the variant that the name asks for.

    Raises:
        CnncalcError: where there is no such spec, or it can't be read.
    """
    path, variant = spec, None
    if not os.path.isfile(spec):
        if os.sep in spec or spec.endswith((".yaml", ".yml")) or os.path.isdir(spec):
            raise CnncalcError(f"{spec}: no such file" if not os.path.isdir(spec) else f"{spec}: a folder, not a spec")
        from cnncalc.zoo import find

        path, variant = find(spec)
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise CnncalcError(f"{path}: {error.strerror}") from None
    return read_text(data, path), variant


def read_text(data: bytes, name: str) -> Document:
    """Return the document of a spec's bytes, called ``name`` in messages; unnamed, its name is the file's."""
    document = read_document(decode(data, name))
    document.name = document.name or os.path.basename(name).rpartition(".")[0] or name
    return document


def build_variant(
    document: Document, variant: str | None, settings: Mapping[str, Any], inputs: Mapping[str, Shape]
) -> Network:
    """Build a variant of a document.  Raises CnncalcError where it has no such variant."""
    if variant is not None and variant not in document.variants:
        known = tuple(document.variants)
        hint = did_you_mean(variant, known, "variants") if known else "the spec has no variants"
        raise CnncalcError(f"{document.text.name}: no variant '{variant}'", hint)
    return build(document, variant, settings, inputs)


def _frozen(value: Any) -> Any:
    """Return a value with its lists as tuples, as expressions have them."""
    return tuple([_frozen(item) for item in value]) if isinstance(value, (list, tuple)) else value
