"""Where a network is heavy, and what changes would save, as a page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from textwrap import dedent

from cnncalc.rendering.page import Bar, Cell, Column, Heading, Line, Rule, TableRow, paragraph, table
from cnncalc.rendering.text import dims, duration, exact, percent, short, size
from cnncalc.studies.changes import Change, Figures, Workbench
from cnncalc.studies.hotspots import Hotspots, Spot

_TITLES = {"macs": "MACs", "params": "params", "activations": "activation memory", "seconds": "predicted time"}

LONGEST_NAMES = 50
"""How many signs the names of changed layers may take together."""

_UNITS = {"macs": "MACs", "params": "params", "activations": "bytes", "seconds": "time"}


def page(
    bench: Workbench,
    spots: Sequence[Hotspots],
    changes: Sequence[tuple[Change, str]],
    top: int,
    layout: str,
    width: int | None,
    terminal: bool,
) -> list[Line]:
    """Return the whole page; each change comes with the command line that makes it, or "" where an edit does."""
    lines = _heading(bench, layout)
    for hot in spots:
        lines += [[], *_most(hot, bench, top, width, terminal)]
    lines += [[], [("What a change would save: the whole network, recomputed", "bold")], []]
    lines += _savings(bench.before, [change for change, _ in changes], width, terminal)
    lines += [[], [("How", "bold")], []]
    for number, (change, command) in enumerate(changes, 1):
        lines += _recipe(number, change, command, width)
    return lines


def _heading(bench: Workbench, layout: str) -> list[Line]:
    summary, machine = bench.summary, bench.machine
    title = summary.name if summary.variant is None else f"{summary.name} · {summary.variant}"
    inputs = ", ".join(dims(shape[1:], layout) for shape in summary.inputs.values())
    speed = f"{short(machine.flops)}FLOP/s, {short(machine.bandwidth)}B/s"
    return [
        [(title, "bold"), (f"   input {inputs}   batch {summary.batch}   {summary.dtype}", "")],
        [(f"on a machine of {speed}: below {machine.ridge:g} FLOPs a byte, memory is the bound", "dim")],
    ]


# --- where it is heavy ---------------------------------------------------------------------------------------


def _most(hot: Hotspots, bench: Workbench, top: int, width: int | None, terminal: bool) -> list[Line]:
    count, layers = len(hot.spots), len(bench.summary.rows)
    if not hot.spots:
        return [[(f"{_TITLES[hot.figure]}: none", "bold")]]
    make = f"layer{'s' * (layers > 1)} make{'s' * (count == 1)}"
    title = f"{_TITLES[hot.figure]}: {count} of {layers} {make} {percent(hot.spots[-1].so_far)} of {_figure(hot)}"
    timed = hot.figure == "seconds"
    columns = [Column("layer", folds=True), Column("type", folds=True), Column(_UNITS[hot.figure], right=True)]
    columns += [Column("", bar=True), Column("share", right=True), Column("so far", right=True)]
    columns += [Column("FLOPs/byte", right=True), Column("bound")] if timed else []
    rows: list[TableRow] = [_spot(spot, hot.figure) for spot in hot.spots[:top]]
    if count > top:
        rest = hot.spots[-1].so_far - hot.spots[top - 1].so_far
        blank = ["", ""] if timed else []
        rows.append([f"… {count - top} more", "", "", Bar(0), percent(rest), percent(hot.spots[-1].so_far), *blank])
    return [[(title, "bold")], *table(columns, rows, width, terminal)]


def _figure(hot: Hotspots) -> str:
    if hot.figure == "seconds":
        return duration(hot.total)
    return size(int(hot.total)) if hot.figure == "activations" else exact(int(hot.total))


def _spot(spot: Spot, figure: str) -> list[str | Cell | Bar]:
    row = spot.row
    cells: list[str | Cell | Bar] = [row.name, f"{row.type} {row.label}".rstrip()]
    cells.append(duration(spot.figure) if figure == "seconds" else exact(int(spot.figure)))
    cells += [Bar(spot.share, "cyan"), percent(spot.share), percent(spot.so_far)]
    return [*cells, f"{spot.estimate.intensity:.1f}", spot.estimate.bound] if figure == "seconds" else cells


# --- what would save -----------------------------------------------------------------------------------------


def _savings(before: Figures, changes: Sequence[Change], width: int | None, terminal: bool) -> list[Line]:
    columns = [
        Column("#", right=True),
        Column("change", folds=True),
        Column("params", right=True),
        Column("", right=True, drop=2),
        Column("MACs", right=True),
        Column("", right=True, drop=3),
        Column("weights", right=True),
        Column("peak", right=True, drop=1),
        Column("time", right=True),
    ]
    rows: list[TableRow] = [["", Cell("as it is", "bold"), *_cells(before, before)], Rule()]
    above = ""
    for number, change in enumerate(changes, 1):
        where = _where(change)
        if where != above:
            rows.append(Heading(where))
        above = where
        rows.append([str(number), change.name, *_cells(change.after, before)])
    return table(columns, rows, width, terminal)


def _cells(after: Figures, before: Figures) -> list[str]:
    return [
        exact(after.params),
        _less(after.params, before.params),
        exact(after.macs),
        _less(after.macs, before.macs),
        size(after.weights),
        size(after.peak),
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


def _recipe(number: int, change: Change, command: str, width: int | None) -> list[Line]:
    label = f"{number:>3}  "
    if change.edits:
        lines: list[Line] = []
        for edit in change.edits:
            first = f"{edit.first}" if edit.first == edit.last else f"{edit.first}–{edit.last}"
            place = f"{os.path.basename(edit.file)}, in place of line{'s' if edit.first != edit.last else ''} {first}:"
            lines.append([(label if not lines else " " * len(label), "dim"), (place, "dim")])
            lines += [[(" " * len(label) + text, "")] for text in dedent(edit.text).splitlines()]
        return lines
    text = paragraph(command or f"in PyTorch: {change.elsewhere}", width and width - len(label))
    return [[(label if not place else " " * len(label), "dim"), *line] for place, line in enumerate(text)]
