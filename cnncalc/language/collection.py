"""Several networks at once: every variant of every spec, each built when its turn comes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cnncalc.graph import Graph
from cnncalc.language.items import Document, Value, Variant
from cnncalc.language.loading import build_variant, open_document
from cnncalc.layers.shapes import Shape


class Member(NamedTuple):
    """One network of a collection, not yet built; ``variant`` is None for the spec's own figures."""

    document: Document
    variant: str | None

    @property
    def name(self) -> str:
        """The variant's name where there is one, else the file's, by which a shipped network is asked for."""
        stem, dot, _ = os.path.basename(self.document.text.name).rpartition(".")
        return self.variant or (stem if dot else self.document.name)

    @property
    def year(self) -> int | None:
        """The year of the variant's own source, else the document's."""
        own = self._own
        return (own.year if own else None) or self.document.year

    @property
    def source(self) -> str | None:
        """The variant's own source, else the document's."""
        own = self._own
        return (own.source if own else None) or self.document.source

    @property
    def stated(self) -> dict[str, Value]:
        """The published figures that the network is to reproduce."""
        own = self._own
        return self.document.expect | (own.expect if own else {})

    @property
    def _own(self) -> Variant | None:
        return self.document.variants[self.variant] if self.variant is not None else None

    def build(self, settings: Mapping[str, Any] | None = None, inputs: Mapping[str, Shape] | None = None) -> Graph:
        """Build the network.  Raises CnncalcError where the spec is wrong."""
        return build_variant(self.document, self.variant, settings or {}, inputs or {})


def members(document: Document, variant: str | None = None) -> list[Member]:
    """Return the networks of a document: the variant asked for, or all there are.

    The document as it stands is one of them, unless a variant changes nothing of it.
    """
    if variant is not None:
        return [Member(document, variant)]
    named = [Member(document, name) for name in document.variants]
    plain = any(_changes_nothing(own, document) for own in document.variants.values())
    return named if plain else [Member(document, None), *named]


def shipped() -> Iterator[Member]:
    """Return every network that ships with the package, file by file."""
    from cnncalc.language.shipped import files

    for path in files():
        document, _ = open_document(path)
        for name in document.variants or (None,):
            yield Member(document, name)


def _changes_nothing(variant: Variant, document: Document) -> bool:
    """Whether a variant has the document's own args, input and outputs."""
    if variant.outputs is not None or not (variant.input is None or _equal(variant.input, document.input)):
        return False
    return all(_equal(value, document.arguments[name]) for name, value in variant.arguments.items())


def _equal(one: object, other: object) -> bool:
    """Whether two values are the same constant."""
    if not isinstance(one, Value) or not isinstance(other, Value):
        return False
    return one.is_constant and other.is_constant and bool(one.constant == other.constant)
