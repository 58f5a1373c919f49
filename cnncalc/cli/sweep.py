"""``cnncalc sweep``: the figures of every combination of hyper-parameters, variants and input shapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from time import perf_counter

import click

from cnncalc.cli._device import takes_device
from cnncalc.cli._rows import Rows, Varied, takes_rows
from cnncalc.cli.opening import read_spec
from cnncalc.cli.options import BatchAndDtype, takes_basis, takes_output
from cnncalc.cli.output import Output, to_stderr
from cnncalc.cli.progress import Interruptible, Progress, progress_bar
from cnncalc.ground.limits import MAX_FAULTS
from cnncalc.rendering.views.sweep import Swept, view
from cnncalc.studies.device.budgets import Wanted
from cnncalc.studies.sweep.grid import Grid
from cnncalc.studies.sweep.jobs import SweepPart, SweepPlan, parts
from cnncalc.studies.sweep.kept import Keeper
from cnncalc.studies.sweep.points import Measure


@click.command("sweep", short_help="A grid of hyper-parameters and inputs, one row each.")
@click.argument("spec")
@takes_rows
@takes_basis
@takes_device
@click.option("--jobs", type=click.IntRange(1, 256), default=1, help="Worker processes.")
@takes_output("html")
def command(spec: str, varied: Varied, rows: Rows, basis: BatchAndDtype, wanted: Wanted, jobs: int, out: Output) -> int:
    """Print one row per combination, as it is computed.  Inputs vary fastest, then the last --set, variants slowest.

    A combination that can't be built is a row with its error, and the exit code is 1.  From 200
    combinations on the network is built once for each structure and its arithmetic repeated by NumPy, unless
    receptive_field, arena, ram_max or flash are asked for.

    \b
    cnncalc sweep mobilenet_v2 --set width=0.25:1.5:0.05 --input 3x96x96:3x224x224:32
    cnncalc sweep resnet50 --set 'depths=[3,4,6,3],[2,2,2,2]' --format ndjson | jq .params
    cnncalc sweep vgg --variant all --columns params,macs,receptive_field
    cnncalc sweep mobilenet_v2 --set width=0.35,0.5 --input 3x96x96 --columns macs,arena,flash --board nano33ble
    cnncalc sweep net.yaml --set width=16,24,32 --set depth=2:4 --pareto macs,params:max --jobs 2
    cnncalc sweep mobilenet_v2 --set width=0.1:2:0.01 --where 'macs <= 300M' --sort params:max --top 1
    cnncalc sweep mobilenet_v2 --set width=0.25:1.5:0.05 --input 3x96x96:3x224x224:32 -o front.html
    cnncalc sweep net.yaml --set 'kernels=each(3,5,7)*20' --sample 100k --seed 7 --where 'macs < 1G' -o some.ndjson
    """
    recipe, named = read_spec(spec)
    grid = varied.grid(recipe, named)
    keeper, condition = rows.keeper(grid), rows.condition(recipe)
    measure = Measure(*basis, rows.needed(keeper, condition), wanted.over(recipe.deploy))
    plan = SweepPlan(grid, measure, rows.drawn(grid), rows.where, rows.check)
    tally = _Tally(plan)
    with progress_bar() as progress, Interruptible() as interruptible:
        if out.path is not None or keeper is not None:
            tally.progress = progress
        done = tally.of(interruptible.each(parts(recipe, plan, jobs)))
        shown = done if keeper is None else [_kept(keeper, done, grid)]
        source, asked = recipe.about(None).source, rows.columns is not None
        out.show(view(Swept(recipe.name, source, grid, shown, rows.figures(), asked)))
    if interruptible.wished:
        place = f", which are in {out.path}" if out.path else ""
        to_stderr(f"{tally.done:,} of {plan.rows:,} combinations are done{place}")
        raise KeyboardInterrupt
    return tally.report(hidden=keeper is not None or condition is not None)


def _kept(keeper: Keeper, done: Iterable[SweepPart], grid: Grid) -> SweepPart:
    """Return what a keeper has of all parts, before anything is shown."""
    for part in done:
        keeper.add(part.window, grid, part.lanes)
    return SweepPart.of_points(keeper.points())


class _Tally:
    """Counts what goes by, and what is wrong with it."""

    def __init__(self, plan: SweepPlan) -> None:
        self.progress: Progress | None = None
        self.done = 0
        self._plan = plan
        self._kept = 0
        self._failed = 0
        self._first = ""
        self._unmet: list[str] = []
        self._uncounted: set[str] = set()
        self._begun = perf_counter()

    def of(self, done: Iterable[SweepPart]) -> Iterator[SweepPart]:
        """Yield the parts."""
        for part in done:
            self.done = part.stop
            self._kept += len(part.lanes)
            self._failed += part.failed
            self._first = self._first or part.first
            for point in part.window.points.values():
                self._unmet += [f"{point.variant or 'the spec'}: {text}" for text in point.unmet]
                self._uncounted.update(point.uncounted)
            for batch in part.window.batches:
                self._uncounted.update(batch.uncounted)
            yield part
            if self.progress is not None:
                self.progress(self.done, self._plan.rows, self._text())

    def _text(self) -> str:
        """Return how far the sweep is: 412,000 of 1,000,000 · 96,000/s · 6 s left · 1,203 kept · 17 errors."""
        rate = self.done / max(perf_counter() - self._begun, 1e-6)
        left = (self._plan.rows - self.done) / rate
        kept = f" · {self._kept:,} kept" if self._plan.where else ""
        failed = f" · {self._failed:,} errors" if self._failed else ""
        return f"{self.done:,} of {self._plan.rows:,} combinations · {rate:,.0f}/s · {left:,.0f} s left{kept}{failed}"

    def report(self, hidden: bool) -> int:
        """Report on stderr what went by; return the exit code."""
        if self._uncounted:
            to_stderr(f"no FLOPs are defined for {', '.join(sorted(self._uncounted))}")
        for text in self._unmet[:MAX_FAULTS]:
            to_stderr(text)
        if len(self._unmet) > MAX_FAULTS:
            to_stderr(f"… and {len(self._unmet) - MAX_FAULTS:,} more figures that are not as published")
        if self._failed:
            first = f", the first: {self._first}" if hidden else ""
            to_stderr(f"{self._failed:,} of {self._plan.rows:,} combinations failed{first}")
        return 1 if self._failed or self._unmet else 0
