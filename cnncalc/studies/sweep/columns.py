"""A sweep by columns: a network is built once for each structure, and its arithmetic repeated over the grid.

Places of one signature (variant, words, lengths of lists, kinds of numbers) are computed by the programs known for it;
the first place that no program fits is traced. Structures with few places are computed one by one, from folded blocks.
A place whose network can't be built is computed as a point, so that the error is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cnncalc.ground.errors import CnncalcError
from cnncalc.language.recipe import Recipe
from cnncalc.studies.sweep.axes import Axis
from cnncalc.studies.sweep.folding import Folding
from cnncalc.studies.sweep.grid import Grid
from cnncalc.studies.sweep.layout import ResultLayout, laid_out
from cnncalc.studies.sweep.points import Measure, Point, point
from cnncalc.studies.sweep.program import Program
from cnncalc.studies.sweep.tape import Source, SourceKey, Tape
from cnncalc.studies.sweep.window import Batch, Window

if TYPE_CHECKING:
    from cnncalc.studies.sweep.program import Numbers, Result
    from cnncalc.studies.sweep.window import Integers, Shapes

WORTH_TRACING = 24
"""Fewest places of one signature in a window that are worth a trace, which takes as long as some 8 networks."""

WORTH_TRACING_FOLDED = 160
"""The same if blocks are folded, which makes single networks faster."""

NETWORKS_PER_TRACE = 8
"""Number of points that take as long as a trace."""


class LaidOutProgram(NamedTuple):
    """A program with the layout of its results, if it has any. ``is_error``: the network can't be built; else it could
    not be traced.
    """

    program: Program
    layout: ResultLayout | None
    is_error: bool = False


class Columns:
    """The programs of a recipe, and the columns that they are played on."""

    def __init__(self, recipe: Recipe, grid: Grid, measure: Measure, go_on: Callable[[], None] = lambda: None) -> None:
        """Prepare a sweep; nothing is traced yet. ``go_on`` may raise to end the work."""
        self._go_on = go_on
        self.recipe = recipe
        self.grid = grid
        self.measure = measure
        self.axes = [Axis(values) for values in grid.axes]
        self.traces = 0
        self._covered = 0
        self._form = 0  # number of changes of the signatures
        self._folding = Folding(recipe, measure)
        self._worth = WORTH_TRACING_FOLDED if self._folding.folds else WORTH_TRACING
        self._known: dict[tuple[int, ...], list[LaidOutProgram]] = {}

    def window(self, numbers: Sequence[int]) -> Window:
        """Return the figures of some combinations, by their numbers in the grid."""
        places = self.grid.places(numbers)
        window = Window(numbers, [], {}, [])
        waiting = [np.arange(len(numbers))]
        while waiting:
            form, late = self._form, []
            for signature, lanes in self._groups(places, waiting.pop()):
                if form != self._form:  # a trace has changed the signatures since these lanes were grouped
                    late.append(lanes)
                    continue
                rest = self._played(window, signature, places, lanes)
                if len(rest) and self._is_worth(len(rest)):
                    self._trace(signature, [int(place[rest[0]]) for place in places])
                    waiting.append(rest)  # group again: pinned values are now part of the signature
                else:
                    for lane in rest.tolist():
                        window.points[lane] = self._folded(numbers[lane])
            if late:
                waiting.append(np.sort(np.concatenate(late)))
        return window

    def _folded(self, number: int) -> Point:
        """Return the point of a place, computed from folded blocks if possible."""
        self._go_on()
        combination = self.grid[number]
        return self._folding.point(combination) or point(self.recipe, combination, self.measure)

    def _is_worth(self, waiting: int) -> bool:
        """Return whether another trace is worth it: enough lanes wait, and earlier traces covered enough networks."""
        return waiting >= self._worth and self._covered >= (self.traces - 8) * NETWORKS_PER_TRACE

    def _groups(self, places: list[Numbers], lanes: Numbers) -> Iterator[tuple[tuple[int, ...], Numbers]]:
        """Yield lanes by their signature: the form of the value on each axis."""
        codes = np.stack([axis.codes[place[lanes]] for axis, place in zip(self.axes, places, strict=True)])
        keys, group = np.unique(codes, axis=1, return_inverse=True)
        group = group.reshape(-1)
        for number in range(keys.shape[1]):
            yield tuple(keys[:, number].tolist()), lanes[group == number]

    def _played(self, window: Window, signature: tuple[int, ...], places: list[Numbers], lanes: Numbers) -> Numbers:
        """Run the known programs of a signature; return the lanes that no program fits."""
        structures = self._known.get(signature, [])
        for number, (program, layout, is_error) in enumerate(structures):
            if not len(lanes):
                break

            def column(key: SourceKey, lanes: Numbers = lanes) -> Numbers:
                return self.axes[key[0]].column(key[1:], places[key[0]][lanes])

            fits, results = program.play(column, len(lanes))
            if not fits.any():
                continue
            mine = lanes[fits]
            if is_error:
                window.failed.extend(mine.tolist())
            elif layout is None:
                window.points.update({lane: self._folded(window.numbers[lane]) for lane in mine.tolist()})
            else:
                window.batches.append(_batch(mine, layout, results))
            self._covered += len(mine)
            lanes = lanes[~fits]
            if number:  # a program that fits is tried first next time
                structures.insert(0, structures.pop(number))
        return lanes

    def _trace(self, signature: tuple[int, ...], picked: Sequence[int]) -> None:
        """Build the network of a place of the grid on traced numbers, and keep its program.

        Args:
            signature: of the place.
            picked: the places of its values along the axes.
        """
        self._go_on()
        self.traces += 1
        tape = Tape()
        on_axes = enumerate(zip(self.axes, picked, strict=True))
        variant, args, inputs = self.grid.combined(
            [axis.traced(tape, number, axis.values[place]) for number, (axis, place) in on_axes]
        )
        try:
            network = self.recipe.build(variant, args, inputs)
            layout, results = laid_out(network, self.measure)
            structure = LaidOutProgram(Program(tape, results), layout)
        except CnncalcError:
            structure = LaidOutProgram(Program(tape, ()), None, is_error=True)
        except (TypeError, ValueError, ArithmeticError, AttributeError):
            structure = LaidOutProgram(Program(tape, ()), None)
        if self._pinned(tape):
            signature = tuple([int(axis.codes[place]) for axis, place in zip(self.axes, picked, strict=True)])
            self._known.clear()  # these programs are stored under old signatures
            self._form += 1
        self._known.setdefault(signature, []).append(structure)

    def _pinned(self, tape: Tape) -> bool:
        """Make the values pinned by a trace part of the signature; return whether there are new ones."""
        new = False
        for number in tape.pinned:
            entry = tape.entries[number]
            if isinstance(entry.rule, Source):
                axis, *path = entry.rule.key
                new |= self.axes[axis].distinguish(tuple(path))
        return new


def _batch(lanes: Numbers, layout: ResultLayout, results: list[Result]) -> Batch:
    whole = [result if isinstance(result, np.ndarray) else int(result) for result in results]
    figures: dict[str, Integers | Shapes] = dict(zip(layout.figures, whole, strict=False))
    rest = iter(whole[len(layout.figures) :])
    figures["output"] = tuple([next(rest) for _ in range(layout.output)])
    inputs = {name: tuple([next(rest) for _ in range(axes)]) for name, axes in layout.inputs.items()}
    return Batch(lanes, figures, inputs, layout.uncounted)
