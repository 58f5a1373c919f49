"""A tape made ready to be played on columns: the same arithmetic, on very many numbers at once, by NumPy.

What NumPy computes as Python does is left to it: integers of which every value fits into 64 bits, and floats under the
operations that IEEE 754 defines.  Everything else is computed number by number, by Python's own operators.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from cnncalc.studies.sweep.tape import PYTHON, SameForAll, Tape, TapeEntry, needed, numbers_of, read_by
from cnncalc.studies.sweep.traced import Traced

LARGEST_INT64 = 2**63 - 1
EXACT_AS_FLOAT = 2**53
"""Up to here an integer and the float of it are equal."""

Column = Any  # numpy.ndarray[Any, Any]
Source = Callable[[tuple[Any, ...]], Column]

_NUMPY: dict[str, Callable[..., Column]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "floordiv": np.floor_divide,
    "mod": np.mod, "neg": np.negative, "float": lambda a: a.astype(np.float64), "trunc": np.trunc, "floor": np.floor,
    "ceil": np.ceil, "nearest": np.rint, "maximum": np.maximum, "minimum": np.minimum,
    "lt": np.less, "le": np.less_equal, "eq": np.equal,
}  # fmt: skip
_MIXED = {"truediv", "lt", "le", "eq"}
"""Operations for which NumPy makes floats of integers, and Python does not."""


class Program:
    """The entries of a tape that its guards and its results need, in the order in which they are played."""

    def __init__(self, tape: Tape, results: Sequence[Any]) -> None:
        """Make a program of a tape for some results, each a traced number or a plain one."""
        self._results = [_Result(result) for result in results]
        wanted = {number for result in self._results for number in result.numbers}
        entries = tape.entries
        self._guards: list[_Guard] = []
        checked: set[int] = set()
        for (operation, operands), outcome in tape.guards.items():
            first = needed(entries, numbers_of(operands), checked)
            checked |= first
            steps = [_Step(entries, number) for number in sorted(first)]
            self._guards.append(_Guard(steps, _Comparison(entries, operation, operands), outcome))
        behind = sorted(needed(entries, wanted, checked))
        self._kept = checked & {*wanted, *[read for number in behind for read in read_by(entries[number])]}
        last = {read: place for place, number in enumerate(behind) for read in read_by(entries[number])}
        over: dict[int, list[int]] = {}
        for number, place in last.items():
            if number not in wanted:
                over.setdefault(place, []).append(number)
        self._steps = [(_Step(entries, number), over.get(place, ())) for place, number in enumerate(behind)]

    def play(self, source: Source, count: int) -> tuple[Column, list[Any]]:
        """Return (which of the places the program holds for, the results for those).

        Args:
            source: gives the column of a source by its key, one number per place.
            count: of places.

        A result is a column, or a number where it is the same for all.
        """
        with np.errstate(all="ignore"):  # where the numbers are such that it matters, a guard does not hold
            values: dict[int, Column] = {}
            fits = np.ones(count, bool)
            for steps, comparison, outcome in self._guards:
                for step in steps:
                    values[step.number] = step.column(values, source, fits)
                held = comparison.column(values, fits)
                fits &= held if outcome else ~held
                if not fits.any():
                    return fits, []
            values = {number: values[number] for number in self._kept}
            if not fits.all():
                values = {number: column[fits] for number, column in values.items()}
                source = _masked(source, fits)
            surely = np.ones(int(fits.sum()), bool)
            for step, over in self._steps:
                values[step.number] = step.column(values, source, surely)
                for number in over:
                    del values[number]
            results = [result.of(values) for result in self._results]
            if not surely.all():
                fits[fits] = surely
                results = [value[surely] if isinstance(value, np.ndarray) else value for value in results]
        return fits, results


class _Step:
    """One entry, with what computes its column."""

    def __init__(self, entries: Sequence[TapeEntry], number: int) -> None:
        operation, operands, interval, is_real = entries[number]
        self.number = number
        self.kind = _kind(interval, is_real)
        self.operation = operation
        self.operands = operands
        self._native = operation in _NUMPY and _is_native(entries, operation, operands, self.kind)

    def column(self, values: dict[int, Column], source: Source, fits: Column) -> Column:
        """Return the entry's column; places at which Python would raise an error are taken out of `fits`."""
        if self.operation == "source":
            return source(self.operands[0]).astype(self.kind, copy=False)
        if self.operation == "sum":
            terms, constant = self.operands
            return _summed(terms, constant, values, self.kind)
        read = [operand.value if type(operand) is SameForAll else values[operand] for operand in self.operands]
        if self._native:
            column = _NUMPY[self.operation](*read)
            return column if column.dtype == self.kind else column.astype(self.kind)
        return _one_by_one(PYTHON[self.operation], read, fits, self.kind)


class _Comparison:
    """A guard's comparison."""

    def __init__(self, entries: Sequence[TapeEntry], operation: str, operands: tuple[Any, ...]) -> None:
        self._operation = operation
        self._operands = operands
        self._native = _is_native(entries, operation, operands, np.bool_)

    def column(self, values: dict[int, Column], fits: Column) -> Column:
        """Return where it holds."""
        read = [operand.value if type(operand) is SameForAll else values[operand] for operand in self._operands]
        if self._native:
            return _NUMPY[self._operation](*read)
        return _one_by_one(PYTHON[self._operation], read, fits, np.bool_)


class _Guard(NamedTuple):
    steps: list[_Step]
    comparison: _Comparison
    outcome: bool


def _is_native(entries: Sequence[TapeEntry], operation: str, operands: tuple[Any, ...], kind: Any) -> bool:
    """Return whether NumPy computes an operation as Python does."""
    kinds = [_operand_kind(entries, operand) for operand in operands]
    if kind is object or object in kinds:
        return False
    if operation in ("floordiv", "mod"):
        return kind is np.int64 and np.float64 not in kinds
    if operation in _MIXED and (operation == "truediv" or np.float64 in kinds):
        return all(_is_exact_as_float(entries, operand) for operand in operands)
    return True


def _operand_kind(entries: Sequence[TapeEntry], operand: Any) -> Any:
    if isinstance(operand, SameForAll):
        return _kind((operand.value, operand.value), isinstance(operand.value, float))
    return _kind(entries[operand].interval, entries[operand].is_real)


def _is_exact_as_float(entries: Sequence[TapeEntry], operand: Any) -> bool:
    if isinstance(operand, SameForAll):
        return isinstance(operand.value, float) or bool(abs(operand.value) <= EXACT_AS_FLOAT)
    entry = entries[operand]
    return bool(entry.is_real or (entry.interval[0] >= -EXACT_AS_FLOAT and entry.interval[1] <= EXACT_AS_FLOAT))


class _Result:
    """A traced number, of whose sum each part is read when the program is played; or a plain number."""

    def __init__(self, result: Any) -> None:
        self.plain = None if type(result) is Traced else result
        self.operand = result.operand() if type(result) is Traced else None

    @property
    def numbers(self) -> list[int]:
        return [] if self.operand is None else [self.operand]

    def of(self, values: dict[int, Column]) -> Any:
        return self.plain if self.operand is None else values[self.operand]


def _fits_int64(interval: tuple[Any, Any]) -> bool:
    return bool(interval[0] >= -LARGEST_INT64 and interval[1] <= LARGEST_INT64)


def _kind(interval: tuple[Any, Any], is_real: bool) -> Any:
    if is_real:
        return np.float64
    return np.int64 if _fits_int64(interval) else object


def _summed(terms: tuple[tuple[int, int], ...], constant: int, values: dict[int, Column], kind: Any) -> Column:
    """Return a sum of multiples; where it fits into 64 bits, so does it modulo 2^64 on the way."""
    columns = [(values[number], factor) for number, factor in terms]
    wraps = kind is np.int64 and abs(constant) <= LARGEST_INT64
    if not wraps or not all(column.dtype == np.int64 and abs(factor) <= LARGEST_INT64 for column, factor in columns):
        lists = [[factor * number for number in column.tolist()] for column, factor in columns]
        sums = [sum(numbers, constant) for numbers in zip(*lists, strict=True)]
        return np.array(sums, np.int64) if kind is np.int64 else _objects(sums)
    total = np.full(len(columns[0][0]), constant, np.int64)
    product = np.empty_like(total)
    for column, factor in columns:
        if factor == 1:
            total += column
        else:
            np.multiply(column, factor, out=product)
            total += product
    return total


def _one_by_one(function: Callable[..., Any], read: list[Any], fits: Column, kind: Any) -> Column:
    """Apply a function of Python's at every place that fits; where it raises, the place is taken out of `fits`."""
    count = len(fits)
    lists = [value.tolist() if isinstance(value, np.ndarray) else [value] * count for value in read]
    found = []
    for place, (held, numbers) in enumerate(zip(fits.tolist(), zip(*lists, strict=True), strict=True)):
        try:
            found.append(function(*numbers) if held else 0)
        except (ArithmeticError, ValueError):
            fits[place] = False
            found.append(0)
    return np.array(found, kind) if kind is not object else _objects(found)


def _objects(values: list[Any]) -> Column:
    column = np.empty(len(values), object)
    column[:] = values
    return column


def _masked(source: Source, fits: Column) -> Source:
    return lambda key: source(key)[fits]
