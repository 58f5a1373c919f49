"""A tape compiled for columns: the same arithmetic on very many numbers at once, by NumPy.

NumPy is used where it computes exactly as Python does: for integers that fit into 64 bits, and for floats under the
operations that IEEE 754 defines. Everything else is computed number by number with Python's operators.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from cnncalc.studies.sweep.tape import (
    PYTHON,
    Interval,
    Number,
    Operand,
    Operation,
    SameForAll,
    Source,
    SourceKey,
    Tape,
    TapeEntry,
    WeightedSum,
    needed,
    numbers_of,
    read_by,
)
from cnncalc.studies.sweep.traced import Traceable, operand_of

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

    Numbers: TypeAlias = npt.NDArray[Any]  # of int64, float64, bool or object

LARGEST_INT64 = 2**63 - 1
EXACT_AS_FLOAT = 2**53
"""Largest integer up to which all integers are exact as floats."""

Result: TypeAlias = "Numbers | Number"
"""A program's result for many places: a column, or a number that is the same for all."""

ColumnOf: TypeAlias = "Callable[[SourceKey], Numbers]"
"""Returns the column of a source by its key, one number per place."""

NumberKind: TypeAlias = "type[np.int64 | np.float64 | np.bool_ | object]"
"""The type of a column's elements; integers beyond 64 bits are objects."""

_NUMPY: dict[str, Callable[..., Numbers]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "floordiv": np.floor_divide,
    "mod": np.mod, "neg": np.negative, "float": lambda a: a.astype(np.float64), "trunc": np.trunc, "floor": np.floor,
    "ceil": np.ceil, "nearest": np.rint, "maximum": np.maximum, "minimum": np.minimum,
    "lt": np.less, "le": np.less_equal, "eq": np.equal,
}  # fmt: skip
_MIXED = {"truediv", "lt", "le", "eq"}
"""Operations for which NumPy converts integers to floats, unlike Python."""


class Program:
    """The entries of a tape that its guards and its results need, in order."""

    def __init__(self, tape: Tape, results: Sequence[Traceable]) -> None:
        """Compile a tape for some results, each a traced number or a plain one."""
        self._results = [operand_of(result) for result in results]
        wanted = set(numbers_of(self._results))
        entries = tape.entries
        self._guards: list[_Guard] = []
        checked: set[int] = set()
        for comparison, outcome in tape.guards.items():
            first = needed(entries, numbers_of(comparison.operands), checked)
            checked |= first
            steps = [_Step(entries, number) for number in sorted(first)]
            self._guards.append(_Guard(steps, comparison, _is_native(entries, comparison, np.bool_), outcome))
        behind = sorted(needed(entries, wanted, checked))
        self._kept = checked & {*wanted, *[read for number in behind for read in read_by(entries[number])]}
        last = {read: place for place, number in enumerate(behind) for read in read_by(entries[number])}
        over: dict[int, list[int]] = {}
        for number, place in last.items():
            if number not in wanted:
                over.setdefault(place, []).append(number)
        self._steps = [(_Step(entries, number), over.get(place, ())) for place, number in enumerate(behind)]

    def play(self, source: ColumnOf, count: int) -> tuple[Numbers, list[Result]]:
        """Return for which of ``count`` places the program is valid, a column of booleans, and the results there."""
        with np.errstate(all="ignore"):  # where a warning would matter, a guard fails
            values: dict[int, Numbers] = {}
            fits = np.ones(count, bool)
            for steps, comparison, is_native, outcome in self._guards:
                for step in steps:
                    values[step.number] = step.column(values, source, fits)
                held = _applied(comparison, is_native, values, fits, np.bool_)
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
            results = [one.value if isinstance(one, SameForAll) else values[one] for one in self._results]
            if not surely.all():
                fits[fits] = surely
                results = [value[surely] if isinstance(value, np.ndarray) else value for value in results]
        return fits, results


class _Step:
    """One entry, and how its column is computed."""

    def __init__(self, entries: Sequence[TapeEntry], number: int) -> None:
        self._rule, interval, is_real = entries[number]
        self.number = number
        self.kind = _kind(interval, is_real)
        self._native = isinstance(self._rule, Operation) and _is_native(entries, self._rule, self.kind)

    def column(self, values: dict[int, Numbers], source: ColumnOf, fits: Numbers) -> Numbers:
        """Return the entry's column; places at which Python would raise an error are taken out of `fits`."""
        rule = self._rule
        if isinstance(rule, Operation):
            column = _applied(rule, self._native, values, fits, self.kind)
            return column if column.dtype == self.kind else column.astype(self.kind)
        if isinstance(rule, Source):
            return source(rule.key).astype(self.kind, copy=False)
        return _summed(rule, values, self.kind)


class _Guard(NamedTuple):
    """A comparison with its outcome, and the steps before it; ``is_native``: NumPy compares as Python does."""

    steps: list[_Step]
    comparison: Operation
    is_native: bool
    outcome: bool


def _applied(
    operation: Operation, is_native: bool, values: dict[int, Numbers], fits: Numbers, kind: NumberKind
) -> Numbers:
    """Return an operation's results at every place, by NumPy if that computes as Python does."""
    read = [values[one] if not isinstance(one, SameForAll) else one.value for one in operation.operands]
    if is_native:
        return _NUMPY[operation.name](*read)
    return _one_by_one(PYTHON[operation.name], read, fits, kind)


def _is_native(entries: Sequence[TapeEntry], operation: Operation, kind: NumberKind) -> bool:
    """Return whether NumPy computes an operation as Python does."""
    name = operation.name
    operands = [_operand(entries, operand) for operand in operation.operands]
    kinds = [_kind(*operand) for operand in operands]
    if name not in _NUMPY or kind is object or object in kinds:
        return False
    if name in ("floordiv", "mod"):
        return kind is np.int64 and np.float64 not in kinds
    if name in _MIXED and (name == "truediv" or np.float64 in kinds):
        return all(map(_is_exact_as_float, operands))
    return True


def _is_exact_as_float(operand: tuple[Interval, bool]) -> bool:
    (low, high), is_real = operand
    return is_real or (low >= -EXACT_AS_FLOAT and high <= EXACT_AS_FLOAT)


def _operand(entries: Sequence[TapeEntry], operand: Operand) -> tuple[Interval, bool]:
    """Return an operand's interval, and whether it is a float."""
    if isinstance(operand, SameForAll):
        return (operand.value, operand.value), isinstance(operand.value, float)
    return entries[operand].interval, entries[operand].is_real


def _kind(interval: Interval, is_real: bool) -> NumberKind:
    if is_real:
        return np.float64
    return np.int64 if interval[0] >= -LARGEST_INT64 and interval[1] <= LARGEST_INT64 else object


def _summed(rule: WeightedSum, values: dict[int, Numbers], kind: NumberKind) -> Numbers:
    """Return a sum of multiples; if the result fits into 64 bits, overflows of partial sums cancel modulo 2^64."""
    terms, constant = rule
    columns = [(values[number], factor) for number, factor in terms]
    wraps = kind is np.int64 and abs(constant) <= LARGEST_INT64
    if not wraps or not all(column.dtype == np.int64 and abs(factor) <= LARGEST_INT64 for column, factor in columns):
        lists = [[factor * number for number in column.tolist()] for column, factor in columns]
        sums = [sum(numbers, constant) for numbers in zip(*lists, strict=True)]
        return np.array(sums, np.int64) if kind is np.int64 else objects(sums)
    total = np.full(len(columns[0][0]), constant, np.int64)
    product = np.empty_like(total)
    for column, factor in columns:
        if factor == 1:
            total += column
        else:
            np.multiply(column, factor, out=product)
            total += product
    return total


def _one_by_one(function: Callable[..., Number], read: list[Result], fits: Numbers, kind: NumberKind) -> Numbers:
    """Apply a Python function at every valid place; where it raises, the place is removed from `fits`."""
    count = len(fits)
    lists = [value.tolist() if isinstance(value, np.ndarray) else [value] * count for value in read]
    found = []
    for place, (held, numbers) in enumerate(zip(fits.tolist(), zip(*lists, strict=True), strict=True)):
        try:
            found.append(function(*numbers) if held else 0)
        except (ArithmeticError, ValueError):
            fits[place] = False
            found.append(0)
    return np.array(found, kind) if kind is not object else objects(found)


def objects(values: Sequence[object]) -> Numbers:
    """Return a column of Python objects; a list or tuple is one element."""
    column = np.empty(len(values), object)
    column[:] = values
    return column


def _masked(source: ColumnOf, fits: Numbers) -> ColumnOf:
    return lambda key: source(key)[fits]
