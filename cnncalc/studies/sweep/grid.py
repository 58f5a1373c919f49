"""A grid of hyper-parameters, variants and input shapes; its places are made when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from cnncalc.layers.shapes import Shape


class Combination(NamedTuple):
    """One place of the grid: input shapes are without the batch axis."""

    variant: str | None
    args: dict[str, Any]
    input: dict[str, Shape]


class Grid:
    """Every combination of some values, the last named varying fastest; made when it is asked for."""

    def __init__(
        self,
        variants: Sequence[str | None] = (None,),
        args: Mapping[str, Sequence[Any]] | None = None,
        inputs: Mapping[str, Sequence[Shape]] | None = None,
    ) -> None:
        """Make a grid of variants, values by argument and shapes by input."""
        self.variants = tuple(variants)
        self.args = {name: tuple(values) for name, values in (args or {}).items()}
        self.inputs = {name: tuple(shapes) for name, shapes in (inputs or {}).items()}

    @property
    def size(self) -> int:
        """How many combinations there are."""
        return prod([len(values) for values in self._axes()])

    def __getitem__(self, index: int) -> Combination:
        """Return a combination by its number."""
        picked: list[Any] = []
        for values in reversed(self._axes()):
            index, place = divmod(index, len(values))
            picked.append(values[place])
        variant, *rest = reversed(picked)
        args = dict(zip(self.args, rest, strict=False))
        return Combination(variant, args, dict(zip(self.inputs, rest[len(args) :], strict=True)))

    def _axes(self) -> list[tuple[Any, ...]]:
        return [self.variants, *self.args.values(), *self.inputs.values()]
