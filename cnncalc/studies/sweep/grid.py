"""A grid of hyper-parameters, variants and input shapes; its places are made lazily."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.ground.values import Value
from cnncalc.layers.shapes import Shape
from cnncalc.studies.sweep.values import Each

if TYPE_CHECKING:
    from cnncalc.studies.sweep.program import Numbers


class Combination(NamedTuple):
    """One place of the grid: input shapes are without the batch axis."""

    variant: str | None
    args: dict[str, Value]
    input: dict[str, Shape]


class Grid:
    """Every combination of some values, the last one varying fastest; made lazily."""

    def __init__(
        self,
        variants: Sequence[str | None] = (None,),
        args: Mapping[str, Sequence[Value] | Each] | None = None,
        inputs: Mapping[str, Sequence[Shape]] | None = None,
    ) -> None:
        """Make a grid of variants, values by argument and shapes by input."""
        self.variants = tuple(variants)
        self.args: dict[str, Sequence[Value] | Each] = {
            name: values if isinstance(values, (Each, range)) else tuple(values)
            for name, values in (args or {}).items()
        }
        self.inputs = {name: tuple(shapes) for name, shapes in (inputs or {}).items()}

    @property
    def size(self) -> int:
        """Number of combinations."""
        return prod([len(values) for values in self.axes()])

    def __getitem__(self, index: int) -> Combination:
        """Return a combination by its number."""
        shapes: list[Shape] = []
        for sizes in reversed(self.inputs.values()):
            index, place = divmod(index, len(sizes))
            shapes.append(sizes[place])
        values: list[Value] = []
        for choices in reversed(self._arg_axes()):
            index, place = divmod(index, len(choices))
            values.append(choices[place])
        args: dict[str, Value] = {}
        for name, some in self.args.items():
            args[name] = tuple([values.pop() for _ in range(some.places)]) if isinstance(some, Each) else values.pop()
        inputs = dict(zip(self.inputs, reversed(shapes), strict=True))
        return Combination(self.variants[index % len(self.variants)], args, inputs)

    def axes(self) -> list[Sequence[Value]]:
        """Return the values along each axis: the variants, each argument (each place of an ``Each``), each input."""
        return [self.variants, *self._arg_axes(), *self.inputs.values()]

    def _arg_axes(self) -> list[Sequence[Value]]:
        found: list[Sequence[Value]] = []
        for values in self.args.values():
            found += [values.choices] * values.places if isinstance(values, Each) else [values]
        return found

    def places(self, numbers: Sequence[int]) -> list[Numbers]:
        """Return, for each axis, the places of some combinations along it."""
        import numpy as np

        fits = self.size < 2**62
        rest = np.array(numbers, np.int64 if fits else object)
        found = []
        for values in reversed(self.axes()):
            found.append((rest % len(values)).astype(np.int64))
            rest = rest // len(values)
        return found[::-1]
