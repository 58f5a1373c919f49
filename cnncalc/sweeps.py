"""Sweeps from Python: the figures of many variants as columns, or as a function of the arguments."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnncalc.ground.errors import ArgumentError
from cnncalc.ground.near import did_you_mean
from cnncalc.studies.sweep.points import FIGURES, MORE_FIGURES, Measure

if TYPE_CHECKING:
    from cnncalc.layers.shapes import Shape
    from cnncalc.studies.sweep.scalar import NetworkFunction


class SweepColumns(dict[str, Any]):
    """The rows of a sweep as columns, NumPy's arrays by name: what ``pandas.DataFrame`` and ``polars`` take as it is.

    The columns are ``variant`` (where several are swept), the arguments, ``input``, and the figures; shapes, words and
    lists are objects.  Combinations that are no network have no row.

    Attributes:
        failed: how many combinations are no network.
        first_error: what is wrong with the first of them.
    """

    failed: int = 0
    first_error: str = ""


def sweep(
    spec: str | os.PathLike[str],
    args: Mapping[str, Any] | None = None,
    input: Sequence[Shape] | Mapping[str, Sequence[Shape]] | None = None,
    variants: Sequence[str | None] | None = None,
    *,
    figures: Sequence[str] = FIGURES,
    where: str | None = None,
    sample: int | None = None,
    seed: int = 0,
    batch: int = 1,
    dtype: str = "float32",
    jobs: int = 1,
    check: int = 16,
) -> SweepColumns:
    """Return the figures of every combination, in the grid's order: inputs vary fastest, then the last of the ``args``.

    Args:
        spec: a path, or the name of a spec that ships.
        args: values by argument: a sequence, or a text as the command line has it (``"0.25:1.5:0.05"``).
        input: input shapes; a mapping where there are several inputs.
        variants: names of variants; None for what the name stands for.
        figures: the columns that are wanted.
        where: a condition on the rows, as ``"macs <= 600M and width > 0.5"``.
        sample: how many combinations are drawn, without doubles; None for all.
        seed: of the drawing.
        batch: samples that go through at once.
        dtype: type of all tensors, for bytes.
        jobs: processes to compute in.
        check: rows that are computed the plain way as well.

    Raises:
        CnncalcError: where there is no such spec, or an argument is not as it should be.
        InternalError: where a row computed by columns is not what the plain way gives.
    """
    from cnncalc.language.loading import open_document
    from cnncalc.studies.sweep.grid import Grid
    from cnncalc.studies.sweep.jobs import SweepPlan, parts
    from cnncalc.studies.sweep.sampling import Sample
    from cnncalc.studies.sweep.where import Condition

    recipe, named = open_document(os.fspath(spec))
    _check_names(figures, "figures", (*FIGURES, *MORE_FIGURES))
    _check_names(args or (), "args", tuple(recipe.settings))
    shapes = input if isinstance(input, Mapping) else {} if input is None else {"": input}
    values = {name: _values(given) for name, given in (args or {}).items()}
    inputs = {name: [tuple(shape) for shape in some] for name, some in shapes.items()}
    grid = Grid([named] if variants is None else variants, values, inputs)
    read = () if where is None else Condition(where, recipe.settings).figures
    measure = Measure(batch, dtype, tuple([name for name in MORE_FIGURES if name in {*figures, *read}]))
    drawn = None if sample is None else Sample(grid.size, seed, sample)
    found = _Gathered(grid, figures)
    for part in parts(recipe, SweepPlan(grid, measure, drawn, where, check), jobs):
        found.add(part)
    return found.columns()


def compile(
    spec: str | os.PathLike[str],
    figures: Sequence[str] = ("params", "macs"),
    variant: str | None = None,
    *,
    batch: int = 1,
    dtype: str = "float32",
) -> NetworkFunction:
    """Return a function of a spec's arguments that gives figures of its network, for search loops of one's own.

    ``f(width=0.5, input=(3, 96, 96))`` returns ``{"params": …, "macs": …}``.  A network is built once for each
    structure; from then on its arithmetic alone is repeated, tens of thousands of times a second.

    Raises:
        CnncalcError: where there is no such spec, variant or figure.
    """
    from cnncalc.language.loading import open_document
    from cnncalc.studies.sweep.scalar import NetworkFunction

    recipe, named = open_document(os.fspath(spec))
    _check_names(figures, "figures", (*FIGURES, *MORE_FIGURES))
    if variant is not None:
        _check_names([variant], "variants", tuple(recipe.variants))
    measure = Measure(batch, dtype, tuple([name for name in MORE_FIGURES if name in figures]))
    return NetworkFunction(recipe, variant or named, figures, measure)


def _values(given: Any) -> Any:
    """Return the values of an argument; a text is read as the command line reads it, lists become tuples."""
    from cnncalc.studies.sweep.values import values_of

    return values_of(given, _literal) if isinstance(given, str) else tuple([_frozen(value) for value in given])


def _literal(text: str) -> Any:
    """Return a number, a list of such or a quoted text; everything else is a word."""
    from ast import literal_eval

    try:
        return _frozen(literal_eval(text))
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return {"true": True, "false": False}.get(text, text)


def _frozen(value: Any) -> Any:
    return tuple([_frozen(item) for item in value]) if isinstance(value, (list, tuple)) else value


def _check_names(names: Any, argument: str, known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise ArgumentError(argument, f"there is no '{name}'", did_you_mean(name, known, argument))


class _Gathered:
    """Gathers the columns of a sweep part by part."""

    def __init__(self, grid: Any, figures: Sequence[str]) -> None:
        self.grid = grid
        self.figures = figures
        self.lists: dict[str, list[Any]] = {}
        self.failed = 0
        self.first_error = ""

    def add(self, part: Any) -> None:
        """Add the rows of a part."""
        from cnncalc.studies.sweep.window import points_of

        self.failed += part.failed
        self.first_error = self.first_error or part.first
        for point in points_of(part.window, self.grid, part.lanes):
            if point.error is not None:
                continue
            row: dict[str, Any] = {"variant": point.variant} if len(self.grid.variants) > 1 else {}
            shapes = tuple(point.input.values())
            row |= {**point.args, "input": shapes[0] if len(shapes) == 1 else point.input}
            row |= {name: point.figures[name] for name in self.figures}
            for name, value in row.items():
                self.lists.setdefault(name, []).append(value)

    def columns(self) -> SweepColumns:
        """Return what was gathered."""
        found = SweepColumns({name: _column(values) for name, values in self.lists.items()})
        found.failed, found.first_error = self.failed, self.first_error
        return found


def _column(values: list[Any]) -> Any:
    """Return a column: of 64-bit integers or floats where all values are such, else of objects."""
    import numpy as np

    kinds = {type(value) for value in values}
    if kinds == {int} and max(map(abs, values)) < 2**63:
        return np.array(values, np.int64)
    if kinds in ({float}, {bool}):
        return np.array(values)
    column = np.empty(len(values), object)
    column[:] = values
    return column
