"""A grid of hyper-parameters, variants and input shapes; its places are made lazily."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from cnncalc.ground.values import Value
from cnncalc.layers.shapes import Shape
from cnncalc.studies.sweep.values import Each

if TYPE_CHECKING:
    from cnncalc.studies.sweep.program import Numbers

T = TypeVar("T")


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

        self.axes: list[Sequence[Value]] = [self.variants]
        """The values along each axis: the variants, each argument (each place of an ``Each``), each input."""
        for some in self.args.values():
            self.axes += [some.choices] * some.places if isinstance(some, Each) else [some]
        self.axes += self.inputs.values()

    @property
    def size(self) -> int:
        """Number of combinations."""
        return prod([len(values) for values in self.axes])

    def __getitem__(self, index: int) -> Combination:
        """Return a combination by its number."""
        found: list[Value] = []
        for values in reversed(self.axes):
            index, place = divmod(index, len(values))
            found.append(values[place])
        return self.combined(reversed(found))

    def combined(self, values: Iterable[Value]) -> Combination:
        """Return the combination of one value for each axis."""
        variant, *rest = values
        given = iter(rest)
        args = self.by_argument(given)
        shapes = cast("Iterator[Shape]", given)
        return Combination(cast("str | None", variant), args, dict(zip(self.inputs, shapes, strict=True)))

    def by_argument(self, items: Iterator[T]) -> dict[str, T | tuple[T, ...]]:
        """Take an item for each axis of an argument, and return them by argument; those of an ``Each`` as a tuple."""
        return {
            name: tuple([next(items) for _ in range(some.places)]) if isinstance(some, Each) else next(items)
            for name, some in self.args.items()
        }

    def places(self, numbers: Sequence[int]) -> list[Numbers]:
        """Return, for each axis, the places of some combinations along it."""
        import numpy as np

        fits = self.size < 2**62
        rest = np.array(numbers, np.int64 if fits else object)
        found = []
        for values in reversed(self.axes):
            found.append((rest % len(values)).astype(np.int64))
            rest = rest // len(values)
        return found[::-1]
