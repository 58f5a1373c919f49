"""Networks side by side: figures with ratios, and of two the layers as a diff."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from cnncalc.figures.summary import Row, Summary
from cnncalc.layers.arguments import value_text
from cnncalc.rendering.page import Cell, Column, Heading, Line, Rule, TableRow, table
from cnncalc.rendering.summary_page import section_depth, section_of, type_text
from cnncalc.rendering.text import dims, exact, size
from cnncalc.studies.comparison import ADDED, CHANGED, REMOVED, SAME, Change, Figure

MARKS = {SAME: " ", CHANGED: "~", ADDED: "+", REMOVED: "-"}
STYLES = {SAME: "dim", CHANGED: "yellow", ADDED: "green", REMOVED: "red"}
NAMES_WIDTH, FIGURE_WIDTH, RATIO_WIDTH = 14, 19, 11
"""Columns that a figure's name, a value and a ratio take with what is between them, at most."""


def page(
    names: Sequence[str],
    summaries: Sequence[Summary],
    found: list[Figure],
    changes: list[Change] | None,
    context: int,
    layout: str,
    width: int | None,
    terminal: bool,
) -> list[Line]:
    """Return the figures, as many networks beside the first as fit, and the layers of two."""
    lines: list[Line] = []
    for name, summary in zip(names, summaries, strict=True):
        lines.append([(name, "bold"), (_about(summary, layout), "")])
    for first in range(1, len(names), room := _room(width, len(names))):
        chosen = [0, *range(first, min(first + room, len(names)))]
        lines += [[], *_figures(names, chosen, found, summaries[0].figure, width, terminal)]
    if changes is not None:
        lines += [[], *layers(changes, summaries[0].figure, context, layout, width, terminal)]
    return lines


def _about(summary: Summary, layout: str) -> str:
    inputs = ", ".join(dims(shape[1:], layout) for shape in summary.inputs.values())
    return f"   {summary.name}   input {inputs}   batch {summary.batch}   {summary.dtype}"


def _room(width: int | None, count: int) -> int:
    """Return how many networks fit beside the first."""
    if width is None:
        return count
    return max(1, (width - NAMES_WIDTH - FIGURE_WIDTH) // (FIGURE_WIDTH + RATIO_WIDTH))


def _figures(
    names: Sequence[str], chosen: list[int], found: list[Figure], macs: str, width: int | None, terminal: bool
) -> list[Line]:
    columns = [Column("")]
    for index in chosen:
        columns += [Column(names[index], right=True)] + [Column("ratio", right=True)] * (index > 0)
    rows: list[TableRow] = []
    for group, of_group in groupby(found, lambda figure: figure.group):
        if group != "total":
            rows.append(Heading(group))
        rows += [_row(figure, chosen, macs) for figure in of_group if any(figure.values)]
    return table(columns, rows, width, terminal)


def _row(figure: Figure, chosen: list[int], macs: str) -> list[str | Cell]:
    titles = {"macs": macs, "flops": "FLOPs"}
    indent = "" if figure.group == "total" else "  "
    cells: list[str | Cell] = [indent + titles.get(figure.name, figure.name)]
    show = size if figure.group == "memory" else exact
    for index in chosen:
        cells.append(show(figure.values[index]))
        if index:
            cells.append(ratio(figure.ratios[index]))
    return cells


def ratio(value: float | None) -> Cell:
    """Return ``×1.94``, ``=`` where nothing changes, ``new`` where there was nothing before."""
    if value is None:
        return Cell("new", "green")
    if value == 1:
        return Cell("=", "dim")
    digits = 3 if value < 9.9995 else 1 if value < 999.95 else 0
    shown = f"×{value:,.{digits}f}" if value >= 0.001 or value == 0 else f"×{value:.2g}"
    return Cell(shown, "yellow" if value > 1 else "green")


# --- the layers ----------------------------------------------------------------------------------------------


def layers(
    changes: list[Change], macs: str, context: int, layout: str, width: int | None, terminal: bool
) -> list[Line]:
    """Return the diff: what changed with ``context`` layers around it, a changed layer on two lines."""
    counts = Counter(one.change for one in changes)
    told = ", ".join(f"{counts[what]:,} {what}" for what in (SAME, CHANGED, ADDED, REMOVED) if counts[what])
    if not set(counts) - {SAME}:
        return [[(f"All {counts[SAME]:,} layers are the same.", "bold")]]
    cells: list[list[Cell] | str] = []
    for shown, group in groupby(zip(_near(changes, context), changes, strict=True), lambda pair: pair[0]):
        hunk = [one for _, one in group]
        cells += [row for one in hunk for row in _change(one, layout)] if shown else [f"… {len(hunk)} the same"]
    columns = (
        Column(""),
        Column("layer", folds=True),
        Column("type", folds=True),
        Column("output", right=True),
        Column("params", right=True),
        Column(macs, right=True),
    )
    return [*table(columns, [*_sectioned(cells, width), Rule()], width, terminal), [(f"Layers: {told}.", "bold")]]


def _sectioned(rows: list[list[Cell] | str], width: int | None) -> Iterator[TableRow]:
    """Return the rows under headings with what their names share, where whole names don't fit."""
    cells = [row for row in rows if not isinstance(row, str)]
    widths = [max([len(row[index].text) for row in cells]) for index in range(len(cells[0]))]
    depth = section_depth([row[1].text for row in cells], sum(widths) - widths[1] + 2 * len(widths), width)
    above = ""
    for row in rows:
        if isinstance(row, str):
            yield Heading(row)
            above = ""
            continue
        section, name = section_of(row[1].text, depth)
        if section != above and section:
            yield Heading(f"   {section}")
        above = section
        yield [row[0], Cell(f"  {name}" if section else name, row[1].style), *row[2:]]


def _near(changes: list[Change], context: int) -> list[bool]:
    """Whether each is shown: it is not the same, or at most ``context`` away from one that is not."""
    near = [one.change != SAME for one in changes]
    shown = near[:]
    for index in [index for index, is_near in enumerate(near) if is_near]:
        for other in range(max(index - context, 0), min(index + context + 1, len(near))):
            shown[other] = True
    return shown


def _change(one: Change, layout: str) -> list[list[Cell]]:
    mark, style = MARKS[one.change], STYLES[one.change]
    if one.change == CHANGED and one.a is not None and one.b is not None:
        old, new = _not_in_label(one.a, one.b), _not_in_label(one.b, one.a)
        return [_layer(mark, one.a, layout, style, old), _layer("→", one.b, layout, style, new)]
    row = one.b if one.a is None else one.a
    assert row is not None
    return [_layer(mark, row, layout, style)]


def _not_in_label(row: Row, other: Row) -> str:
    """Return what of a layer its label does not tell from the other's: an argument, or what it reads."""
    if row.label != other.label or row.input_shapes != other.input_shapes:
        return ""
    if row.args == other.args:
        return f" of {', '.join(row.inputs)}"
    theirs = other.args
    return "".join(f", {name}: {value_text(value)}" for name, value in row.args.items() if theirs.get(name) != value)


def _layer(mark: str, row: Row, layout: str, style: str, more: str = "") -> list[Cell]:
    texts = (
        mark,
        row.name,
        type_text(row) + more,
        dims(row.output_shape[1:], layout),
        exact(row.params),
        exact(row.macs),
    )
    return [Cell(text, style) for text in texts]
