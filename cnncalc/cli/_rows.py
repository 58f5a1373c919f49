"""Options of ``sweep``: what is varied, which rows are kept, and their order."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import click

from cnncalc.cli.options import BatchAndDtype, WholeNumber, gathering, layout_option
from cnncalc.cli.parsing import parse_input
from cnncalc.figures.catalogue import USUAL
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.near import did_you_mean
from cnncalc.ground.quantities import parse_quantity
from cnncalc.language.read.values import value_of_text
from cnncalc.language.recipe import Recipe
from cnncalc.layers.shapes import Shape
from cnncalc.studies.device.budgets import RequestedDevice
from cnncalc.studies.sweep.grid import Grid
from cnncalc.studies.sweep.jobs import SweepPlan
from cnncalc.studies.sweep.keepers import Best, Front, Keeper, Objective
from cnncalc.studies.sweep.points import MORE_FIGURES, Measure
from cnncalc.studies.sweep.sampling import Sample
from cnncalc.studies.sweep.values import Each, shape_values, split, values_of
from cnncalc.studies.sweep.where import Condition

if TYPE_CHECKING:
    from cnncalc.ground.values import Value

T = TypeVar("T")

_SET = "Values for one of the spec's args: 1,2,4 or 0.5:1.5:0.25 or 8:256:*2 or each(3,5)*4; one list is [3,4]."
_INPUT = "Input shapes, 3x128x128,3x224x224 or 3x96x96:3x224x224:32; NAME=SHAPE,… if there are several inputs."
_PARETO = "Keep only the Pareto front; FIGURE:max if more is better. An arg or 'input' may be named too."
_WHERE = "Keep only rows for which a condition holds: 'macs <= 600M and peak < 256KiB and width > 0.5'."


class Varied(NamedTuple):
    """What is varied, as texts.

    Attributes:
        settings: of ``--set``.
        inputs: of ``--input``.
        variants: of ``--variant``.
        layout: the order of the axes in shapes.
    """

    settings: tuple[str, ...]
    inputs: tuple[str, ...]
    variants: str | None
    layout: str

    def grid(self, recipe: Recipe, named: str | None) -> Grid:
        """Return the grid. Raises CnncalcError if every combination would fail in the same way."""
        args: dict[str, Sequence[Value] | Each] = {}
        for setting in self.settings:
            name, values = self._values(setting)
            if name not in recipe.settings:
                known = tuple(recipe.settings)
                hint = did_you_mean(name, known, "args") if known else "the spec has no args"
                raise CnncalcError(f"--set {name}: the spec has no argument '{name}'", hint)
            _once(args, name, "--set")[name] = values
        shapes: dict[str, tuple[Shape, ...]] = {}
        for text in self.inputs:
            name, _, sizes = text.rpartition("=")
            read = partial(shape_values, sizes, lambda one: parse_input(one, self.layout)[1])
            _once(shapes, name, "--input")[name] = _called(f"--input {text}", read)
        variants = self._variants(recipe, named)
        _check_inputs([recipe.stated_inputs(variant) for variant in variants], shapes)
        return Grid(variants, args, shapes)

    def _variants(self, recipe: Recipe, named: str | None) -> list[str | None]:
        if self.variants == "all" and recipe.variants and "all" not in recipe.variants:
            return list(recipe.variants)
        names: list[str | None] = [*split(self.variants)] if self.variants else [named]
        for name in names:
            recipe.about(name)  # raises CnncalcError if there is no such variant
        return names

    def _values(self, setting: str) -> tuple[str, Sequence[Value] | Each]:
        name, equals, text = setting.partition("=")
        name = name.strip()
        if not equals or not name:
            raise CnncalcError(f"--set {setting}: not of the form NAME=V1,V2,…", "as in --set width=0.5,1.0")
        if re.search(r"\d\.\.+\d|\.\.\.|range\(|^ *\d+ *- *\d+ *$", text):
            raise CnncalcError(f"--set {setting}: not a range", "a range is START:STOP, or 8:32:8 with a step")
        return name, _called(f"--set {name}", lambda: values_of(text, lambda one: value_of_text(one, f"--set {name}")))


class RowOptions(NamedTuple):
    """Which rows are kept, in which order, with which figures.

    Attributes:
        sample: number of combinations to draw, as given; None takes all.
        seed: seed of the drawing.
        where: the condition.
        sort, top: a figure, with ``:max`` for the largest first, and the number of rows.
        pareto: figures whose Pareto front is kept.
        columns: the figures that are shown.
        check: number of rows to compute twice.
    """

    sample: str | None
    seed: int
    where: str | None
    sort: str | None
    top: int | None
    pareto: str | None
    columns: str | None
    check: int

    def asked(self) -> int:
        """Return the number of combinations to draw; 0 for all. Raises CnncalcError if ``--sample`` is 0."""
        if self.sample is None:
            return 0
        count = parse_quantity(self.sample, "--sample")
        if not count:
            raise CnncalcError("--sample 0: nothing would be drawn")
        return count

    def keeper(self, grid: Grid) -> Keeper | None:
        """Return the keeper of the best rows; None if all rows are shown as they are computed. Raises CnncalcError."""
        if self.pareto is not None:
            if self.sort is not None or self.top is not None:
                raise CnncalcError("--pareto has its own order", "leave out --sort and --top, or --pareto")
            return Front([_objective(text, "--pareto", grid) for text in split(self.pareto)])
        if self.sort is None:
            if self.top is not None:
                raise CnncalcError("--top: by which figure?", "add --sort FIGURE, or --sort FIGURE:max")
            return None
        return Best(_objective(self.sort, "--sort", grid), self.top)

    def selection(self, recipe: Recipe, grid: Grid) -> Selection:
        """Return which rows and figures the options name. Raises CnncalcError if one can't be read, or is unknown."""
        keeper = self.keeper(grid)
        condition = None if self.where is None else Condition(self.where, recipe.settings, "--where")
        names = tuple([name for name in split(self.columns or "") if name])
        known = (*USUAL, *MORE_FIGURES)
        for name in names:
            if name not in known:
                raise CnncalcError(f"--columns: no figure '{name}'", did_you_mean(name, known, "figures"))
        used = {one.name for one in keeper.objectives} if keeper else set[str]()
        used.update(condition.figures if condition else ())
        asked = names or tuple([name for name in known if name in used])
        shown = asked if self.columns else (*USUAL, *[name for name in asked if name in MORE_FIGURES])
        slow = tuple([name for name in MORE_FIGURES if name in shown or name in used])
        return Selection(keeper, asked, shown, slow)


class Selection(NamedTuple):
    """Which rows of a sweep are kept, and which figures are computed and shown.

    Attributes:
        keeper: keeps the best rows; None if all rows are shown as they are computed.
        asked: the figures that the options name, as columns, sort keys, objectives or in the condition.
        shown: the figures to show.
        slow: the needed figures among those that take long to compute.
    """

    keeper: Keeper | None
    asked: tuple[str, ...]
    shown: tuple[str, ...]
    slow: tuple[str, ...]


class SweepTexts(NamedTuple):
    """The options of a sweep as text, from which another process makes the same plan."""

    varied: Varied
    rows: RowOptions
    basis: BatchAndDtype
    wanted: RequestedDevice
    named: str | None

    def plan(self, recipe: Recipe) -> SweepPlan:
        """Return the plan. Raises CnncalcError if an option can't be read."""
        grid, rows = self.varied.grid(recipe, self.named), self.rows
        measure = Measure(*self.basis, rows.selection(recipe, grid).slow, self.wanted.over(recipe.deploy))
        count = rows.asked()
        sample = Sample(grid.size, rows.seed, count) if count else None
        return SweepPlan(grid, measure, sample, rows.where, rows.check)

    def by_option(self) -> dict[str, object]:
        """Return the options that determine the output, by name."""
        found = {**self.rows._asdict(), **self.basis._asdict(), **self.wanted._asdict()}
        del found["check"]
        settings, inputs, variants, layout = self.varied
        found |= {"set": settings, "input": inputs, "variant": variants, "layout": layout}
        return {f"--{name}": value for name, value in found.items()}


takes_varied = gathering(
    "varied",
    Varied,
    click.option("--set", "settings", multiple=True, metavar="NAME=V1,V2,…", help=_SET),
    click.option("--input", "inputs", multiple=True, metavar="SHAPE,…", help=_INPUT),
    click.option(
        "--variant", "variants", metavar="NAME,…", help="Variants of a family, separated by commas; or 'all'."
    ),
    layout_option,
)

takes_rows = gathering(
    "rows",
    RowOptions,
    click.option("--sample", metavar="N", help="Number of different combinations to draw at random: 1000 or 100k."),
    click.option("--seed", type=WholeNumber(0, 2**64), default=0, help="Seed for --sample."),
    click.option("--where", metavar="CONDITION", help=_WHERE),
    click.option(
        "--sort",
        metavar="FIGURE",
        help="Sort the rows by a figure, the smallest first; FIGURE:max sorts the largest first.",
    ),
    click.option("--top", type=WholeNumber(1, 10**6), help="Keep only the first N rows in that order."),
    click.option("--pareto", metavar="FIGURE,…", help=_PARETO),
    click.option("--columns", metavar="FIGURE,…", help=f"Columns to show: {', '.join((*USUAL, *MORE_FIGURES))}."),
    click.option(
        "--check",
        type=WholeNumber(0, 10**6),
        default=16,
        help="Number of rows to compute again, one network at a time, as a check.",
    ),
)


def _check_inputs(stated: Sequence[Collection[str]], shapes: Collection[str]) -> None:
    """Raise CnncalcError for inputs that no variant has, where the file itself names them."""
    known = tuple(dict.fromkeys(name for one in stated for name in one))
    for name in shapes if known else ():
        if name and name not in known:
            message = f"--input {name}: the spec has no input '{name}'"
            raise CnncalcError(message, did_you_mean(name, known, "inputs"))
        if not name and all(len(one) > 1 for one in stated):
            message = f"--input: the network has several inputs: {', '.join(known)}"
            raise CnncalcError(message, "each shape needs the name of its input")


def _objective(text: str, option: str, grid: Grid) -> Objective:
    name, _, way = text.partition(":")
    known = (*USUAL, *MORE_FIGURES, *grid.args, "input")
    if name not in known:
        falling = name[:1] == "-" and name[1:] in known
        hint = f"write {name[1:]}:max for the largest first" if falling else did_you_mean(name, known, "figures")
        raise CnncalcError(f"{option}: no figure '{name}'", hint)
    if way not in ("", "min", "max"):
        hint = f"write {name}, or {name}:max if more is better"
        raise CnncalcError(f"{option} {text}: '{way}' is neither min nor max", hint)
    return Objective(name, way == "max", option.removeprefix("--"))


def _once(found: dict[str, T], name: str, option: str) -> dict[str, T]:
    if name in found:
        raise CnncalcError(f"{f'{option} {name}'.rstrip()}: given twice", "give all values in one, separated by commas")
    return found


def _called(option: str, read: Callable[[], T]) -> T:
    """Return what a function reads; prefix its errors with the option's name if they lack it."""
    try:
        return read()
    except CnncalcError as error:
        if type(error) is not CnncalcError or error.message.startswith("--"):
            raise
        raise CnncalcError(f"{option}: {error.message}", error.hint) from None
