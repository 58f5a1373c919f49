"""The most expensive layers, and the savings of changes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from textwrap import dedent

from cnncalc.figures.catalogue import BYTES, CATALOGUE, HEADINGS
from cnncalc.ground.numbers import bytes_text, duration, exact, percent, short
from cnncalc.rendering.blocks import GAP, Bar, Cell, Column, Divider, PageBlock, Paragraph, Table, TableRow, Text, Title
from cnncalc.rendering.layout import under_headings
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.texts import basis, figure_text, title, title_of
from cnncalc.rendering.writers import View, record_of
from cnncalc.studies.hotspots import HeavyLayer, Hotspots
from cnncalc.studies.savings.workbench import Change, Figures, Workbench

COLUMNS = (
    "by", "layer", "type", "figure", "share", "so_far", "flops_per_byte", "bound",
    "change", "layers", "params", "macs", "flops", "weight_bytes", "peak_bytes", "seconds", "command", "lines", "text",
    "weights", "peak",
)  # fmt: skip
"""Columns of csv, tsv and Markdown: expensive layers first (``by`` a figure), then changes (``by`` is ``change``); the
last ones are former names of some figures.
"""

_OLD = {"output_bytes": "activations"}
"""Former names of figures that are not in the catalogue."""

LONGEST_NAMES = 50
"""Largest total length of the names of changed layers."""


class HotspotsView(View):
    """The most expensive layers, and changes, each with its command line, or "" if an edit makes it.

    The first ``top`` layers are shown for each figure.
    """

    columns = COLUMNS

    def __init__(
        self, bench: Workbench, spots: Sequence[Hotspots], changes: Sequence[tuple[Change, str]], top: int
    ) -> None:
        self.bench = bench
        self.spots = spots
        self.changes = changes
        self.top = top

    def page(self, screen: Screen) -> list[PageBlock]:
        """Return the layers, and the changes with their savings."""
        blocks = _heading(self.bench, screen.layout)
        for hot in self.spots:
            blocks += [GAP, *_most(hot, len(self.bench.summary.rows), self.top)]
        blocks += [GAP, Title("What a change would save: the whole network, recomputed"), GAP]
        blocks += [_savings(self.bench.before, [change for change, _ in self.changes])]
        blocks += [GAP, Title("How"), GAP]
        for number, (change, command) in enumerate(self.changes, 1):
            blocks += _recipe(number, change, command)
        return blocks

    def document(self) -> dict[str, object]:
        machine = self.bench.machine
        return {
            **record_of(self.bench.summary, "name", "variant", "batch", "dtype"),
            "machine": machine._asdict() | {"ridge": machine.ridge},
            "hotspots": {
                name: {
                    "total": hot.total,
                    "count": len(hot.spots),
                    "share": hot.spots[-1].so_far if hot.spots else 0.0,
                    "layers": [_spot_record(spot) for spot in hot.spots[: self.top]],
                }
                for hot in self.spots
                for name in (hot.figure, *([_OLD[hot.figure]] if hot.figure in _OLD else []))
            },
            "before": _figures(self.bench.before),
            "changes": [_change(change, command) for change, command in self.changes],
        }

    def records(self) -> Iterator[dict[str, object]]:
        """Yield one record per heavy layer and figure, then one per change."""
        for hot in self.spots:
            for spot in hot.spots[: self.top]:
                yield {"by": hot.figure, **_spot_record(spot)}
        for change, command in self.changes:
            record = {key: value for key, value in _change(change, command).items() if key not in ("edits", "after")}
            lines = [f"{edit.first}-{edit.last}" for edit in change.edits]
            text = "".join([edit.text for edit in change.edits])
            yield {"by": "change", **record, **_figures(change.after), "lines": lines, "text": text}


# --- the page ------------------------------------------------------------------------------------------------


def _heading(bench: Workbench, layout: str) -> list[PageBlock]:
    summary, machine = bench.summary, bench.machine
    speed = f"{short(machine.flops)}FLOP/s, {short(machine.bandwidth)}B/s"
    return [
        Title(title(summary), basis(summary, layout)),
        Paragraph(f"on a machine of {speed}: below {machine.ridge:g} FLOPs per byte, memory is the bound", "dim"),
    ]


# --- expensive layers ----------------------------------------------------------------------------------------


def _most(hot: Hotspots, layers: int, top: int) -> list[PageBlock]:
    count = len(hot.spots)
    if not hot.spots:
        return [Title(f"{title_of(hot.figure)}: none")]
    make = f"layer{'s' * (layers > 1)} make{'s' * (count == 1)}"
    most = f"{percent(hot.spots[-1].so_far)} of {figure_text(hot.figure, hot.total)}"
    heading = f"{title_of(hot.figure)}: {count} of {layers} {make} {most}"
    timed, unit = hot.figure == "seconds", HEADINGS[hot.figure].unit
    head = "time" if timed else unit if unit == BYTES else title_of(hot.figure)
    columns = [Column("layer", folds=True), Column("type", folds=True), Column(head, right=True)]
    columns += [Column("", bar=True, drop=1), Column("share", right=True), Column("so far", right=True)]
    columns += [Column("FLOPs/byte", right=True), Column("bound")] if timed else []
    rows: list[TableRow] = [_spot(spot, hot.figure) for spot in hot.spots[:top]]
    if count > top:
        rest = hot.spots[-1].so_far - hot.spots[top - 1].so_far
        blank = ["", ""] if timed else []
        rows.append([f"… {count - top} more", "", "", Bar(0), percent(rest), percent(hot.spots[-1].so_far), *blank])
    return [Title(heading), Table(columns, rows)]


def _spot(spot: HeavyLayer, figure: str) -> list[str | Cell | Bar]:
    row = spot.row
    cells: list[str | Cell | Bar] = [row.name, row.described]
    cells.append(duration(spot.figure) if figure == "seconds" else exact(int(spot.figure)))
    cells += [Bar(spot.share, "cyan"), percent(spot.share), percent(spot.so_far)]
    return [*cells, f"{spot.estimate.intensity:.1f}", spot.estimate.bound] if figure == "seconds" else cells


# --- what would save -----------------------------------------------------------------------------------------


def _savings(before: Figures, changes: Sequence[Change]) -> Table:
    columns = [
        Column("#", right=True),
        Column("change", folds=True),
        Column(title_of("params"), right=True),
        Column("", right=True, drop=2),
        Column(title_of("macs"), right=True),
        Column("", right=True, drop=3),
        Column(title_of("weight_bytes"), right=True),
        Column(title_of("peak_bytes"), right=True, drop=1),
        Column("time", right=True),
    ]
    now: list[TableRow] = [["", Cell("as it is", "bold"), *_cells(before, before)], Divider()]
    rows = [
        (_where(change), [str(number), change.name, *_cells(change.after, before)])
        for number, change in enumerate(changes, 1)
    ]
    return Table(columns, now + under_headings(rows))


def _cells(after: Figures, before: Figures) -> list[str]:
    return [
        exact(after.params),
        _less(after.params, before.params),
        exact(after.macs),
        _less(after.macs, before.macs),
        bytes_text(after.weight_bytes),
        bytes_text(after.peak_bytes),
        "" if after.seconds is None else duration(after.seconds),
    ]


def _less(after: int, before: int) -> str:
    if after == before or not before:
        return ""
    sign = "−" if after < before else "+"
    return sign + percent(abs(after - before) / before)


def _where(change: Change) -> str:
    if not change.layers:
        return "the network"
    first, *others = change.layers
    named = ", ".join(change.layers)
    if len(named) > LONGEST_NAMES:
        named = f"{first} and {len(others)} more"
    lines = ", ".join(str(edit.first) for edit in change.edits)
    return f"{named}   line{'s' if len(change.edits) > 1 else ''} {lines}" if lines else named


def _recipe(number: int, change: Change, command: str) -> list[PageBlock]:
    label = f"{number:>3}  "
    if not change.edits:
        return [Paragraph(command or f"in PyTorch: {change.elsewhere}", label=(label, "dim"))]
    blocks: list[PageBlock] = []
    for edit in change.edits:
        first = f"{edit.first}" if edit.first == edit.last else f"{edit.first}–{edit.last}"
        place = f"{os.path.basename(edit.file)}, in place of line{'s' if edit.first != edit.last else ''} {first}:"
        blocks.append(Text([(label if not blocks else " " * len(label), "dim"), (place, "dim")]))
        blocks += [Text([(" " * len(label) + text, "")]) for text in dedent(edit.text).splitlines()]
    return blocks


# --- for scripts ---------------------------------------------------------------------------------------------


def _spot_record(spot: HeavyLayer) -> dict[str, object]:
    return {
        "layer": spot.row.name,
        "type": spot.row.type,
        "figure": spot.figure,
        **record_of(spot, "share", "so_far"),
        "flops_per_byte": spot.estimate.intensity,
        "bound": spot.estimate.bound,
    }


def _change(change: Change, command: str) -> dict[str, object]:
    return {
        "change": change.name,
        "layers": list(change.layers),
        "command": command or change.elsewhere or None,
        "edits": [edit._asdict() for edit in change.edits],
        "after": _figures(change.after),
    }


def _figures(figures: Figures) -> dict[str, object]:
    """Return figures, also under their former names."""
    found = figures._asdict()
    older = {figure.old: found[figure.name] for figure in CATALOGUE.values() if figure.old and figure.name in found}
    return found | older
