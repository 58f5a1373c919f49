"""``cnncalc sweep``: the figures of every combination of hyper-parameters, variants and input shapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import click

from cnncalc.cli._device import takes_device
from cnncalc.cli.opening import read_spec
from cnncalc.cli.options import Basis, layout_option, takes_basis, takes_output
from cnncalc.cli.output import Output, tell
from cnncalc.cli.parsing import parse_input, parse_value
from cnncalc.cli.progress import Interruptible, Progress, progress_bar
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_FAULTS
from cnncalc.ground.near import did_you_mean
from cnncalc.layers.shapes import Shape
from cnncalc.recipe import Recipe
from cnncalc.rendering.views.sweep import Swept, view
from cnncalc.studies.on_device import Wanted
from cnncalc.studies.sweep.front import Front, Objective
from cnncalc.studies.sweep.grid import Grid
from cnncalc.studies.sweep.jobs import sweep
from cnncalc.studies.sweep.points import FIGURES, MORE_FIGURES, Measure, Point

_SET = "Values for one of the spec's args; a list is one value: depths=[3,4],[2,2]."
_INPUT = "Input shapes, 3x128x128,3x224x224; NAME=SHAPE,… where there are several inputs."
_PARETO = "Only the front: small in each, FIGURE:max for large; an arg or 'input' may stand there too."
_CLOSING = {"[": "]", "(": ")", "{": "}"}


@click.command("sweep", short_help="A grid of hyper-parameters and inputs, one row each.")
@click.argument("spec")
@click.option("--set", "settings", multiple=True, metavar="NAME=V1,V2,…", help=_SET)
@click.option("--input", "inputs", multiple=True, metavar="SHAPE,…", help=_INPUT)
@click.option("--variant", "variants", metavar="NAME,…", help="Variants of a family; 'all' for all.")
@click.option("--pareto", metavar="FIGURE,…", help=_PARETO)
@click.option("--columns", metavar="FIGURE,…", help=f"What to show: {', '.join((*FIGURES, *MORE_FIGURES))}.")
@takes_basis
@takes_device
@click.option("--jobs", type=click.IntRange(1, 256), default=1, help="Processes to compute in.")
@layout_option
@takes_output()
def command(
    spec: str,
    settings: tuple[str, ...],
    inputs: tuple[str, ...],
    variants: str | None,
    pareto: str | None,
    columns: str | None,
    basis: Basis,
    wanted: Wanted,
    jobs: int,
    layout: str,
    out: Output,
) -> int:
    """Print one row per combination, as it is computed.  Inputs vary fastest, then the last --set, variants slowest.

    A combination that is no network is a row with its error, and the exit code is 1 in the end.

    \b
    cnncalc sweep mobilenet_v2 --set width=0.25,0.5,1.0 --input 3x128x128,3x224x224
    cnncalc sweep resnet50 --set 'depths=[3,4,6,3],[2,2,2,2]' --format ndjson | jq .params
    cnncalc sweep vgg --variant all --columns params,macs,receptive_field
    cnncalc sweep mobilenet_v2 --set width=0.35,0.5 --input 3x96x96 --columns macs,arena,flash --board nano33ble
    cnncalc sweep net.yaml --set width=16,24,32 --set depth=2,3,4 --pareto macs,params:max --jobs 2
    """
    recipe, named = read_spec(spec)
    grid = _grid(recipe, settings, inputs, variants or named, layout)
    objectives = _objectives(pareto, grid)
    shown = _figures(columns)
    needed = {*shown, *[objective.name for objective in objectives]}
    measure = Measure(*basis, tuple([name for name in MORE_FIGURES if name in needed]), wanted.over(recipe.deploy))
    tally = _Tally()
    with progress_bar() as progress, Interruptible() as rows:
        points = rows.each(tally.of(sweep(recipe, grid, measure, jobs)))
        if progress is not None and out.path is not None:
            points = _counted(points, grid.size, progress)
        if objectives:
            points = _front(points, objectives)
        out.show(view(Swept(recipe.name, recipe.about().source, grid, points, shown, columns is not None)))
    if rows.wished:
        place = f", which are in {out.path}" if out.path else ""
        tell(f"{rows.done:,} of {grid.size:,} combinations are done{place}")
        raise KeyboardInterrupt
    return tally.tell(grid.size, bool(objectives))


# --- the grid -----------------------------------------------------------------------------------------------


def _grid(
    recipe: Recipe, settings: tuple[str, ...], inputs: tuple[str, ...], variants: str | None, layout: str
) -> Grid:
    """Return the grid of a command line.  Raises CnncalcError where every combination would fail alike."""
    names = _split(variants) if variants else [None]
    if variants == "all" and "all" not in recipe.variants:
        names = list(recipe.variants)
    for name in names:
        if name is not None and name not in recipe.variants:
            known = tuple(recipe.variants)
            hint = did_you_mean(name, known, "variants") if known else "the spec has no variants"
            raise CnncalcError(f"{recipe.path}: no variant '{name}'", hint)
    args: dict[str, list[Any]] = {}
    for setting in settings:
        name, values = _values(setting)
        if name not in recipe.settings:
            known = tuple(recipe.settings)
            hint = did_you_mean(name, known, "args") if known else "the spec has no args"
            raise CnncalcError(f"--set {name}: the spec has no argument '{name}'", hint)
        _once(args, name, "--set")[name] = values
    shapes: dict[str, list[Shape]] = {}
    for text in inputs:
        name, sizes = _shapes(text, layout)
        _once(shapes, name, "--input")[name] = sizes
    return Grid(names, args, shapes)


def _once(found: dict[str, Any], name: str, option: str) -> dict[str, Any]:
    if name in found:
        raise CnncalcError(f"{option} {name}: given twice", "give all values in one, separated by commas")
    return found


def _values(setting: str) -> tuple[str, list[Any]]:
    name, equals, text = setting.partition("=")
    name = name.strip()
    if not equals or not name:
        raise CnncalcError(f"--set {setting}: not of the form NAME=V1,V2,…", "as in --set width=0.5,1.0")
    return name, [parse_value(value, f"--set {name}") for value in _split(text)]


def _shapes(text: str, layout: str) -> tuple[str, list[Shape]]:
    name, _, shapes = text.rpartition("=")
    return name, [parse_input(shape, layout)[1] for shape in _split(shapes)]


def _split(text: str) -> list[Any]:
    """Split at commas, but not inside brackets or quotes."""
    parts, closing, quote = [""], list[str](), ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in _CLOSING:
            closing.append(_CLOSING[sign])
        elif closing and sign == closing[-1]:
            closing.pop()
        elif sign == "," and not closing:
            parts.append("")
            continue
        parts[-1] += sign
    return [part.strip() for part in parts]


# --- what is shown ------------------------------------------------------------------------------------------


def _figures(columns: str | None) -> tuple[str, ...]:
    if columns is None:
        return FIGURES
    known = (*FIGURES, *MORE_FIGURES)
    names = tuple([name for name in _split(columns) if name])
    for name in names:
        if name not in known:
            raise CnncalcError(f"--columns: no figure '{name}'", did_you_mean(name, known, "figures"))
    return names or FIGURES


def _objectives(pareto: str | None, grid: Grid) -> list[Objective]:
    objectives = []
    known = (*FIGURES, *MORE_FIGURES, *grid.args, "input")
    for text in _split(pareto) if pareto else ():
        name, _, way = text.partition(":")
        if name not in known:
            raise CnncalcError(f"--pareto: no figure '{name}'", did_you_mean(name, known, "figures"))
        if way not in ("", "min", "max"):
            hint = f"write {name}, or {name}:max where more is better"
            raise CnncalcError(f"--pareto {text}: '{way}' is neither min nor max", hint)
        objectives.append(Objective(name, way == "max"))
    return objectives


def _counted(points: Iterable[Point], count: int, progress: Progress) -> Iterator[Point]:
    for number, point in enumerate(points, 1):
        yield point
        progress(number, count, f"{number:,} of {count:,} combinations")


def _front(points: Iterable[Point], objectives: list[Objective]) -> Iterator[Point]:
    front = Front(objectives)
    for point in points:
        if point.error is None:
            front.add(point)
    yield from front.points()


class _Tally:
    """Counts what is wrong with the points that go by."""

    def __init__(self) -> None:
        self.failed = 0
        self.first = ""
        self.unmet: list[str] = []
        self.uncounted: set[str] = set()

    def of(self, points: Iterable[Point]) -> Iterator[Point]:
        """Yield the points."""
        for point in points:
            if point.error is not None:
                self.failed += 1
                self.first = self.first or point.error
            self.unmet += [f"{point.variant or 'the spec'}: {text}" for text in point.unmet]
            self.uncounted.update(point.uncounted)
            yield point

    def tell(self, count: int, hidden: bool) -> int:
        """Tell on stderr what went by; return the exit code."""
        if self.uncounted:
            tell(f"no FLOPs are defined for {', '.join(sorted(self.uncounted))}")
        for text in self.unmet[:MAX_FAULTS]:
            tell(text)
        if len(self.unmet) > MAX_FAULTS:
            tell(f"… and {len(self.unmet) - MAX_FAULTS:,} more figures that are not as published")
        if self.failed:
            first = f", the first: {self.first}" if hidden else ""
            tell(f"{self.failed:,} of {count:,} combinations failed{first}")
        return 1 if self.failed or self.unmet else 0
