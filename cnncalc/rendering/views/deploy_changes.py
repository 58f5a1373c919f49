"""What changes would save on a device."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.deployment.view import Deployment
from cnncalc.ground.numbers import exact, signed
from cnncalc.rendering.blocks import Cell, Column, Divider, Gap, PageBlock, Paragraph, Table, TableRow, Title
from cnncalc.rendering.views.deploy import verdict
from cnncalc.rendering.writers import View
from cnncalc.studies.device.budgets import DeviceBytes
from cnncalc.studies.device.changes import DeviceChange, figures

COLUMNS = ("change", "layers", "arena", "ram_max", "flash", "how")
LONGEST = 3
"""Number of layers that are named for a change."""


def view(found: Deployment, changes: Sequence[DeviceChange]) -> View:
    """Return changes in every format."""
    return View(
        page=lambda screen: page(found, changes),
        document=lambda: document(found, changes),
        records=lambda: map(record, changes),
        columns=COLUMNS,
    )


def page(found: Deployment, changes: Sequence[DeviceChange]) -> list[PageBlock]:
    """Return what would break first, a table of the changes, and how each is made."""
    before = figures(found)
    columns = [
        Column("#", right=True), Column("change", folds=True),
        Column("arena", right=True), Column("", right=True, drop=1),
        Column("RAM at most", right=True), Column("flash at most", right=True), Column("", right=True, drop=1),
    ]  # fmt: skip
    rows: list[TableRow] = [["", Cell("as it is", "bold"), *_cells(before, before)], Divider()]
    rows += [[str(number), one.name, *_cells(one.after, before)] for number, one in enumerate(changes, 1)]
    blocks: list[PageBlock] = [Title(f"{found.graph.name} on tflite-micro, {found.graph.kind.name}")]
    blocks += [*verdict(found), Gap(), Table(columns, rows), Gap(), Title("How")]
    for number, one in enumerate(changes, 1):
        blocks.append(Paragraph(f"{one.how}{_named(one.layers)}", label=(f"{number:>3}  ", "dim")))
    return blocks


def _named(layers: Sequence[str]) -> str:
    if not layers:
        return ""
    more = f" and {len(layers) - LONGEST} more" if len(layers) > LONGEST else ""
    return f": {', '.join(layers[:LONGEST])}{more}"


def _cells(after: DeviceBytes, before: DeviceBytes) -> list[str]:
    return [
        exact(after.arena), _less(after.arena, before.arena), exact(after.ram_max), exact(after.flash),
        _less(after.flash, before.flash),
    ]  # fmt: skip


def _less(after: int, before: int) -> str:
    return "" if after == before else signed(after - before)


def document(found: Deployment, changes: Sequence[DeviceChange]) -> dict[str, object]:
    """Return everything as one object."""
    return {
        "name": found.graph.name,
        "quant": found.graph.kind.name,
        "before": figures(found)._asdict(),
        "changes": [record(one) for one in changes],
    }


def record(change: DeviceChange) -> dict[str, object]:
    """Return one change as an object."""
    return {"change": change.name, "layers": change.layers, **change.after._asdict(), "how": change.how}
