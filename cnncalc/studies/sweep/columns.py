"""A sweep by columns: a network is built once for each structure, and its arithmetic repeated over the grid.

Places of one signature (variant, words, lengths of lists, kinds of numbers) go to the programs that are known of it;
the first that none of them holds for is traced.  A place whose network is an error, or that is alone in its structure,
is computed the plain way, so that every text is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from cnncalc.figures.memory import alive_elements
from cnncalc.graph import Graph
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.numeric import larger
from cnncalc.language.items import Document
from cnncalc.language.loading import build_variant
from cnncalc.studies.sweep.axes import axes_of
from cnncalc.studies.sweep.grid import Grid
from cnncalc.studies.sweep.points import Measure, Point, point, usual_figures
from cnncalc.studies.sweep.program import Column, Program
from cnncalc.studies.sweep.tape import Tape
from cnncalc.studies.sweep.traced import Traced, plain

WINDOW = 16_384
"""Places that are computed at a time: enough for NumPy's calls to cost little, few enough to stay in the cache."""

WORTH_TRACING = 24
"""Places of one signature in a window from which a trace pays: it takes as long as some 8 networks."""


NETWORKS_PER_TRACE = 8
"""How many networks are computed the plain way while one is traced."""


class Batch(NamedTuple):
    """Places of a window that one program was played for.

    Attributes:
        lanes: their numbers in the window, ascending.
        figures: a column by figure, or a plain number; ``output`` is a tuple of them.
        inputs: the shape of every input, likewise.
        uncounted: layer types whose FLOPs nobody has defined.
    """

    lanes: Column
    figures: dict[str, Any]
    inputs: dict[str, tuple[Any, ...]]
    uncounted: tuple[str, ...]


class Window(NamedTuple):
    """The figures of some places of a grid.

    Attributes:
        numbers: of the places, in the order of the rows.
        batches: what was computed by columns.
        points: what was computed the plain way, by its number in the window.
    """

    numbers: Sequence[int]
    batches: list[Batch]
    points: dict[int, Point]


class Layout(NamedTuple):
    """What a program's results are, in order."""

    figures: tuple[str, ...]
    output: int
    inputs: dict[str, int]
    uncounted: tuple[str, ...]


class Structure(NamedTuple):
    """A program with the layout of its results; layout None: the network is an error, and told the plain way."""

    program: Program
    layout: Layout | None


class Columns:
    """The programs of a document, and the columns that they are played on."""

    def __init__(self, document: Document, grid: Grid, measure: Measure) -> None:
        """Prepare a sweep; nothing is traced before it is asked for."""
        self.document = document
        self.grid = grid
        self.measure = measure
        self.axes = axes_of(grid)
        self.traces = 0
        self._covered = 0
        self._known: dict[tuple[int, ...], list[Structure]] = {}

    def window(self, numbers: Sequence[int]) -> Window:
        """Return the figures of some places of the grid, by their numbers."""
        places = self.grid.places(numbers)
        window = Window(numbers, [], {})
        waiting = [np.arange(len(numbers))]
        while waiting:
            for signature, lanes in self._groups(places, waiting.pop()):
                rest = self._played(window, signature, places, lanes)
                if len(rest) and self._is_worth(len(rest)):
                    self._trace(signature, places, int(rest[0]))
                    waiting.append(rest)  # in groups once more: what a trace has pinned is part of the signature
                else:
                    for lane in rest.tolist():
                        window.points[lane] = self._point(numbers[lane])
        return window

    def _point(self, number: int) -> Point:
        return point(self.document, self.grid[number], self.measure)

    def _is_worth(self, waiting: int) -> bool:
        """Tell whether to trace once more: many wait, and traces have paid so far."""
        return waiting >= WORTH_TRACING and self._covered >= (self.traces - 8) * NETWORKS_PER_TRACE

    def _groups(self, places: list[Column], lanes: Column) -> Iterator[tuple[tuple[int, ...], Column]]:
        """Yield lanes by their signature: for each axis, which form its value has."""
        codes = np.stack([axis.codes[place[lanes]] for axis, place in zip(self.axes, places, strict=True)])
        keys, group = np.unique(codes, axis=1, return_inverse=True)
        group = group.reshape(-1)
        for number in range(keys.shape[1]):
            yield tuple(keys[:, number].tolist()), lanes[group == number]

    def _played(self, window: Window, signature: tuple[int, ...], places: list[Column], lanes: Column) -> Column:
        """Play the programs that are known of a signature; return the lanes that none holds for."""
        structures = self._known.get(signature, [])
        for number, (program, layout) in enumerate(structures):
            if not len(lanes):
                break

            def column(key: tuple[Any, ...], lanes: Column = lanes) -> Column:
                return self.axes[key[0]].column(key[1:], places[key[0]][lanes])

            fits, results = program.play(column, len(lanes))
            if not fits.any():
                continue
            mine = lanes[fits]
            if layout is None:
                window.points.update({lane: self._point(window.numbers[lane]) for lane in mine.tolist()})
            else:
                window.batches.append(_batch(mine, layout, results))
            self._covered += len(mine)
            lanes = lanes[~fits]
            if number:  # what fits now will fit again
                structures.insert(0, structures.pop(number))
        return lanes

    def _trace(self, signature: tuple[int, ...], places: list[Column], lane: int) -> None:
        """Build the network of a place on traced numbers, and keep its program."""
        self.traces += 1
        tape = Tape()
        picked = [int(place[lane]) for place in places]
        values = [axis.traced(tape, number, picked[number]) for number, axis in enumerate(self.axes)]
        variant, args, inputs = self.grid.combination(values)
        try:
            network = build_variant(self.document, variant, args, inputs)
            structure = _structure(tape, network, self.measure)
        except (CnncalcError, TypeError, ValueError, ArithmeticError, AttributeError):
            structure = Structure(Program(tape, ()), None)  # such places are computed, and told, the plain way
        if self._pinned(tape):
            signature = tuple([int(axis.codes[place]) for axis, place in zip(self.axes, picked, strict=True)])
            self._known.clear()  # by signatures that are no more
        self._known.setdefault(signature, []).append(structure)

    def _pinned(self, tape: Tape) -> bool:
        """Make the values that a trace has pinned part of the signature; tell whether there are new ones."""
        new = False
        for number in tape.pinned:
            entry = tape.entries[number]
            if entry.operation == "source":
                axis, *path = entry.operands[0]
                new |= self.axes[axis].distinguish(tuple(path))
        return new


def _structure(tape: Tape, network: Graph, measure: Measure) -> Structure:
    """Return the program of a network that was built on traced numbers."""
    figures = usual_figures(network, measure, _peak(network, measure.batch))
    output = figures.pop("output")
    inputs = {name: tensor.shape for name, tensor in network.inputs.items()}
    uncounted = tuple(sorted({node.use.layer.type for node in network.nodes if node.use.flops is None}))
    layout = Layout(tuple(figures), len(output), {name: len(shape) for name, shape in inputs.items()}, uncounted)
    results = [*figures.values(), *output, *[size for shape in inputs.values() for size in shape]]
    return Structure(Program(tape, results), layout)


def _peak(network: Graph, batch: int) -> Any:
    """Return the most elements alive at one step: the largest of those sums that no other surely exceeds."""
    kept: list[Any] = []
    for alive, _ in alive_elements(network, batch):
        if not any(_exceeds(other, alive) for other in kept):
            kept = [other for other in kept if not _exceeds(alive, other)]
            kept.append(alive)
    return reduce(larger, kept)


def _exceeds(a: Any, b: Any) -> bool:
    """Tell whether a sum is at least another one, whatever the numbers are: no part of it is less."""
    if type(a) is not Traced or type(b) is not Traced:
        if type(a) is not Traced and type(b) is not Traced:
            return bool(a >= b)
        return bool((a.low >= b) if type(a) is Traced else (a >= b.high))
    if a.low >= b.high:
        return True
    if a.constant < b.constant:
        return False
    entries = a.tape.entries
    for number in a.terms.keys() | b.terms.keys():
        if a.terms.get(number, 0) < b.terms.get(number, 0) or entries[number].interval[0] < 0:
            return False
    return True


def _batch(lanes: Column, layout: Layout, results: list[Any]) -> Batch:
    figures = dict(zip(layout.figures, results, strict=False))
    rest = iter(results[len(layout.figures) :])
    figures["output"] = tuple([next(rest) for _ in range(layout.output)])
    inputs = {name: tuple([next(rest) for _ in range(axes)]) for name, axes in layout.inputs.items()}
    return Batch(lanes, figures, inputs, layout.uncounted)


def points_of(window: Window, grid: Grid) -> Iterator[Point]:
    """Yield the points of a window, in the order of its rows."""
    found = dict(window.points)
    for batch in window.batches:
        count = len(batch.lanes)
        columns = [_listed(value, count) for name, value in batch.figures.items() if name != "output"]
        names = [name for name in batch.figures if name != "output"]
        outputs = zip(*[_listed(value, count) for value in batch.figures["output"]], strict=True)
        inputs = [list(zip(*[_listed(size, count) for size in shape], strict=True)) for shape in batch.inputs.values()]
        rows = zip(batch.lanes.tolist(), zip(*columns, strict=True), outputs, *inputs, strict=True)
        for lane, figures, output, *shapes in rows:
            variant, args, _ = grid[window.numbers[lane]]
            shown = dict(zip(batch.inputs, shapes, strict=True))
            values = {**dict(zip(names, figures, strict=True)), "output": output}
            found[lane] = Point(variant, args, shown, values, uncounted=batch.uncounted)
    yield from (found[lane] for lane in range(len(window.numbers)) if lane in found)


def _listed(value: Any, count: int) -> list[Any]:
    """Return a column as plain numbers; a number that is the same for all, so often."""
    return value.tolist() if isinstance(value, np.ndarray) else [plain(value)] * count
