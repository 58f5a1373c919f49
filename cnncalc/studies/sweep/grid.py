"""A grid of hyper-parameters, variants and input shapes; its places are made when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from cnncalc.layers.shapes import Shape
from cnncalc.studies.sweep.values import Each


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
        args: Mapping[str, Sequence[Any] | Each] | None = None,
        inputs: Mapping[str, Sequence[Shape]] | None = None,
    ) -> None:
        """Make a grid of variants, values by argument and shapes by input."""
        self.variants = tuple(variants)
        self.args: dict[str, Sequence[Any] | Each] = {
            name: values if isinstance(values, (Each, range)) else tuple(values)
            for name, values in (args or {}).items()
        }
        self.inputs = {name: tuple(shapes) for name, shapes in (inputs or {}).items()}

    @property
    def size(self) -> int:
        """How many combinations there are."""
        return prod([len(values) for values in self.axes()])

    def __getitem__(self, index: int) -> Combination:
        """Return a combination by its number."""
        picked: list[Any] = []
        for values in reversed(self.axes()):
            index, place = divmod(index, len(values))
            picked.append(values[place])
        return self.combination(picked[::-1])

    def axes(self) -> list[Sequence[Any]]:
        """Return the values along each axis: the variants, each argument (each place of an ``Each``), each input."""
        found: list[Sequence[Any]] = [self.variants]
        for values in self.args.values():
            found += [values.choices] * values.places if isinstance(values, Each) else [values]
        return [*found, *self.inputs.values()]

    def combination(self, values: Sequence[Any]) -> Combination:
        """Return the combination of one value per axis."""
        variant, *rest = values
        args: dict[str, Any] = {}
        for name, choices in self.args.items():
            if isinstance(choices, Each):
                args[name], rest = tuple(rest[: choices.places]), rest[choices.places :]
            else:
                args[name], *rest = rest
        return Combination(variant, args, dict(zip(self.inputs, rest, strict=True)))

    def places(self, numbers: Sequence[int]) -> list[Any]:
        """Return, for each axis, the places of some combinations along it, as NumPy's arrays."""
        import numpy as np

        fits = self.size < 2**62
        rest = np.array(numbers, np.int64 if fits else object)
        found = []
        for values in reversed(self.axes()):
            found.append((rest % len(values)).astype(np.int64))
            rest = rest // len(values)
        return found[::-1]
