"""Figures as a function of a spec's arguments, for search loops that ask for one network at a time.

A network is built once for each structure; from then on its arithmetic alone is repeated, in plain Python.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_INTEGER
from cnncalc.layers.shapes import Shape
from cnncalc.recipe import Recipe
from cnncalc.studies.sweep.layout import laid_out
from cnncalc.studies.sweep.points import Measure, figures
from cnncalc.studies.sweep.tape import PYTHON, Interval, Number, SameForAll, Tape, needed, numbers_of
from cnncalc.studies.sweep.traced import Traced, source

_LEAST = 5e-324
_USUAL = 2**20
"""A number's interval reaches to here where it does not exceed it, so that products stay exact."""

MOST_PROGRAMS = 256
"""Structures that are remembered; the network of another is built each time."""


class NetworkFunction:
    """The figures of a spec's networks: ``f(width=0.5, input=(3, 96, 96))`` returns them by name."""

    def __init__(self, recipe: Recipe, variant: str | None, wanted: Sequence[str], measure: Measure) -> None:
        """Make a function of a spec or one of its variants, for some figures."""
        self.recipe = recipe
        self.variant = variant
        self.wanted = tuple(wanted)
        self.measure = measure
        self.traces = 0
        self._programs: dict[Any, list[_Scalar]] = {}

    def __call__(self, input: Shape | Mapping[str, Shape] | None = None, **arguments: Any) -> dict[str, Any]:
        """Return the figures for some arguments, and for another input shape.

        Raises:
            CnncalcError: where that is no network.
        """
        shapes = input if isinstance(input, Mapping) else {"": tuple(input)} if input is not None else {}
        values = (tuple([_frozen(value) for value in arguments.values()]), tuple(shapes.values()))
        numbers: list[Number] = []
        key = (tuple(arguments), tuple(shapes), _form(values, numbers))
        if self.measure.more:
            return self._plain(arguments, shapes)
        programs = self._programs.setdefault(key, [])
        for program in programs:
            found = program.run(numbers)
            if found is not None:
                return found
        if self.traces < MOST_PROGRAMS:
            made = self._traced(list(arguments), list(shapes), values)
            if made is not None:
                programs.insert(0, made)
        return self._plain(arguments, shapes)

    def _plain(self, arguments: Mapping[str, Any], shapes: Mapping[str, Shape]) -> dict[str, Any]:
        values = {name: _frozen(value) for name, value in arguments.items()}
        inputs = {name: tuple(shape) for name, shape in shapes.items()}
        network = self.recipe.build(self.variant, values, inputs)
        found = figures(network, self.measure)
        return {name: found[name] for name in self.wanted}

    def _traced(self, arguments: list[str], shapes: list[str], values: tuple[Any, Any]) -> _Scalar | None:
        """Build the network on traced numbers; None where that can't be done."""
        self.traces += 1
        tape = Tape()
        given, inputs = _on_tape(values, tape, [0])
        try:
            network = self.recipe.build(
                self.variant,
                dict(zip(arguments, given, strict=True)),
                dict(zip(shapes, inputs, strict=True)),
            )
            layout, results = laid_out(network, self.measure)
        except (CnncalcError, TypeError, ValueError, ArithmeticError, AttributeError):
            return None
        found = dict(zip(layout.figures, results, strict=False))
        found["output"] = tuple(results[len(layout.figures) :][: layout.output])
        return _Scalar(tape, {name: found[name] for name in self.wanted})


class _Scalar:
    """A tape that is played on one row of numbers."""

    def __init__(self, tape: Tape, results: dict[str, Any]) -> None:
        self._results = {name: _slots(result) for name, result in results.items()}
        self._template: list[Any] = [None] * len(tape.entries)
        self._sources = {
            number: entry.operands[0][0] for number, entry in enumerate(tape.entries) if entry.operation == "source"
        }
        self._steps: list[tuple[int, Callable[..., Any] | None, Any, Any]] = []
        known: set[int] = set(self._sources)
        for (operation, operands), outcome in tape.guards.items():
            self._add(tape, needed(tape.entries, numbers_of(operands), known), known)
            a, b = [self._slot(operand) for operand in operands]
            self._steps.append((-1 - outcome, PYTHON[operation], a, b))
        wanted = [slot for result in self._results.values() for slot in _entries(result)]
        self._add(tape, needed(tape.entries, wanted, known), known)

    def run(self, numbers: Sequence[Number]) -> dict[str, Any] | None:
        """Return the results for the numbers of a row; None where the program does not hold for them."""
        values = self._template.copy()
        for slot, place in self._sources.items():
            values[slot] = numbers[place]
        try:
            for target, function, a, b in self._steps:
                if function is None:  # a sum
                    total = b
                    for number, factor in a:
                        total += values[number] * factor
                    values[target] = total
                elif target < 0:
                    if bool(function(values[a], values[b])) is not (target == -2):
                        return None
                else:
                    values[target] = function(values[a]) if b is None else function(values[a], values[b])
        except (ArithmeticError, ValueError):
            return None
        return {name: _read(result, values) for name, result in self._results.items()}

    def _add(self, tape: Tape, numbers: set[int], known: set[int]) -> None:
        for number in sorted(numbers):
            operation, operands, _, _ = tape.entries[number]
            if operation == "sum":
                self._steps.append((number, None, *operands))
            else:
                a, *b = [self._slot(operand) for operand in operands]
                self._steps.append((number, PYTHON[operation], a, b[0] if b else None))
        known |= numbers

    def _slot(self, operand: Any) -> int:
        """Return where an operand's value is; a constant gets a place of its own."""
        if not isinstance(operand, SameForAll):
            return int(operand)
        self._template.append(operand.value)
        return len(self._template) - 1


class _Entry(int):
    """The number of an entry that a result is read from."""


def _slots(result: Any) -> Any:
    if isinstance(result, tuple):
        return tuple([_slots(item) for item in result])
    return _Entry(result.operand()) if type(result) is Traced else result


def _entries(result: Any) -> list[int]:
    if isinstance(result, tuple):
        return [number for item in result for number in _entries(item)]
    return [int(result)] if isinstance(result, _Entry) else []


def _read(result: Any, values: list[Any]) -> Any:
    if isinstance(result, tuple):
        return tuple([_read(item, values) for item in result])
    return values[result] if isinstance(result, _Entry) else result


def _frozen(value: Any) -> Any:
    return tuple([_frozen(item) for item in value]) if isinstance(value, (list, tuple)) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _form(value: Any, numbers: list[Number]) -> Any:
    """Return what of a value decides on the program that is looked for, and collect its numbers."""
    if isinstance(value, tuple):
        return tuple([_form(item, numbers) for item in value])
    if not _is_number(value):
        return value
    numbers.append(value)
    return _interval(value), type(value)


def _interval(value: Number) -> Interval | Number:
    """Return the interval of the numbers that a program serves which was made for one of them; 0 is alone."""
    least = 1 if isinstance(value, int) else _LEAST
    for low, high in ((least, _USUAL), (least, MAX_INTEGER), (-MAX_INTEGER, -least)):
        if low <= value <= high:
            return low, high
    return value


def _on_tape(value: Any, tape: Tape, place: list[int]) -> Any:
    """Return a value with traced numbers in the place of its own, in the order in which they are collected."""
    if isinstance(value, tuple):
        return tuple([_on_tape(item, tape, place) for item in value])
    if not _is_number(value):
        return value
    number = place[0]
    place[0] += 1
    interval = _interval(value)
    return source(tape, (number,), value, interval) if isinstance(interval, tuple) else value
