"""Sweeps from Python: the figures of many variants as columns, or as a function of the arguments."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, SupportsIndex

from cnncalc.figures.catalogue import USUAL
from cnncalc.figures.costs import DTYPES
from cnncalc.ground import given
from cnncalc.ground.errors import ArgumentError, CnncalcError
from cnncalc.ground.near import did_you_mean
from cnncalc.importers.opening import open_recipe
from cnncalc.language.read.values import value_of_text
from cnncalc.studies.sweep.points import MORE_FIGURES, Measure

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnncalc.ground.given import ShapeLike
    from cnncalc.ground.values import Value
    from cnncalc.language.recipe import Recipe
    from cnncalc.layers.shapes import Shape
    from cnncalc.studies.sweep.function import NetworkFunction
    from cnncalc.studies.sweep.jobs import SweepPart, SweepPlan
    from cnncalc.studies.sweep.values import Each

    Columns = dict[str, npt.NDArray[Any]]
else:
    Columns = dict


class SweepColumns(Columns):
    """The rows of a sweep as columns, NumPy arrays by name, which ``pandas.DataFrame`` and ``polars`` accept.

    The columns are ``variant`` (if several are swept), the arguments, ``input``, and the figures; shapes, words and
    lists are objects.  Combinations that can't be built have no row; if no row is left, the columns are empty.

    Attributes:
        failed: number of combinations that can't be built.
        first_error: the error of the first of them, or "".
    """

    failed: int = 0
    first_error: str = ""


def sweep(
    spec: str | os.PathLike[str],
    args: Mapping[str, str | Iterable[object]] | None = None,
    input: ShapeLike | Iterable[ShapeLike] | Mapping[str, ShapeLike | Iterable[ShapeLike]] | None = None,
    variants: str | Iterable[str | None] | None = None,
    *,
    figures: str | Iterable[str] = USUAL,
    where: str | None = None,
    sample: SupportsIndex | None = None,
    seed: SupportsIndex = 0,
    batch: SupportsIndex = 1,
    dtype: npt.DTypeLike = "float32",
    jobs: SupportsIndex = 1,
    check: SupportsIndex = 16,
) -> SweepColumns:
    """Return the figures of every combination, in the grid's order: inputs vary fastest, then the last of the ``args``.

    Args:
        spec: a path (of an ONNX model, too), or the name of a network that ships.
        args: values by argument: a list, a range or an array, or a text as on the command line (``"0.25:1.5:0.05"``).
        input: one input shape or several; a mapping if there are several inputs.
        variants: names of variants; None for the one that the name means.
        figures: the requested columns.
        where: a condition on the rows, such as ``"macs <= 600M and width > 0.5"``.
        sample: number of different combinations to draw; None for all.
        seed: of the drawing.
        batch: samples that go through at once.
        dtype: type of all tensors, for bytes.
        jobs: processes to compute in.
        check: number of rows to compute again, one network at a time.

    Raises:
        CnncalcError: if there is no such spec, an argument is invalid, or no combination can be built.
        InternalError: if a row differs from the network computed alone.
    """
    from cnncalc.studies.sweep.grid import Grid
    from cnncalc.studies.sweep.jobs import SweepPlan, parts
    from cnncalc.studies.sweep.sampling import Sample
    from cnncalc.studies.sweep.where import Condition

    recipe, named = open_recipe(spec)
    wanted = _known("figures", given.texts("figures", figures), (*USUAL, *MORE_FIGURES))
    grid = Grid(_variants(recipe, variants) or [named], _values_by_argument(recipe, args), _input_shapes(input))
    read = () if where is None else Condition(given.text("where", where), recipe.settings).figures
    measure = _measure(batch, dtype, {*wanted, *read})
    drawn = None if sample is None else Sample(grid.size, given.seed(seed), given.whole("sample", sample))
    plan = SweepPlan(grid, measure, drawn, where, given.whole("check", check, 0), errors=False)
    engine = None
    count = given.workers("jobs", jobs)
    if count > 1:
        from cnncalc.studies.sweep.processes import PartTask, Processes, same

        engine = partial(Processes, PartTask(recipe.reader(), partial(same, plan)), count)
    return _joined(plan, wanted, parts(recipe, plan, engine))


def compile(
    spec: str | os.PathLike[str],
    figures: str | Iterable[str] = ("params", "macs"),
    variant: str | None = None,
    *,
    batch: SupportsIndex = 1,
    dtype: npt.DTypeLike = "float32",
) -> NetworkFunction:
    """Return a function from a spec's arguments to figures of its network, for your own search loops.

    ``f(width=0.5, input=(3, 96, 96))`` returns ``{"params": …, "macs": …}``.  A network is built once for each
    structure; then only its arithmetic is repeated, tens of thousands of times per second.

    Args:
        spec: a path, or the name of a network that ships.
        figures: the requested figures, by the column names of :func:`sweep`.
        variant: the variant of a family.
        batch: samples that go through at once.
        dtype: type of all tensors, for bytes.

    Raises:
        CnncalcError: if there is no such spec, variant or figure.
    """
    from cnncalc.studies.sweep.function import NetworkFunction

    recipe, chosen = open_recipe(spec, variant)
    wanted = _known("figures", given.texts("figures", figures), (*USUAL, *MORE_FIGURES))
    _known("variant", [] if chosen is None else [chosen], recipe.variants)
    return NetworkFunction(recipe, chosen, wanted, _measure(batch, dtype, wanted))


def _measure(batch: SupportsIndex, dtype: npt.DTypeLike, figures: Collection[str]) -> Measure:
    (name,) = _known("dtype", [given.dtype_name(dtype)], tuple(DTYPES))
    return Measure(given.whole("batch", batch), name, tuple([figure for figure in MORE_FIGURES if figure in figures]))


def _known(argument: str, names: Sequence[str], known: Collection[str]) -> Sequence[str]:
    """Return the names. Raises ArgumentError for an unknown one."""
    for name in names:
        if name not in known:
            raise ArgumentError(argument, f"there is no '{name}'", did_you_mean(name, known, argument))
    return names


def _variants(recipe: Recipe, variants: str | Iterable[str | None] | None) -> list[str | None]:
    """Return the variants to sweep; empty if none is named."""
    named = [] if variants is None else list(given.several("variants", variants, "names"))
    _known("variants", given.texts("variants", [one for one in named if one is not None]), recipe.variants)
    return named


def _values_by_argument(recipe: Recipe, args: Mapping[str, object] | None) -> dict[str, Sequence[Value] | Each]:
    """Return the values of each swept argument."""
    if args is None:
        return {}
    if not isinstance(args, Mapping):
        raise ArgumentError("args", f"{given.shown(args)} is not a mapping from arguments to values")
    _known("args", given.texts("args", args), recipe.settings)
    return {name: _values(f"args[{name!r}]", some) for name, some in args.items()}


def _values(argument: str, some: object) -> Sequence[Value] | Each:
    """Return the values of an argument; a text is read as the command line reads it, lists become tuples."""
    from cnncalc.studies.sweep.values import values_of

    some = given.plain(some)
    if isinstance(some, str):
        return values_of(some, partial(value_of_text, name=argument))
    if isinstance(some, range):
        return some
    return tuple([given.value(argument, one) for one in given.several(argument, some, "values")])


def _input_shapes(input: object) -> dict[str, list[Shape]]:
    """Return the shapes of each swept input; "" stands for the only one."""
    if isinstance(input, Mapping):
        return {given.text("input", name): _shapes(f"input[{name!r}]", some) for name, some in input.items()}
    return {} if input is None else {"": _shapes("input", input)}


def _shapes(argument: str, some: object) -> list[Shape]:
    some = given.plain(some)
    if isinstance(some, (str, bytes, Mapping)) or not isinstance(some, Iterable):
        return [given.shape(argument, some)]
    listed = list(some)
    if listed and isinstance(given.plain(listed[0]), int):
        return [given.shape(argument, listed)]
    return [given.shape(argument, one) for one in listed]


def _joined(plan: SweepPlan, figures: Sequence[str], parts: Iterable[SweepPart]) -> SweepColumns:
    """Return the columns of a sweep; while they are joined, only one of them is in memory twice.

    Raises:
        CnncalcError: if no combination can be built.
    """
    import numpy as np

    from cnncalc.studies.sweep.gather import Gatherer
    from cnncalc.studies.sweep.jobs import SweepPart

    gatherer, found = Gatherer(plan.grid, figures), SweepColumns()
    pieces: dict[str, list[npt.NDArray[Any]]] = {}
    for part in chain([SweepPart.of_points([])], parts):
        found.failed += part.failed
        found.first_error = found.first_error or part.first
        rows = gatherer.rows(part)
        if rows.networks.any() or not pieces:
            columns = {} if rows.variants is None else {"variant": rows.variants}
            columns |= {**rows.args, "input": rows.inputs, **rows.figures}
            for name, column in columns.items():
                pieces.setdefault(name, []).append(column if rows.networks.all() else column[rows.networks])
    if found.failed and found.failed == plan.rows:
        what = f"none of {plan.rows:,} combinations can be built, the first" if plan.rows > 1 else "it can't be built"
        raise CnncalcError(f"{what}: {found.first_error}")
    for name in list(pieces):
        found[name] = np.concatenate(pieces.pop(name))
    return found
