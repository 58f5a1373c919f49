"""Several networks at once: every variant of every spec, built lazily."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.graph import Graph
from cnncalc.language.loading import open_document
from cnncalc.language.recipe import Recipe
from cnncalc.layers.shapes import Shape

if TYPE_CHECKING:
    from cnncalc.ground.values import Value


class Member(NamedTuple):
    """One network of a file, not yet built; ``variant`` is None for the file's default."""

    recipe: Recipe
    variant: str | None

    @property
    def name(self) -> str:
        """The variant's name if there is one, else the file's; shipped networks are found by it."""
        stem, dot, _ = os.path.basename(self.recipe.path).rpartition(".")
        return self.variant or (stem if dot else self.recipe.name)

    @property
    def year(self) -> int | None:
        """The year of the architecture."""
        return self.recipe.about(self.variant).year

    @property
    def source(self) -> str | None:
        """The paper or page that the architecture was taken from."""
        return self.recipe.about(self.variant).source

    def build(self, settings: Mapping[str, Value] | None = None, inputs: Mapping[str, Shape] | None = None) -> Graph:
        """Build the network.  Raises CnncalcError if the file is wrong."""
        return self.recipe.build(self.variant, settings, inputs)


def members(recipe: Recipe, variant: str | None = None) -> list[Member]:
    """Return the networks of a file: the requested variant, or all."""
    return [Member(recipe, name) for name in ([variant] if variant is not None else recipe.members())]


def shipped() -> Iterator[Member]:
    """Return all shipped networks, file by file."""
    from cnncalc.language.shipped import files

    for path in files():
        document, _ = open_document(path)
        for name in document.variants or (None,):
            yield Member(document, name)
