"""A grid of hyper-parameters, variants and input shapes: the figures of every combination."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from cnncalc.figures.costs import DTYPES, sums
from cnncalc.figures.expectations import unmet
from cnncalc.figures.memory import forward_elements, peak_elements
from cnncalc.graph import Graph
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.places import SpecError
from cnncalc.language.items import Document
from cnncalc.language.loading import build_variant, read_text
from cnncalc.layers.shapes import Shape

FIGURES = (
    "layers", "params", "buffers", "macs", "flops", "activations",
    "weight_bytes", "forward_bytes", "peak_bytes", "output",
)  # fmt: skip
"""What a combination's figures are, in their usual order."""

MORE_FIGURES = ("receptive_field",)
"""Figures that take as long as the rest together, computed where they are asked for."""

_CHUNK = 64


class Combination(NamedTuple):
    """One place of the grid: input shapes are without the batch axis."""

    variant: str | None
    args: dict[str, Any]
    input: dict[str, Shape]


class Point(NamedTuple):
    """A combination with its figures, or with the error that it ends in.

    ``unmet`` has published figures (``params should be 5, but is 6``) that the network does not have,
    ``uncounted`` the layer types whose FLOPs nobody has defined.
    """

    variant: str | None
    args: dict[str, Any]
    input: dict[str, Shape]
    figures: dict[str, Any]
    error: str | None = None
    unmet: tuple[str, ...] = ()
    uncounted: tuple[str, ...] = ()


class Grid:
    """Every combination of some values, the last named varying fastest; made when it is asked for."""

    def __init__(
        self,
        variants: Sequence[str | None] = (None,),
        args: Mapping[str, Sequence[Any]] | None = None,
        inputs: Mapping[str, Sequence[Shape]] | None = None,
    ) -> None:
        """Make a grid of variants, values by argument and shapes by input."""
        self.variants = tuple(variants)
        self.args = {name: tuple(values) for name, values in (args or {}).items()}
        self.inputs = {name: tuple(shapes) for name, shapes in (inputs or {}).items()}

    @property
    def size(self) -> int:
        """How many combinations there are."""
        return prod([len(values) for values in self._axes()])

    def __getitem__(self, index: int) -> Combination:
        """Return a combination by its number."""
        picked: list[Any] = []
        for values in reversed(self._axes()):
            index, place = divmod(index, len(values))
            picked.append(values[place])
        variant, *rest = reversed(picked)
        args = dict(zip(self.args, rest, strict=False))
        return Combination(variant, args, dict(zip(self.inputs, rest[len(args) :], strict=True)))

    def _axes(self) -> list[tuple[Any, ...]]:
        return [self.variants, *self.args.values(), *self.inputs.values()]


class Measure(NamedTuple):
    """What is computed of each network: for which batch and dtype, and which of :data:`MORE_FIGURES`."""

    batch: int = 1
    dtype: str = "float32"
    more: tuple[str, ...] = ()


def sweep(document: Document, grid: Grid, measure: Measure | None = None, jobs: int = 1) -> Iterator[Point]:
    """Yield the figures of every combination, in the grid's order, as they are computed.

    Args:
        document: the spec.
        grid: what to combine.
        measure: what to compute.
        jobs: processes to compute in.

    A combination that is no network yields a point with its error.  No more than a few hundred points are
    kept at a time, however large the grid is.
    """
    measure = measure or Measure()
    if jobs == 1 or grid.size == 1:
        return (point(document, grid[index], measure) for index in range(grid.size))
    return _in_processes(document, grid, measure, jobs)


def point(document: Document, combination: Combination, measure: Measure) -> Point:
    """Return the figures of one combination, or its error."""
    variant, args, inputs = combination
    try:
        network = build_variant(document, variant, args, inputs)
    except CnncalcError as error:
        given = {name or "input": shape for name, shape in inputs.items()}
        return Point(variant, args, given, {}, _one_line(error))
    missed = [f"{figure.what} should be {figure.expected}, but is {figure.actual}" for figure in unmet(network)]
    return Point(
        variant,
        args,
        {name: tensor.shape for name, tensor in network.inputs.items()},
        figures(network, measure),
        unmet=tuple(missed),
        uncounted=tuple(sorted({node.use.layer.type for node in network.nodes if node.use.flops is None})),
    )


def figures(network: Graph, measure: Measure) -> dict[str, Any]:
    """Return a network's figures by name; counts and bytes are for the whole batch, shapes without it."""
    batch, width = measure.batch, DTYPES[measure.dtype]
    layers, params, buffers, macs, flops, activations = sums(network.nodes)
    values = (
        layers, params, buffers, batch * macs, batch * flops, batch * activations,
        width * params, batch * width * forward_elements(network), batch * width * peak_elements(network)[0],
        next(reversed(network.outputs.values())).shape,
    )  # fmt: skip
    found = dict(zip(FIGURES, values, strict=True))
    if "receptive_field" in measure.more:
        found["receptive_field"] = _receptive_field(network)
    return found


def _receptive_field(network: Graph) -> tuple[int, ...]:
    """Return how much the last output sees along each axis; nothing where that is not known."""
    from cnncalc.figures.receptive_field import receptive_fields

    fields = receptive_fields(network).of[next(reversed(network.outputs.values()))] or ()
    return tuple([int(-(-field.size // 1)) for field in fields])


def _one_line(error: CnncalcError) -> str:
    """Return an error without excerpts: its first fault, and how many there are beside it."""
    if not isinstance(error, SpecError):
        return error.message
    first, *more = error.faults
    place = f"{first.origin}: " if first.origin else ""
    return f"{place}{first.message}" + (f" (and {len(more)} more)" if more else "")


# --- in several processes -----------------------------------------------------------------------------------

_shared: tuple[Document, Grid, Measure] | None = None  # what every task of a worker process works on


def _in_processes(document: Document, grid: Grid, measure: Measure, jobs: int) -> Iterator[Point]:
    """Yield the points of chunks in order; a few chunks a process are under way at a time."""
    from concurrent.futures import Future, ProcessPoolExecutor

    text = document.text
    size = max(1, min(_CHUNK, grid.size // (4 * jobs)))
    starts = iter(range(0, grid.size, size))
    pool = ProcessPoolExecutor(jobs, initializer=_start, initargs=(text.text, text.name, grid, measure))
    under_way: deque[Future[list[Point]]] = deque()
    try:
        while True:
            while len(under_way) < 2 * jobs and (start := next(starts, None)) is not None:
                under_way.append(pool.submit(_chunk, start, min(start + size, grid.size)))
            if not under_way:
                return
            yield from under_way.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start(text: str, name: str, grid: Grid, measure: Measure) -> None:
    """Read the spec in a worker process: compiled expressions can't be sent to it."""
    import signal

    global _shared
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the first process's to tell
    _shared = read_text(text.encode(), name), grid, measure


def _chunk(start: int, stop: int) -> list[Point]:
    assert _shared is not None
    document, grid, measure = _shared
    return [point(document, grid[index], measure) for index in range(start, stop)]


# --- the best -----------------------------------------------------------------------------------------------


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
            raise CnncalcError(f"--pareto: {self.name} = {value!r} is not a number")
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
