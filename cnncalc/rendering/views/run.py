"""A run: the inferred and actual shape of every layer, its time, and the verdict."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cnncalc.figures.summary import Summary
from cnncalc.ground.numbers import bytes_text, counted, exact, first_of, short
from cnncalc.rendering.blocks import GAP, Cell, Column, Divider, PageBlock, Paragraph, Table, TableRow, Title
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.texts import title, with_batch
from cnncalc.rendering.views.summary import COLUMNS as LAYER_COLUMNS
from cnncalc.rendering.views.summary import channels_last, layer
from cnncalc.rendering.writers import Record, View, real, record_of

if TYPE_CHECKING:
    from cnncalc.execution.report import LayerRun, Run

COLUMNS = (
    *LAYER_COLUMNS, "inferred_shape", "actual_shape", "match", "seconds", "gflops",
    "products", "direct_products", "algorithm", "fused_into", "finite", "fault",
)  # fmt: skip

_COLUMNS = (
    Column("layer", folds=True),
    Column("inferred", right=True),
    Column("real", right=True),
    Column(""),
    Column("ms", right=True),
    Column("GFLOP/s", right=True, drop=1),
    Column("computed", folds=True, drop=2),
)


class RunView(View):
    """A run.

    Attributes:
        summary: the network's, for the run's batch and dtype.
        run: what was found.
        random: names of the random tensors, or "".
    """

    columns = COLUMNS

    def __init__(self, summary: Summary, run: Run, random: str) -> None:
        self.summary = summary
        self.run = run
        self.random = random

    def page(self, screen: Screen) -> list[PageBlock]:
        run, network, layout = self.run, self.run.network, screen.layout
        inputs = ", ".join(
            f"{name} {with_batch((tensor.copies(run.batch), *tensor.shape), layout)}"
            for name, tensor in network.inputs.items()
        )
        about = "   ".join(filter(None, [inputs, run.dtype, counted(run.threads, "thread"), self.random]))
        rows: list[TableRow] = [_row(row, run.batch, layout) for row in run.layers]
        blocks: list[PageBlock] = [Title(title(network), about), GAP]
        blocks += [Table(_COLUMNS, [*rows, Divider(), _sum(run)]), GAP]
        return blocks + differences(run, layout) + _verdict(run)

    def document(self) -> dict[str, object]:
        run = self.run
        return {
            **record_of(self.summary, "name", "variant"),
            **record_of(run, "batch", "dtype", "threads"),
            "inputs": self.summary.inputs,
            "outputs": {name: array.shape for name, array in run.outputs.items()},
            "missing_outputs": run.missing,
            "layers": self.records(),
            "verified": run.verified,
            "mismatched": len(run.mismatches),
            "first_nonfinite": run.first,
            "first_unstable": run.unstable,
            "seconds": run.seconds,
            "preparation_seconds": run.preparation,
            "peak_bytes": run.peak,
            "predicted_peak_bytes": run.needs.total if run.needs else 0,
            "predicted": run.needs._asdict() if run.needs else {},
            "top": [{"index": index, "value": real(value)} for index, value in run.top()],
        }

    def records(self) -> list[dict[str, object]]:
        """Return every layer of the summary with the results of its run."""
        both = zip(self.summary.rows, self.run.layers, strict=True)
        return [layer(row) | _found(found, self.run.batch) for row, found in both]

    def rows(self, screen: Screen) -> Iterable[Record]:
        return map(channels_last, self.records()) if screen.layout == "hwc" else self.records()


# --- the page ------------------------------------------------------------------------------------------------


def _row(row: LayerRun, batch: int, layout: str) -> list[str | Cell]:
    held = row.holds(batch)
    speed = row.gflops(batch)
    how = f"in {row.fused_into}" if row.fused_into else row.tally.method if row.tally else ""
    return [
        Cell(row.node.name, "" if held else "red"),
        with_batch(row.inferred(batch), layout),
        Cell(with_batch(row.actual, layout) if row.actual else "—", "" if row.shape_holds(batch) else "red"),
        Cell("✓", "green") if held else Cell("✗", "bold red"),
        "" if row.fused_into else f"{1e3 * row.seconds:.2f}",
        "" if speed is None else f"{speed:.1f}",
        Cell(how, "dim"),
    ]


def _sum(run: Run) -> list[str | Cell]:
    direct = sum(row.tally.direct for row in run.layers if row.tally)
    speed = f"{2 * direct / run.seconds / 1e9:.1f}" if run.seconds else ""
    return [Cell("total", "bold"), "", "", "", Cell(f"{1e3 * run.seconds:.2f}", "bold"), Cell(speed, "bold"), ""]


SHOWN_WAITING = 5
"""Most names that are listed of layers whose inputs were not computed."""


def differences(run: Run, layout: str, most: int | None = None) -> list[PageBlock]:
    """Return the mismatches of layers, of at most ``most``, and the names of layers whose inputs were not computed."""
    failed = {row.node for row in run.layers if row.fault}
    waiting = {node for node in failed if not failed.isdisjoint(node.inputs)}
    own = [row for row in run.mismatches if row.node not in waiting]
    blocks = [block for row in own[:most] for block in _mismatch(row, run.batch, layout)]
    if waiting:
        names = [row.node.name for row in run.layers if row.node in waiting]
        text = f"not computed, because their inputs are missing: {first_of(names, SHOWN_WAITING)}"
        blocks.append(Paragraph(text, "red"))
    return blocks


def _mismatch(row: LayerRun, batch: int, layout: str) -> list[PageBlock]:
    """Return the mismatch of one layer: both shapes, both counts, and the rule's formula."""
    if row.fault:
        return [Paragraph(f"{row.node.name}: could not run: {row.fault}", "red")]
    blocks: list[PageBlock] = []
    if not row.shape_holds(batch):
        actual = with_batch(row.actual, layout) if row.actual else "none"
        inferred = f"the inferred shape is {with_batch(row.inferred(batch), layout)}"
        message = f"{row.node.name}: {inferred}, the real one {actual}"
        blocks.append(Paragraph(message, "red"))
    if not row.macs_hold(batch):
        summed = row.tally.direct if row.tally else 0
        message = f"{row.node.name}: {counted(row.node.macs(batch), 'MAC')} counted, {exact(summed)} summed"
        blocks.append(Paragraph(message, "red"))
    for formula in row.formulas():
        rule = f"{formula.symbol} = {formula.expression} = {formula.numbers} = {formula.value:,}"
        blocks.append(Paragraph(f"  {row.node.layer.type}: {rule}", "dim"))
    return blocks


def _verdict(run: Run) -> list[PageBlock]:
    total, held = len(run.layers), sum(row.shape_holds(run.batch) for row in run.layers)
    style = "bold green" if held == total else "bold red"
    missing = sum(bool(row.fault) for row in run.layers)
    text = f"{held} of {counted(total, 'layer')}: the real shape is the inferred shape"
    text += f"; {missing} {'was' if missing == 1 else 'were'} not computed" if missing else ""
    blocks: list[PageBlock] = [Paragraph(text, style)]
    blocks.append(Paragraph(_products(run)))
    if run.first:
        blocks.append(Paragraph(f"not finite: '{run.first}' is the first layer with NaN or infinity", "bold red"))
    time = f"time {1e3 * run.seconds:.1f} ms, and {1e3 * run.preparation:.0f} ms to prepare weights and kernels"
    blocks.append(Paragraph(time))
    if run.needs is not None:
        measured = f", measured {bytes_text(run.peak)}" if run.peak else ""
        needs = run.needs
        parts = ", ".join(f"{name} {bytes_text(figure)}" for name, figure in needs._asdict().items() if figure)
        blocks.append(Paragraph(f"peak memory predicted {bytes_text(needs.total)}{measured} ({parts})"))
    top = run.top()
    if top:
        blocks.append(Paragraph("top-5: " + ", ".join(f"{index} ({value:.4g})" for index, value in top)))
    return blocks


def _products(run: Run) -> str:
    tallies = [row.tally for row in run.layers if row.tally]
    expected = sum(row.node.macs(run.batch) for row in run.layers)
    direct, performed = sum(tally.direct for tally in tallies), sum(tally.performed for tally in tallies)
    same = "as many were summed" if direct == expected else f"{exact(direct)} were summed"
    text = f"{counted(expected, 'MAC')} {'is' if expected == 1 else 'are'} counted, {same}"
    fast = sum(bool(tally.method) for tally in tallies)
    if fast:
        text += f" (directly; {short(performed)} with Winograd's algorithm in {counted(fast, 'layer')})"
    return text


# --- for scripts ---------------------------------------------------------------------------------------------


def _found(row: LayerRun, batch: int) -> dict[str, object]:
    return {
        "inferred_shape": row.inferred(batch),
        "actual_shape": row.actual,
        "match": row.holds(batch),
        "seconds": row.seconds,
        "gflops": row.gflops(batch),
        "products": row.tally.performed if row.tally else 0,
        "direct_products": row.tally.direct if row.tally else 0,
        "algorithm": row.tally.method if row.tally else "",
        **record_of(row, "fused_into", "finite", "fault"),
    }
