"""Figures as a function of a spec's arguments, for search loops that ask for one network at a time.

A network is built once for each structure; then only its arithmetic is repeated, in plain Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from cnncalc.ground import given
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_INTEGER
from cnncalc.ground.values import Value
from cnncalc.language.recipe import Recipe
from cnncalc.layers.shapes import Shape
from cnncalc.studies.sweep.layout import laid_out
from cnncalc.studies.sweep.points import FigureValue, Measure, figures
from cnncalc.studies.sweep.tape import (
    PYTHON,
    Interval,
    Number,
    Operand,
    Operation,
    SameForAll,
    Source,
    Tape,
    WeightedSum,
    needed,
    numbers_of,
)
from cnncalc.studies.sweep.traced import Traceable, operand_of, stand_in

if TYPE_CHECKING:
    from cnncalc.ground.given import Setting, ShapeLike

N = TypeVar("N", bound=float)

_LEAST = 5e-324
_USUAL = 2**20
"""Upper end of a number's interval if the number does not exceed it, so that products stay exact."""

MOST_PROGRAMS = 256
"""Number of cached structures; networks of further structures are built each time."""


class NetworkFunction:
    """The figures of a spec's networks: ``f(width=0.5, input=(3, 96, 96))`` returns them by name."""

    def __init__(self, recipe: Recipe, variant: str | None, wanted: Sequence[str], measure: Measure) -> None:
        """Make a function of a spec or one of its variants, for some figures."""
        self.recipe = recipe
        self.variant = variant
        self.wanted = tuple(wanted)
        self.measure = measure
        self.traces = 0
        self._programs: dict[object, list[_Scalar]] = {}

    def __repr__(self) -> str:
        return f"<NetworkFunction {self.variant or self.recipe.name}: {', '.join(self.wanted)}>"

    def __reduce__(self) -> tuple[Callable[..., NetworkFunction], tuple[object, ...]]:
        """Pickle a function without its cached structures."""
        return _again, (self.recipe.reader(), self.variant, self.wanted, self.measure)

    def __call__(
        self, input: ShapeLike | Mapping[str, ShapeLike] | None = None, **arguments: Setting
    ) -> dict[str, Any]:
        """Return the requested figures by name: integers, and shapes as tuples.

        Args:
            input: another input shape, without the batch axis; a mapping where there are several inputs.
            arguments: values for the spec's ``args``.

        Raises:
            CnncalcError: if the network can't be built.
        """
        shapes = given.shapes(input)
        values = {name: given.value(name, value) for name, value in arguments.items()}
        if self.measure.more:
            return self._plain(values, shapes)
        numbers: list[Number] = []
        forms = (_form(tuple(values.values()), numbers), _form(tuple(shapes.values()), numbers))
        key = (tuple(values), tuple(shapes), forms)
        programs = self._programs.setdefault(key, [])
        for program in programs:
            found = program.run(numbers)
            if found is not None:
                return found
        if self.traces < MOST_PROGRAMS:
            made = self._traced(values, shapes)
            if made is not None:
                programs.insert(0, made)
        return self._plain(values, shapes)

    def _plain(self, values: Mapping[str, Value], shapes: Mapping[str, Shape]) -> dict[str, FigureValue]:
        found = figures(self.recipe.build(self.variant, values, shapes), self.measure)
        return {name: found[name] for name in self.wanted}

    def _traced(self, values: Mapping[str, Value], shapes: Mapping[str, Shape]) -> _Scalar | None:
        """Build the network on traced numbers; None if that can't be done."""
        self.traces += 1
        tape, places = Tape(), count()
        settings = {name: _on_tape(value, tape, places) for name, value in values.items()}
        inputs = {name: tuple([_traced(size, tape, places) for size in shape]) for name, shape in shapes.items()}
        try:
            layout, results = laid_out(self.recipe.build(self.variant, settings, inputs), self.measure)
        except (CnncalcError, TypeError, ValueError, ArithmeticError, AttributeError):
            return None
        found = dict(zip(layout.figures, results, strict=False))
        output = results[len(layout.figures) :][: layout.output] if "output" in self.wanted else ()
        return _Scalar(tape, {name: found.get(name, 0) for name in self.wanted}, output)


def _again(read: Callable[[], Recipe], variant: str | None, wanted: Sequence[str], measure: Measure) -> NetworkFunction:
    return NetworkFunction(read(), variant, wanted, measure)


_ScalarStep = tuple[int, Callable[..., Number] | None, int, int, tuple[tuple[int, int], ...]]
"""One step of a program, a plain tuple since these unpack fastest:

* place of the result; for a guard -2 if it must hold and -1 if it must not;
* the function, of one operand or two; None for a sum;
* place of the first operand; of a sum, its constant;
* place of the second one; -1 if there is none;
* of a sum, (place, factor) of each part.
"""


class _Scalar:
    """A tape that runs on one row of numbers."""

    def __init__(self, tape: Tape, counts: Mapping[str, Traceable], output: Sequence[Traceable]) -> None:
        """Make a program for counts by name, and the shape of the ``output``, for which ``counts`` keep a place."""
        results = [*counts.values(), *output]
        operands = [operand_of(one) for one in results]
        self._template: list[Number] = [0] * len(tape.entries)
        """The number of every entry, and after them the constants."""
        self._sources = {
            number: entry.rule.key[0] for number, entry in enumerate(tape.entries) if isinstance(entry.rule, Source)
        }
        self._steps: list[_ScalarStep] = []
        known: set[int] = set(self._sources)
        for comparison, outcome in tape.guards.items():
            self._add(tape, needed(tape.entries, numbers_of(comparison.operands), known), known)
            self._steps.append(self._step(-1 - outcome, comparison))
        self._add(tape, needed(tape.entries, numbers_of(operands), known), known)
        slots = [self._slot(operand) for operand in operands]
        self._counts = dict(zip(counts, slots, strict=False))
        self._output = slots[len(counts) :]

    def run(self, numbers: Sequence[Number]) -> dict[str, FigureValue] | None:
        """Return the results for the numbers of a row; None if the program does not hold for them."""
        values = self._template.copy()
        for slot, place in self._sources.items():
            values[slot] = numbers[place]
        try:
            for target, function, a, b, terms in self._steps:
                if function is None:  # a sum
                    total: Number = a
                    for number, factor in terms:
                        total += values[number] * factor
                    values[target] = total
                elif target < 0:
                    if bool(function(values[a], values[b])) is not (target == -2):
                        return None
                else:
                    values[target] = function(values[a]) if b < 0 else function(values[a], values[b])
        except (ArithmeticError, ValueError):
            return None
        found: dict[str, FigureValue] = {name: int(values[slot]) for name, slot in self._counts.items()}
        if self._output:
            found["output"] = tuple([int(values[slot]) for slot in self._output])
        return found

    def _add(self, tape: Tape, numbers: set[int], known: set[int]) -> None:
        for number in sorted(numbers):
            rule = tape.entries[number].rule
            if isinstance(rule, Operation):
                self._steps.append(self._step(number, rule))
            elif isinstance(rule, WeightedSum):
                self._steps.append((number, None, rule.constant, -1, rule.terms))
        known |= numbers

    def _step(self, target: int, operation: Operation) -> _ScalarStep:
        a, *b = [self._slot(operand) for operand in operation.operands]
        return target, PYTHON[operation.name], a, b[0] if b else -1, ()

    def _slot(self, operand: Operand) -> int:
        """Return the place of an operand's value; a constant gets a new one."""
        if not isinstance(operand, SameForAll):
            return operand
        self._template.append(operand.value)
        return len(self._template) - 1


def _form(value: Value, numbers: list[Number]) -> object:
    """Return the part of a value that selects a program (all but its numbers), and collect the numbers."""
    if isinstance(value, tuple):
        return tuple([_form(item, numbers) for item in value])
    if value is None or isinstance(value, (bool, str, range)):
        return value
    numbers.append(value)
    return _interval(value) or value, type(value)


def _interval(value: Number) -> Interval | None:
    """Return the interval of numbers for which a program made for this one is valid; None for 0, which has its own
    program.
    """
    least = 1 if isinstance(value, int) else _LEAST
    for low, high in ((least, _USUAL), (least, MAX_INTEGER), (-MAX_INTEGER, -least)):
        if low <= value <= high:
            return low, high
    return None


def _on_tape(value: Value, tape: Tape, places: Iterator[int]) -> Value:
    """Return a value with its numbers replaced by traced ones, in the order in which they are collected."""
    if isinstance(value, tuple):
        return tuple([_on_tape(item, tape, places) for item in value])
    return value if value is None or isinstance(value, (bool, str, range)) else _traced(value, tape, places)


def _traced(value: N, tape: Tape, places: Iterator[int]) -> N:
    place, interval = next(places), _interval(value)
    return value if interval is None else stand_in(tape, (place,), value, interval)
