"""The page of a summary: the layers, the contrast of compute and parameters, the totals and the verdict."""

from __future__ import annotations

from cnncalc.figures.costs import OWN_CONVENTION
from cnncalc.figures.fields import Fields
from cnncalc.figures.selection import BLOCK
from cnncalc.figures.summary import Row, Summary, share
from cnncalc.ground.numbers import bytes_text, counted, exact, percent, short
from cnncalc.layers.shapes import axis_names, beside_sizes, crossed
from cnncalc.rendering.blocks import GAP, Bar, Cell, Column, Divider, PageBlock, Paragraph, Table, TableRow, Title
from cnncalc.rendering.cells import cells as width_of
from cnncalc.rendering.layout import BAR_NARROWEST, under_headings
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.texts import (
    KIND_STYLES,
    basis,
    field_size,
    figure_text,
    labelled,
    section_depth,
    section_of,
    title,
    title_of,
)
from cnncalc.rendering.verdict import verdict

LAYER_COLUMNS = ("layer", "type", "output", "params", "macs")
"""The default columns of the table; ``params`` and ``macs`` have bars and shares."""

_LAST = 100
"""Position in the order of leaving out columns from which requested columns are left out."""

_TITLES = {
    "layer": Column("layer", folds=True),
    "type": Column("type", folds=True),
    "output": Column("output", right=True),
    "input": Column("input", right=True),
    "kind": Column("kind"),
    "index": Column("#", right=True),
    "receptive_field": Column("sees", right=True, drop=4),
}


def page(
    summary: Summary, rows: list[Row], rest: Row | None, columns: tuple[str, ...] | None, device: str, screen: Screen
) -> list[PageBlock]:
    """Return the whole page; arguments as of :class:`cnncalc.rendering.views.summary.SummaryView`."""
    table = layers(summary, rows, rest, columns or LAYER_COLUMNS, screen)
    last = verdict(summary) if summary.convention == OWN_CONVENTION else convention(summary)
    return [
        *_heading(summary, screen.layout),
        table,
        GAP,
        _contrast(summary),
        GAP,
        *_totals(summary, screen.layout),
        *labelled([("device", device)] if device else []),
        GAP,
        Paragraph(last, "bold"),
    ]


def _heading(summary: Summary, layout: str) -> list[PageBlock]:
    counted = "" if summary.convention == OWN_CONVENTION else f"   convention {summary.convention}"
    source = [Paragraph(summary.source, "dim")] if summary.source else []
    return [Title(title(summary), basis(summary, layout) + counted), *source, GAP]


# --- the layers ----------------------------------------------------------------------------------------------


def layers(summary: Summary, rows: list[Row], rest: Row | None, columns: tuple[str, ...], screen: Screen) -> Table:
    """Return the table of layers; if names don't fit, rows are grouped under headings with their common parts."""
    shown: list[Column] = []
    for place, name in enumerate(columns):
        if name in ("params", "macs"):
            shown += _with_share(summary.figure if name == "macs" else name)
        else:
            shown.append(_TITLES.get(name) or Column(title_of(name), right=True, drop=_LAST - place))
    names = [row.name for row in rows if row.type != BLOCK]
    others = 0 if screen.width is None else _other_widths(rows, columns, screen.layout)
    depth = section_depth(names, others, screen.width)
    named = [("", row.name) if row.type == BLOCK else section_of(row.name, depth) for row in rows]
    body = under_headings(
        (section, _layer(row, f"  {name}" if section else name, summary, columns, screen.layout))
        for row, (section, name) in zip(rows, named, strict=True)
    )
    if rest is not None:
        body.append(_layer(rest, rest.name, summary, columns, screen.layout))
    return Table(shown, [*body, Divider(), _sum(summary, columns)])


def _with_share(figure: str) -> list[Column]:
    """Return the columns of a figure, its bar and its share."""
    return [Column(figure, right=True), Column("", bar=True, drop=1), Column("", right=True, drop=3)]


def _other_widths(rows: list[Row], columns: tuple[str, ...], layout: str) -> int:
    """Return the width of the columns other than names, with the narrowest bars."""
    types = max((width_of(row.described) for row in rows), default=0)
    shapes = max((len(crossed(row.output_shape[1:], layout)) for row in rows), default=0)
    figures = sum(14 + 2 + BAR_NARROWEST + 2 for name in columns if name in ("params", "macs"))
    others = 14 * sum(name not in (*_TITLES, "params", "macs") for name in columns)
    return types + shapes + figures + others + 2 * len(columns)


def _layer(row: Row, name: str, summary: Summary, columns: tuple[str, ...], layout: str) -> list[str | Cell | Bar]:
    style = KIND_STYLES.get(BLOCK if row.type == BLOCK else row.kind, "")
    cells: list[str | Cell | Bar] = []
    for column in columns:
        if column == "layer":
            cells.append(Cell(name, style))
        elif column == "type":
            cells.append(row.described)
        elif column in ("params", "macs"):
            figure = getattr(row, column)
            part = share(figure, getattr(summary.totals, column))
            cells += [exact(figure), Bar(part, style or "dim"), percent(part) if figure else ""]
        elif column in ("output", "input"):
            shapes = (row.output_shape,) if column == "output" else row.input_shapes
            cells.append(", ".join(crossed(shape[1:], layout) for shape in shapes) if row.output_shape else "")
        elif column == "receptive_field":
            cells.append(crossed(row.receptive_field))
        else:
            value = getattr(row, column)
            cells.append(figure_text(column, value) if isinstance(value, int) and column != "index" else str(value))
    return cells


def _sum(summary: Summary, columns: tuple[str, ...]) -> list[str | Cell | Bar]:
    cells: list[str | Cell | Bar] = []
    for column in columns:
        if column == "layer":
            cells.append(Cell("total", "bold"))
        elif column == "type":
            cells.append(Cell(counted(summary.totals.layers, "layer"), "bold"))
        elif column in ("params", "macs"):
            cells += [Cell(exact(getattr(summary.totals, column)), "bold"), Bar(0), ""]
        else:
            total = getattr(summary.totals, column, None)
            cells.append(Cell(figure_text(column, total), "bold") if isinstance(total, int) else "")
    return cells


# --- the contrast --------------------------------------------------------------------------------------------


def _contrast(summary: Summary) -> Table:
    columns = [Column("kind"), Column("layers", right=True, drop=2)]
    columns += [*_with_share("params"), *_with_share(summary.figure)]
    rows: list[TableRow] = []
    for name, kind in summary.kinds.items():
        style = KIND_STYLES.get(name, "")
        cells: list[str | Cell | Bar] = [Cell(name, style), str(kind.layers)]
        for figure, part in ((kind.params, kind.params_share), (kind.macs, kind.macs_share)):
            cells += [exact(figure), Bar(part, style or "dim"), percent(part)]
        rows.append(cells)
    return Table(columns, rows)


def _totals(summary: Summary, layout: str) -> list[PageBlock]:
    totals, memory = summary.totals, summary.totals.memory
    word, _, tool = summary.figure.rstrip(")").partition(" (")
    tool, own = (f", as {tool} counts", ", cnncalc's own") if tool else ("", "")
    sizes = ", ".join([f"{name} {bytes_text(getattr(memory, name))}" for name in ("weights", "forward", "peak")])
    outputs = ", ".join(
        [f"{beside_sizes(name)} {crossed(shape[1:], layout)}" for name, shape in summary.outputs.items()]
    )
    lines = [
        ("params", exact(totals.params) + (f", and {counted(totals.buffers, 'buffer')}" if totals.buffers else "")),
        (word, f"{exact(totals.macs)}   ({short(totals.macs)}{tool})"),
        ("FLOPs", f"{exact(totals.flops)}   ({short(totals.flops)}{own})"),
        ("activations", f"{exact(totals.activations)} (conv and linear outputs)"),
        ("memory", sizes),
        ("", f"at {memory.peak_at}; training {bytes_text(memory.training)} ({memory.optimizer})"),
    ]
    if word == "FLOPs":
        del lines[2]
    lines += [("" if number else "field", text) for number, text in enumerate(_field_texts(summary))]
    lines.append(("output", outputs))
    if summary.disagreeing_strides:
        names = ", ".join(summary.disagreeing_strides[:3])
        lines.append(("note", f"branches of different stride meet at {names}"))
    if summary.uncounted:
        lines.append(("uncounted", f"no {word if tool else 'FLOPs'} are defined for {', '.join(summary.uncounted)}"))
    return labelled(lines)


def _field_texts(summary: Summary) -> list[str]:
    """Return texts on each output's fields on all inputs; outputs with equal fields are named together."""
    found: dict[str, list[str]] = {}
    alone = len(summary.outputs) == 1
    for name, by_input in summary.receptive_fields.items():
        shape = summary.outputs[name]
        is_map = len(shape) > 2 and max(shape[2:]) > 1
        who = ("an output position sees" if is_map else "the output sees") if alone else "a position sees" * is_map
        parts = [_field_text(fields, summary, source, is_map) for source, fields in by_input.items()]
        if parts:
            found.setdefault(f"{who or 'sees'} {'; '.join(parts)}", []).append(name)
    return [text if alone else f"{', '.join(map(beside_sizes, names))}: {text}" for text, names in found.items()]


def _field_text(fields: Fields, summary: Summary, source: str, is_map: bool) -> str:
    """Return ``3×3 of the input's 16×16, 1×1 apart``."""
    whose = "the input's" if len(summary.inputs) == 1 else f"{source}'" + "s" * (not source.endswith("s"))
    step = _steps(fields) if is_map else ""
    padded = " (with padding)" if any(axis.size > axis.input_size for axis in fields) else ""
    return f"{field_size(fields)}{padded} of {whose} {crossed([axis.input_size for axis in fields])}{step}"


def _steps(fields: Fields) -> str:
    """Return ``, 1×1 apart``; an axis whose positions all see the same has no step."""
    names = axis_names(len(fields) + 1)[1:]
    moving = {name: axis for name, axis in zip(names, fields, strict=True) if not axis.is_whole}
    if not any(axis.jump for axis in moving.values()):
        return ""
    step = f", {'×'.join(f'{float(axis.jump):g}' for axis in moving.values())} apart"
    alike = [name for name in names if name not in moving]
    return step + (f" along {' and '.join(moving)}, the same all along {' and '.join(alike)}" if alike else "")


def convention(summary: Summary) -> str:
    """Return a sentence on the convention of MACs, and the layer types that the tool ignores in this network."""
    from cnncalc.figures.conventions import TOOLS

    tool = TOOLS[summary.convention]
    passed = dict.fromkeys(row.type for row in summary.rows if not row.macs and row.node.use.flops)
    left = f" Nothing for {', '.join(passed)}." if passed else ""
    return f"Counted as {tool.name} {tool.release} does: {tool.counts}.{left}"
