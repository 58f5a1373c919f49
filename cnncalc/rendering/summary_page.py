"""The summary as a page: the layers, the contrast of compute and parameters, the totals and what they mean."""

from __future__ import annotations

from cnncalc.figures.costs import OWN_CONVENTION
from cnncalc.figures.summary import Row, Summary, share
from cnncalc.rendering.page import BAR_NARROWEST, Bar, Cell, Column, Heading, Line, Rule, TableRow, paragraph, table
from cnncalc.rendering.text import dims, exact, percent, short, size
from cnncalc.rendering.verdict import verdict

KIND_STYLES = {"conv": "cyan", "fc": "magenta", "norm": "blue", "block": "bold"}

NARROWEST_NAME = 20
_LABEL = 13

LAYER_COLUMNS = ("layer", "type", "output", "params", "macs")
"""What the table shows by default; ``params`` and ``macs`` come with their bars and shares."""

_TITLES = {
    "layer": Column("layer", folds=True),
    "type": Column("type", folds=True),
    "output": Column("output", right=True),
    "input": Column("input", right=True),
    "kind": Column("kind"),
    "index": Column("#", right=True),
    "receptive_field": Column("sees", right=True),
}


def page(
    summary: Summary,
    rows: list[Row],
    rest: Row | None,
    columns: tuple[str, ...],
    layout: str,
    width: int | None,
    terminal: bool,
    device: str = "",
) -> list[Line]:
    """Return the whole page; ``rows`` are those to show and ``rest`` the sum of the others, if any.

    ``device`` is a sentence on the network on a microcontroller, or nothing.
    """
    lines = _heading(summary, layout, width)
    lines += layers(summary, rows, rest, columns, layout, width, terminal)
    lines += [[], *_contrast(summary, width, terminal), [], *_totals(summary, layout, width)]
    lines += [*(_labelled("device", device, width) if device else []), []]
    lines += paragraph(verdict(summary) if summary.convention == OWN_CONVENTION else convention(summary), width, "bold")
    return lines


def _heading(summary: Summary, layout: str, width: int | None) -> list[Line]:
    inputs = ", ".join(
        dims(shape[1:], layout) if name == "input" else f"{name} {dims(shape[1:], layout)}"
        for name, shape in summary.inputs.items()
    )
    title = summary.name if summary.variant is None else f"{summary.name} · {summary.variant}"
    about = f"   input {inputs}   batch {summary.batch}   {summary.dtype}"
    about += "" if summary.convention == OWN_CONVENTION else f"   convention {summary.convention}"
    lines: list[Line] = [[(title, "bold"), (about, "")]]
    if summary.source:
        lines += paragraph(summary.source, width, "dim")
    return [*lines, []]


# --- the layers ----------------------------------------------------------------------------------------------


def layers(
    summary: Summary,
    rows: list[Row],
    rest: Row | None,
    columns: tuple[str, ...],
    layout: str,
    width: int | None,
    terminal: bool,
) -> list[Line]:
    """Return the table of layers; where names don't fit, rows stand under a heading with what they share."""
    shown: list[Column] = []
    for name in columns:
        if name in ("params", "macs"):
            title = summary.figure if name == "macs" else "params"
            shown += [Column(title, right=True), Column("", bar=True, drop=3), Column("", right=True, drop=1)]
        else:
            shown.append(_TITLES.get(name) or Column(name, right=True))
    names = [row.name for row in rows if row.type != "block"]
    depth = section_depth(names, _other_widths(rows, columns, layout), width)
    body: list[TableRow] = []
    above = ""
    for row in rows:
        section, name = section_of(row.name, depth) if row.type != "block" else ("", row.name)
        if section != above and section:
            body.append(Heading(section))
        above = section
        body.append(_layer(row, f"  {name}" if section else name, summary, columns, layout))
    if rest is not None:
        body.append(_layer(rest, rest.name, summary, columns, layout))
    body.append(Rule())
    body.append(_sum(summary, columns))
    return table(shown, body, width, terminal)


def _other_widths(rows: list[Row], columns: tuple[str, ...], layout: str) -> int:
    """Return the width that the columns beside the names need, with bars as narrow as they get."""
    types = max((len(type_text(row)) for row in rows), default=0)
    shapes = max((len(dims(row.output_shape[1:], layout)) for row in rows), default=0)
    figures = sum(14 + 2 + BAR_NARROWEST + 2 for name in columns if name in ("params", "macs"))
    others = 14 * sum(name not in (*_TITLES, "params", "macs") for name in columns)
    return types + shapes + figures + others + 2 * len(columns)


def section_depth(names: list[str], others: int, width: int | None) -> int:
    """Return how many leading parts of the names must become headings, so that the rest fits beside the figures."""
    deepest = max((name.count(".") for name in names), default=0)
    room = max(width - others, NARROWEST_NAME) if width is not None else None
    for depth in range(deepest + 1):
        if room is None or all(len(section_of(name, depth)[1]) + 2 * (depth > 0) <= room for name in names):
            return depth
    return deepest


def section_of(name: str, depth: int) -> tuple[str, str]:
    """Split a dotted name behind ``depth`` parts at most: ``stage1.bottleneck2`` and ``conv_bn1.conv1``."""
    parts = name.split(".")
    cut = min(depth, len(parts) - 1)
    return ".".join(parts[:cut]), ".".join(parts[cut:])


def type_text(row: Row) -> str:
    """Return a layer type with its telling arguments: ``conv 3×3/2, 64``."""
    return f"{row.type} {row.label}" if row.label else row.type


def _layer(row: Row, name: str, summary: Summary, columns: tuple[str, ...], layout: str) -> list[str | Cell | Bar]:
    style = KIND_STYLES.get(row.kind if row.type != "block" else "block", "")
    cells: list[str | Cell | Bar] = []
    for column in columns:
        if column == "layer":
            cells.append(Cell(name, style))
        elif column == "type":
            cells.append(type_text(row))
        elif column in ("params", "macs"):
            figure = getattr(row, column)
            part = share(figure, getattr(summary.totals, column))
            cells += [_figure(figure), Bar(part, style or "dim"), percent(part) if figure else ""]
        elif column in ("output", "input"):
            shapes = (row.output_shape,) if column == "output" else row.input_shapes
            cells.append(", ".join(dims(shape[1:], layout) for shape in shapes) if row.output_shape else "")
        elif column == "receptive_field":
            cells.append("?" if row.receptive_field is None else dims(row.receptive_field))
        else:
            value = getattr(row, column)
            cells.append(_figure(value) if isinstance(value, int) and column != "index" else str(value))
    return cells


def _figure(figure: int) -> str:
    return exact(figure) if figure else "0"


def _sum(summary: Summary, columns: tuple[str, ...]) -> list[str | Cell | Bar]:
    cells: list[str | Cell | Bar] = []
    for column in columns:
        if column == "layer":
            cells.append(Cell("total", "bold"))
        elif column == "type":
            cells.append(Cell(f"{summary.totals.layers} layers", "bold"))
        elif column in ("params", "macs"):
            cells += [Cell(exact(getattr(summary.totals, column)), "bold"), Bar(0), ""]
        else:
            total = getattr(summary.totals, column, None)
            cells.append(Cell(exact(total), "bold") if isinstance(total, int) and column != "activations" else "")
    return cells


# --- the contrast --------------------------------------------------------------------------------------------


def _contrast(summary: Summary, width: int | None, terminal: bool) -> list[Line]:
    columns = [
        Column("kind"),
        Column("layers", right=True),
        Column("params", right=True),
        Column("", bar=True),
        Column("", right=True),
        Column(summary.figure, right=True),
        Column("", bar=True),
        Column("", right=True),
    ]
    rows: list[TableRow] = []
    for name, kind in summary.kinds.items():
        style = KIND_STYLES.get(name, "")
        rows.append(
            [
                Cell(name, style),
                str(kind.layers),
                exact(kind.params),
                Bar(kind.params_share, style or "dim"),
                percent(kind.params_share),
                exact(kind.macs),
                Bar(kind.macs_share, style or "dim"),
                percent(kind.macs_share),
            ]
        )
    return table(columns, rows, width, terminal)


def _totals(summary: Summary, layout: str, width: int | None) -> list[Line]:
    totals, memory = summary.totals, summary.totals.memory
    word, _, tool = summary.figure.rstrip(")").partition(" (")
    tool, own = (f", as {tool} counts", ", cnncalc's own") if tool else ("", "")
    lines = [
        ("params", f"{exact(totals.params)}" + (f", and {exact(totals.buffers)} buffers" if totals.buffers else "")),
        (word, f"{exact(totals.macs)}   ({short(totals.macs)}{tool})"),
        ("FLOPs", f"{exact(totals.flops)}   ({short(totals.flops)}{own})"),
        ("activations", f"{exact(totals.activations)} (conv and linear outputs)"),
        ("memory", f"weights {size(memory.weights)}, forward {size(memory.forward)}, peak {size(memory.peak)}"),
        ("", f"at {memory.peak_at}; training {size(memory.training)} ({memory.optimizer})"),
    ]
    if word == "FLOPs":
        del lines[2]
    lines += [("" if number else "field", text) for number, text in enumerate(_field_texts(summary))]
    lines.append(("output", ", ".join(f"{name} {dims(shape[1:], layout)}" for name, shape in summary.outputs.items())))
    if summary.disagreeing_strides:
        names = ", ".join(summary.disagreeing_strides[:3])
        lines.append(("note", f"branches of different stride meet at {names}"))
    if summary.uncounted:
        lines.append(("uncounted", f"no {word if tool else 'FLOPs'} are defined for {', '.join(summary.uncounted)}"))
    return [line for label, text in lines for line in _labelled(label, text, width)]


def _labelled(label: str, text: str, width: int | None) -> list[Line]:
    parts = paragraph(text, width and width - _LABEL)
    return [[(("" if number else label).ljust(_LABEL), "dim"), *part] for number, part in enumerate(parts)]


def _field_texts(summary: Summary) -> list[str]:
    """Return what each output sees of the input; outputs that see alike are named together."""
    first = next(iter(summary.inputs.values()))
    seen: dict[str, list[str]] = {}
    alone = len(summary.outputs) == 1
    for name, fields in summary.receptive_fields.items():
        shape = summary.outputs[name]
        is_map = len(shape) > 2 and max(shape[2:]) > 1
        who = ("an output position sees" if is_map else "the output sees") if alone else "a position sees" * is_map
        size = "×".join(str(-(-axis.size // 1)) for axis in fields or ())
        step = f", {'×'.join(f'{float(axis.jump):g}' for axis in fields or ())} apart" if is_map else ""
        if fields is None:
            seen.setdefault("what it sees is not known", []).append(name)
        elif fields:
            seen.setdefault(f"{who or 'sees'} {size} of the input's {dims(first[2:])}{step}", []).append(name)
    return [text if alone else f"{', '.join(names)}: {text}" for text, names in seen.items()]


def convention(summary: Summary) -> str:
    """Return the sentence that says what stands under MACs, and what the tool passes over in this network."""
    from cnncalc.figures.conventions import TOOLS

    tool = TOOLS[summary.convention]
    passed = dict.fromkeys(row.type for row in summary.rows if not row.macs and row.node.use.flops)
    left = f" Nothing for {', '.join(passed)}." if passed else ""
    return f"Counted as {tool.name} {tool.release} does: {tool.counts}.{left}"
