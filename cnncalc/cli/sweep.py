"""``cnncalc sweep``: the figures of every combination of hyper-parameters, variants and input shapes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

import click

from cnncalc.cli import Command
from cnncalc.cli._device import takes_device
from cnncalc.cli._engine import Computing, takes_engine
from cnncalc.cli._resuming import grows, identity, noted, opened, write
from cnncalc.cli._rows import RowOptions, SweepTexts, Varied, takes_rows, takes_varied
from cnncalc.cli._tally import RowTally
from cnncalc.cli.opening import collect_networks, read_spec
from cnncalc.cli.options import BatchAndDtype, fuse_option, spec_argument, takes_basis, takes_output
from cnncalc.cli.output import Output, to_stderr
from cnncalc.cli.progress import Interruptible, progress_bar
from cnncalc.ground.terminal_safe import printable
from cnncalc.ground.version import __version__
from cnncalc.rendering.views.sweep import SweepView
from cnncalc.rendering.writers import View
from cnncalc.studies.device.budgets import RequestedDevice
from cnncalc.studies.sweep.grid import Grid
from cnncalc.studies.sweep.jobs import SweepPart, parts
from cnncalc.studies.sweep.keepers import Keeper


@click.command("sweep", Command, short_help="A grid of hyper-parameters and inputs, one row each.")
@spec_argument("spec")
@takes_varied
@takes_rows
@takes_basis
@takes_device
@takes_engine
@click.option(
    "--resume", is_flag=True, help="Continue FILE after its last row, if it is from the same sweep: ndjson, csv or tsv."
)
@takes_output("html", "parquet")
@fuse_option
def command(
    spec: str,
    varied: Varied,
    rows: RowOptions,
    basis: BatchAndDtype,
    wanted: RequestedDevice,
    computing: Computing,
    resume: bool,
    out: Output,
    fuse: bool,
) -> int:
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
    cnncalc sweep net.yaml --set 'kernels=each(3,5,7)*20' --sample 100k --where 'macs < 1G' -o some.ndjson --resume
    cnncalc sweep net.yaml --set 'kernels=each(3,5,7)*20' --sample 100M -o some.parquet --dask tcp://scheduler:8786
    """
    collect_networks()
    recipe, named = read_spec(spec, fuse)
    texts = SweepTexts(varied, rows, basis, wanted, named)
    plan = texts.plan(recipe)
    selection = rows.selection(recipe, plan.grid)
    keeper = selection.keeper
    engine = computing.engine(recipe, texts.plan)
    if plan.sample is not None and plan.sample.count < rows.asked():
        to_stderr(f"note: --sample {rows.sample}: the grid has no more than {plan.rows:,}, and all are taken")
    tally = RowTally(plan)

    def swept(done: Iterable[SweepPart]) -> View:
        shown = done if keeper is None else [_kept_rows(keeper, done, plan.grid)]
        return SweepView(recipe.name, recipe.about(None).source, plan.grid, shown, selection.shown, selection.asked)

    with progress_bar() as progress, Interruptible() as interruptible:
        if out.path is not None or keeper is not None:
            tally.progress = progress
        if grows(out, resume, keeper is None):
            of = {**texts.by_option(), "--format": out.format, "--fuse": fuse}
            file, state = opened(str(out.path), resume, identity(__version__, recipe, of))
            with file:
                tally.restore(state)
                done = tally.of(interruptible.each(parts(recipe, plan, engine, tally.counts.done)))
                write(file, swept(noted(done, file, lambda: asdict(tally.counts))), out, state is not None)
                file.finish() if tally.counts.done == plan.rows else file.leave()
        else:
            out.show(swept(tally.of(interruptible.each(parts(recipe, plan, engine)))))
    if interruptible.interrupted:
        raise _interrupted(tally, plan.rows, out, keeper is None)
    return tally.report(keeper is not None or rows.where is not None)


def _interrupted(tally: RowTally, rows: int, out: Output, by_row: bool) -> KeyboardInterrupt:
    """Return the message for an interrupted sweep: how far it came, and how to continue."""
    place = f", which are in {out.path}" if out.path else ""
    on = "; --resume continues there" if grows(out, False, by_row) else ""
    return KeyboardInterrupt(printable(f"{tally.counts.done:,} of {rows:,} combinations are done{place}{on}"))


def _kept_rows(keeper: Keeper, done: Iterable[SweepPart], grid: Grid) -> SweepPart:
    """Return the rows that a keeper has kept of all parts."""
    for part in done:
        keeper.add(part.window, grid, part.lanes)
    return SweepPart.of_points(keeper.points())
