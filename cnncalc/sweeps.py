"""Sweeps from Python: the figures of many variants as columns, or as a function of the arguments."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
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
    plan = SweepPlan(grid, measure, drawn, where, check, errors=False)
    engine = None
    if jobs > 1:
        from cnncalc.studies.sweep.processes import Errand, Processes, same

        engine = partial(Processes, Errand(recipe.reader(), partial(same, plan)), jobs)
    return _joined(grid, figures, parts(recipe, plan, engine))


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


def _joined(grid: Any, figures: Sequence[str], parts: Iterable[Any]) -> SweepColumns:
    """Return the columns of a sweep; when they are joined, one of them is there twice at a time."""
    import numpy as np

    from cnncalc.studies.sweep.gather import Gatherer

    gatherer, found = Gatherer(grid, figures), SweepColumns()
    pieces: dict[str, list[Any]] = {}
    for part in parts:
        found.failed += part.failed
        found.first_error = found.first_error or part.first
        rows = gatherer.rows(part)
        if rows.networks.any():
            columns = {} if rows.variants is None else {"variant": rows.variants}
            columns |= {**rows.args, "input": rows.inputs, **rows.figures}
            for name, column in columns.items():
                pieces.setdefault(name, []).append(column if rows.networks.all() else column[rows.networks])
    for name in list(pieces):
        found[name] = np.concatenate(pieces.pop(name))
    return found
