"""What is kept of the points of a sweep: those that no other beats."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from cnncalc.ground.errors import ArgumentError
from cnncalc.studies.sweep.points import Point


class Objective(NamedTuple):
    """A figure, a numeric argument or the elements of the ``input``, which should be small, or large."""

    name: str
    largest: bool = False

    def of(self, point: Point) -> float:
        """Return what should be small.  Raises CnncalcError where it is not a number."""
        value = point.figures.get(self.name, point.args.get(self.name))
        if self.name == "input":
            value = sum([prod(shape) for shape in point.input.values()])
        if isinstance(value, tuple) and value:
            value = max(value)
        if not isinstance(value, (int, float)):
            raise ArgumentError("pareto", f"{self.name} = {value!r} is not a number")
        return -value if self.largest else value


class Front:
    """The points that no other beats: none is as good in every objective and better in one."""

    def __init__(self, objectives: Sequence[Objective]) -> None:
        """Make an empty front."""
        self.objectives = objectives
        self._kept: list[tuple[tuple[float, ...], Point]] = []

    def add(self, point: Point) -> None:
        """Keep the point unless it is beaten, and let go of those that it beats."""
        found = tuple([objective.of(point) for objective in self.objectives])
        if any(_beats(other, found) for other, _ in self._kept):
            return
        self._kept = [(other, kept) for other, kept in self._kept if not _beats(found, other)]
        self._kept.append((found, point))

    def points(self) -> list[Point]:
        """Return the front, in the order in which it came."""
        return [point for _, point in self._kept]


def _beats(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a != b and all(x <= y for x, y in zip(a, b, strict=True))
