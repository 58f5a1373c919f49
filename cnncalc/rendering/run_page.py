"""A run as a page: each layer's inferred and real shape, its time, and what the whole proves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.layers.shapes import Shape
from cnncalc.rendering.page import Cell, Column, Line, Rule, TableRow, paragraph, table
from cnncalc.rendering.text import dims, exact, short, size

if TYPE_CHECKING:
    from cnncalc.execution.report import LayerRun, Run

_COLUMNS = (
    Column("layer", folds=True),
    Column("inferred", right=True),
    Column("real", right=True),
    Column(""),
    Column("ms", right=True),
    Column("GFLOP/s", right=True, drop=2),
    Column("algorithm", folds=True, drop=1),
)


def page(run: Run, layout: str, width: int | None, terminal: bool) -> list[Line]:
    """Return the whole page."""
    network = run.network
    inputs = ", ".join(
        f"{name} {_shape((tensor.copies(run.batch), *tensor.shape), layout)}" for name, tensor in network.inputs.items()
    )
    title = network.name if network.variant is None else f"{network.name} · {network.variant}"
    threads = "1 thread" if run.threads == 1 else f"{run.threads} threads"
    lines: list[Line] = [[(title, "bold"), (f"   {inputs}   {run.dtype}   {threads}", "")], []]
    rows: list[TableRow] = [_row(row, run.batch, layout) for row in run.layers]
    rows += [Rule(), _sum(run)]
    lines += [*table(_COLUMNS, rows, width, terminal), []]
    for row in run.mismatches:
        lines += mismatch(row, run.batch, layout, width)
    lines += _verdict(run, width)
    return lines


def _shape(shape: Shape, layout: str) -> str:
    """Return a shape whose first axis is the batch."""
    return "×".join(filter(None, (dims(shape[:1]), dims(shape[1:], layout))))


def _beyond(name: str, other: str) -> str:
    """Return a dotted name without what it begins with in common with another."""
    parts, others = name.split("."), other.split(".")
    while len(parts) > 1 and parts[:1] == others[:1]:
        del parts[0], others[0]
    return ".".join(parts)


def _row(row: LayerRun, batch: int, layout: str) -> list[str | Cell]:
    held = row.holds(batch)
    speed = row.gflops(batch)
    carrier = _beyond(row.fused_into, row.node.name)
    return [
        Cell(row.node.name, "" if held else "red"),
        _shape(row.inferred(batch), layout),
        Cell(_shape(row.actual, layout) if row.actual else "—", "" if row.shape_holds(batch) else "red"),
        Cell("✓", "green") if held else Cell("✗", "bold red"),
        Cell(f"in {carrier}", "dim") if carrier else f"{1e3 * row.seconds:.2f}",
        "" if speed is None else f"{speed:.1f}",
        Cell(row.tally.method if row.tally else "", "dim"),
    ]


def _sum(run: Run) -> list[str | Cell]:
    direct = sum(row.tally.direct for row in run.layers if row.tally)
    speed = f"{2 * direct / run.seconds / 1e9:.1f}" if run.seconds else ""
    return [Cell("total", "bold"), "", "", "", Cell(f"{1e3 * run.seconds:.2f}", "bold"), Cell(speed, "bold"), ""]


def mismatch(row: LayerRun, batch: int, layout: str, width: int | None) -> list[Line]:
    """Return what is wrong with one layer: both shapes, both counts, and the rule's formula."""
    lines: list[Line] = []
    if row.fault:
        lines += paragraph(f"{row.node.name}: could not run: {row.fault}", width, "red")
    elif not row.shape_holds(batch):
        real = _shape(row.actual, layout) if row.actual else "none"
        told = f"{row.node.name}: the inferred shape is {_shape(row.inferred(batch), layout)}, the real one {real}"
        lines += paragraph(told, width, "red")
    if not row.fault and not row.macs_hold(batch):
        summed = row.tally.direct if row.tally else 0
        told = f"{row.node.name}: {exact(row.node.macs(batch))} MACs are counted, {exact(summed)} were summed"
        lines += paragraph(told, width, "red")
    for formula in row.formulas():
        told = (
            f"  {row.node.layer.type}: {formula.symbol} = {formula.expression} = {formula.numbers} = {formula.value:,}"
        )
        lines += paragraph(told, width, "dim")
    return lines


def _verdict(run: Run, width: int | None) -> list[Line]:
    total, held = len(run.layers), sum(row.shape_holds(run.batch) for row in run.layers)
    style = "bold green" if held == total else "bold red"
    lines: list[Line] = [[(f"{held} of {total} layers: the real shape is the inferred shape", style)]]
    lines += paragraph(_products(run), width)
    if run.first:
        lines += paragraph(f"not finite: '{run.first}' is the first layer that made NaN or infinity", width, "bold red")
    lines.append([(f"time {1e3 * run.seconds:.1f} ms, and {1e3 * run.preparation:.0f} ms to prepare the weights", "")])
    if run.needs is not None:
        measured = f", measured {size(run.peak)}" if run.peak else ""
        needs = run.needs
        parts = ", ".join(f"{name} {size(figure)}" for name, figure in needs._asdict().items() if figure)
        lines += paragraph(f"peak memory predicted {size(needs.total)}{measured} ({parts})", width)
    top = run.top()
    if top:
        lines += paragraph("top-5: " + ", ".join(f"{index} ({value:.4g})" for index, value in top), width)
    return lines


def _products(run: Run) -> str:
    tallies = [row.tally for row in run.layers if row.tally]
    counted = sum(row.node.macs(run.batch) for row in run.layers)
    direct, performed = sum(tally.direct for tally in tallies), sum(tally.performed for tally in tallies)
    same = "as many were summed" if direct == counted else f"{exact(direct)} were summed"
    text = f"{exact(counted)} MACs are counted, {same}"
    fast = sum(bool(tally.method) for tally in tallies)
    if fast:
        layers = "1 layer" if fast == 1 else f"{fast} layers"
        text += f" (directly; {short(performed)} with Winograd's algorithm in {layers})"
    return text
