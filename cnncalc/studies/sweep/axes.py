"""The axes of a grid as columns: the form of each value, and the numbers in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeGuard, TypeVar

import numpy as np

from cnncalc.ground.values import Value
from cnncalc.studies.sweep.program import LARGEST_INT64, objects
from cnncalc.studies.sweep.tape import Interval, Number, Tape
from cnncalc.studies.sweep.traced import stand_in

if TYPE_CHECKING:
    from cnncalc.studies.sweep.program import Numbers

N = TypeVar("N", bound=float)

ValuePath = tuple[int, ...]
"""A number's path of indices in nested tuples."""


class Axis:
    """The values of one axis.

    Attributes:
        codes: for each value, a number of its form: words, lengths, which numbers are whole, and the numbers that
            decide on the structure of a network.
    """

    def __init__(self, values: Sequence[Value]) -> None:
        """Take the values apart; a number that is the same in all values is not traced."""
        self.values = values
        self._distinguished: set[ValuePath] = set()
        self._columns: dict[ValuePath, Numbers] = {}
        self._ranges: dict[ValuePath, Interval] = {}
        self.codes = self._coded()

    def distinguish(self, path: ValuePath) -> bool:
        """Make the numbers at a path part of the form; return whether that is new."""
        if path in self._distinguished:
            return False
        self._distinguished.add(path)
        self.codes = self._coded()
        return True

    def traced(self, tape: Tape, number: int, value: Value, path: ValuePath = ()) -> Value:
        """Return a value of the axis with traced numbers, except those in its form."""
        if isinstance(value, tuple):
            return tuple([self.traced(tape, number, item, (*path, place)) for place, item in enumerate(value)])
        return self._traced(tape, number, value, path) if _is_number(value) else value

    def column(self, path: ValuePath, places: Numbers) -> Numbers:
        """Return the numbers at a path, for some places."""
        if path not in self._columns:
            self._columns[path] = self._column(path)
        return self._columns[path][places]

    def _traced(self, tape: Tape, number: int, value: N, path: ValuePath) -> N:
        if path in self._distinguished:
            return value
        if path not in self._ranges:
            ends = self.values if not isinstance(self.values, range) else (self.values[0], self.values[-1])
            found = [_number_at(one, path) for one in ends]
            numbers = [one for one in found if one is not None and one == one]
            self._ranges[path] = (min(numbers), max(numbers)) if numbers else (value, value)
        low, high = self._ranges[path]
        return value if low == high else stand_in(tape, (number, *path), value, (low, high))

    def _column(self, path: ValuePath) -> Numbers:
        """Return the numbers of all values at a path; 0 for values without one."""
        if isinstance(self.values, range):
            return np.arange(self.values.start, self.values.stop, self.values.step, dtype=np.int64)
        found = [_number_at(value, path) for value in self.values]
        numbers = [0 if one is None else one for one in found]
        if all(isinstance(found, int) for found in numbers):
            fits = all(-LARGEST_INT64 <= found <= LARGEST_INT64 for found in numbers)
            return np.array(numbers, np.int64 if fits else object)
        if all(isinstance(found, float) or not found for found in numbers):
            return np.array(numbers, np.float64)
        return objects(numbers)  # integers and floats are mixed; the lanes of one program are all of one kind

    def _coded(self) -> Numbers:
        if isinstance(self.values, range):
            return np.arange(len(self.values)) if self._distinguished else np.zeros(len(self.values), np.int64)
        known: dict[object, int] = {}
        return np.array([known.setdefault(self._form(value, ()), len(known)) for value in self.values], np.int64)

    def _form(self, value: Value, path: ValuePath) -> object:
        if isinstance(value, tuple):
            return tuple([self._form(item, (*path, place)) for place, item in enumerate(value)])
        if not _is_number(value):
            return type(value).__name__, value
        return (type(value).__name__, value) if path in self._distinguished else type(value).__name__


def _is_number(value: Value) -> TypeGuard[Number]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number_at(value: Value, path: ValuePath) -> Number | None:
    """Return the number at a path in nested tuples; None if there is none."""
    for place in path:
        if not isinstance(value, tuple) or place >= len(value):
            return None
        value = value[place]
    return value if _is_number(value) else None
