"""What changes would save on a device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnncalc.deployment.view import Deployment
from cnncalc.ground.numbers import exact, first_of, signed
from cnncalc.rendering.blocks import GAP, Cell, Column, Divider, PageBlock, Paragraph, Table, TableRow, Title
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.views.deploy import verdict
from cnncalc.rendering.writers import View
from cnncalc.studies.device.budgets import DeviceBytes
from cnncalc.studies.device.changes import DeviceChange, figures

LONGEST = 3
"""Number of layers that are named for a change."""


class DeviceChangesView(View):
    """Changes that save bytes on a device."""

    columns = ("change", "layers", "arena", "ram_max", "flash", "how")

    def __init__(self, found: Deployment, changes: Sequence[DeviceChange]) -> None:
        self.found = found
        self.changes = changes
        self.before = figures(found)

    def page(self, screen: Screen) -> list[PageBlock]:
        """Return what would break first, a table of the changes, and how each is made."""
        found, before = self.found, self.before
        columns = [
            Column("#", right=True), Column("change", folds=True),
            Column("arena", right=True), Column("", right=True, drop=1),
            Column("RAM at most", right=True), Column("flash at most", right=True), Column("", right=True, drop=1),
        ]  # fmt: skip
        rows: list[TableRow] = [["", Cell("as it is", "bold"), *_cells(before, before)], Divider()]
        rows += [[str(number), one.name, *_cells(one.after, before)] for number, one in enumerate(self.changes, 1)]
        blocks: list[PageBlock] = [Title(f"{found.graph.name} on tflite-micro, {found.graph.kind.name}")]
        blocks += [*verdict(found), GAP, Table(columns, rows), GAP, Title("How")]
        for number, one in enumerate(self.changes, 1):
            named = f": {first_of(one.layers, LONGEST)}" if one.layers else ""
            blocks.append(Paragraph(f"{one.how}{named}", label=(f"{number:>3}  ", "dim")))
        return blocks

    def document(self) -> dict[str, object]:
        graph = self.found.graph
        head = {"name": graph.name, "quant": graph.kind.name, "before": self.before._asdict()}
        return {**head, "changes": list(self.records())}

    def records(self) -> Iterator[dict[str, object]]:
        for one in self.changes:
            yield {"change": one.name, "layers": one.layers, **one.after._asdict(), "how": one.how}


def _cells(after: DeviceBytes, before: DeviceBytes) -> list[str]:
    return [
        exact(after.arena), _less(after.arena, before.arena), exact(after.ram_max), exact(after.flash),
        _less(after.flash, before.flash),
    ]  # fmt: skip


def _less(after: int, before: int) -> str:
    return "" if after == before else signed(after - before)
