"""Networks side by side: figures with ratios, and for two networks the layers as a diff."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from cnncalc.figures.selection import BLOCK
from cnncalc.figures.summary import Row, Summary
from cnncalc.ground.numbers import counted, exact, signed
from cnncalc.layers.arguments import value_text
from cnncalc.layers.shapes import crossed
from cnncalc.rendering.blocks import (
    GAP,
    Cell,
    Column,
    Divider,
    Heading,
    PageBlock,
    Paragraph,
    Table,
    TableRow,
    Text,
    Title,
)
from cnncalc.rendering.cells import cells as width_of
from cnncalc.rendering.layout import under_headings
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.texts import basis, figure_text, section_depth, section_of, title_of
from cnncalc.rendering.views.summary import layer, marked, marked_columns
from cnncalc.rendering.writers import Record, View, record_of
from cnncalc.studies.compare.diff import (
    ADDED,
    CHANGED,
    REMOVED,
    SAME,
    Compared,
    LayerDiff,
    has_blocks,
    same_layers,
    same_order,
)
from cnncalc.studies.compare.folding import FoldedNorms

MARKS = {SAME: " ", CHANGED: "~", ADDED: "+", REMOVED: "-"}
STYLES = {SAME: "dim", CHANGED: "yellow", ADDED: "green", REMOVED: "red"}
NAMES_WIDTH, FIGURE_WIDTH, RATIO_WIDTH = 14, 19, 11
"""Largest widths of a figure's name, a value and a ratio, with gaps."""


_SIDES = ("name", "type", "output_shape", "params", "macs")
LAYER_COLUMNS = ("change", *[f"{side}_{end}" for side in _SIDES for end in "ab"])


class ComparisonView(View):
    """A comparison.

    Attributes:
        names, summaries: the networks' labels and figures.
        figures: those that are compared; none if only the layers are.
        changes, fold: of two networks, the layers or blocks, and what is folded.
        context: how many layers are shown around each that changed.
        only_layers: whether the figures are left out.
    """

    def __init__(
        self, names: Sequence[str], summaries: Sequence[Summary], figures: Sequence[Compared],
        changes: Sequence[LayerDiff] | None, fold: FoldedNorms | None, context: int, only_layers: bool,
    ) -> None:  # fmt: skip
        self.names = names
        self.summaries = summaries
        self.figures = figures
        self.changes = changes
        self.fold = fold
        self.context = context
        self.only_layers = only_layers
        self.convention = summaries[0].convention
        of_figures = ["group", "figure", names[0], *[end for name in names[1:] for end in (name, f"{name}_ratio")]]
        self.columns = marked_columns(LAYER_COLUMNS if self._of_layers else of_figures, self.convention)

    @property
    def _of_layers(self) -> bool:
        return self.only_layers and self.changes is not None

    def page(self, screen: Screen) -> list[PageBlock]:
        """Return the figures of as many networks as fit next to the first, and the layers of two."""
        of_layers: list[PageBlock] = []
        if self.changes is not None:
            of_layers = [*layers(self.changes, self.summaries[0].figure, self.context, screen), *_folding(self)]
        if self.only_layers:
            return of_layers
        blocks: list[PageBlock] = []
        for name, summary in zip(self.names, self.summaries, strict=True):
            shown = basis(summary, screen.layout)
            blocks.append(Title(name, shown if name == summary.name else f"{summary.name}   {shown}"))
        count = len(self.names)
        for first in range(1, count, room := _room(screen.width, count)):
            blocks += [GAP, _figures(self, [0, *range(first, min(first + room, count))])]
        return [*blocks, GAP, *of_layers] if of_layers else blocks

    def document(self) -> dict[str, object]:
        networks = zip(self.names, self.summaries, strict=True)
        whole: dict[str, object] = {
            **record_of(self.summaries[0], "convention", "batch", "dtype"),
            "networks": [
                {"label": name, **record_of(one, "name", "variant", "inputs", "outputs")} for name, one in networks
            ],
            "figures": [
                {"group": one.group, "figure": one.name, "values": one.values, "ratios": one.ratios}
                for one in self.figures
            ],
        }
        if self.changes is not None:
            fold = self.fold
            whole["folded_batchnorms"] = fold and {**fold._asdict(), "difference": fold.difference}
            whole["changes"] = Counter(one.change for one in self.changes)
            whole["layers"] = [
                {"change": one.change, "a": one.a and layer(one.a), "b": one.b and layer(one.b)} for one in self.changes
            ]
        return whole

    def records(self) -> Iterable[Record]:
        """Return one object per figure, or per layer of either network."""
        found = _layer_records(self.changes or ()) if self._of_layers else _figure_records(self.names, self.figures)
        return marked(found, self.convention)


# --- the figures ---------------------------------------------------------------------------------------------


def _room(width: int | None, count: int) -> int:
    """Return the number of networks that fit next to the first."""
    if width is None:
        return count
    return max(1, (width - NAMES_WIDTH - FIGURE_WIDTH) // (FIGURE_WIDTH + RATIO_WIDTH))


def _figures(found: ComparisonView, chosen: list[int]) -> Table:
    names, macs = found.names, found.summaries[0].figure
    columns = [Column("")]
    for index in chosen:
        columns += [Column(_short(names[index]), right=True)] + [Column("ratio", right=True)] * (index > 0)
    rows: list[TableRow] = []
    for group, of_group in groupby(found.figures, lambda figure: figure.group):
        if group != "total":
            rows.append(Heading(group))
        rows += [_row(figure, chosen, macs) for figure in of_group if any(figure.values)]
    return Table(columns, rows)


def _short(name: str) -> str:
    """Return a name cut to the width of its figures; the whole name is above the table."""
    most = FIGURE_WIDTH - 2
    return name if width_of(name) <= most else f"…{name[-most + 1 :]}"


def _row(figure: Compared, chosen: list[int], macs: str) -> list[str | Cell]:
    indent = "" if figure.group == "total" else "  "
    cells: list[str | Cell] = [indent + (macs if figure.name == "macs" else title_of(figure.name))]
    for index in chosen:
        cells.append(figure_text(figure.name, figure.values[index]))
        if index:
            cells.append(_ratio(figure.ratios[index]))
    return cells


def _ratio(value: float | None) -> Cell:
    """Return ``×1.94``, ``=`` if nothing changes, ``new`` if there was nothing before."""
    if value is None:
        return Cell("new", "green")
    if value == 1:
        return Cell("=", "dim")
    digits = 3 if value < 9.9995 else 1 if value < 999.95 else 0
    shown = f"×{value:,.{digits}f}" if value >= 0.001 or value == 0 else f"×{value:.2g}"
    return Cell(shown, "yellow" if value > 1 else "green")


def _folding(found: ComparisonView) -> list[PageBlock]:
    """Return how much of the difference is explained by batch norms folded in one of two networks."""
    fold = found.fold
    if fold is None:
        return []
    whole, other = found.names[1 - fold.into], found.names[fold.into]
    before, after = [summary.totals.params for summary in found.summaries]
    what = f"{fold.norms:,} batch norm{'s' * (fold.norms != 1)} of {whole} {'are' if fold.norms != 1 else 'is'}"
    biases = f"{fold.biases:,} more bias{'es' * (fold.biases != 1)} here" if fold.biases else "the same biases here"
    shared = f", of which {fold.shared:,} are in tensors that several layers share and count once" * (fold.shared > 0)
    text = (
        f"{what} folded into layers of {other}: {counted(fold.params, 'param')} and "
        f"{counted(fold.buffers, 'buffer')} there, {biases}{shared}. "
    )
    if after - before == fold.difference:
        text += "That explains the whole difference in params."
    else:
        text += f"That explains {signed(fold.difference)} params of {signed(after - before)}"
        rest = after - before == fold.difference_with_shared
        text += "; tensors that several other layers share, and that count once, explain the rest." if rest else "."
    return [Paragraph(text)]


# --- the layers ----------------------------------------------------------------------------------------------


def layers(changes: Sequence[LayerDiff], macs: str, context: int, screen: Screen) -> list[PageBlock]:
    """Return the diff: what changed with ``context`` layers around it, a changed layer on two lines."""
    counts = Counter(one.change for one in changes)
    counted = ", ".join(f"{counts[what]:,} {what}" for what in (SAME, CHANGED, ADDED, REMOVED) if counts[what])
    what = "blocks and layers" if has_blocks(changes) else "layers"
    if not set(counts) - {SAME}:
        text = f"All {counts[SAME]:,} {what} are the same." if counts[SAME] > 1 else "The only layer is the same."
        return [Text([(text if same_order(changes) else f"{text[:-1]}, but stand in another order.", "bold")])]
    moved = " Both have the same layers: their order differs, or what they read." if same_layers(changes) else ""
    lines: list[list[Cell] | str] = []
    for shown, group in groupby(zip(_is_near_change(changes, context), changes, strict=True), lambda pair: pair[0]):
        hunk = [one for _, one in group]
        lines += [row for one in hunk for row in _change(one, screen.layout)] if shown else [f"… {len(hunk)} the same"]
    columns = (
        Column(""),
        Column("layer", folds=True),
        Column("type", folds=True),
        Column("output", right=True),
        Column("params", right=True),
        Column(macs, right=True),
    )
    return [
        Table(columns, [*under_headings(_sectioned(lines, screen.width)), Divider()]),
        Text([(f"{what.capitalize()}: {counted}.{moved}", "bold")]),
    ]


def _sectioned(rows: list[list[Cell] | str], width: int | None) -> Iterator[tuple[str, TableRow]]:
    """Yield the rows, under headings with the common parts of names if whole names don't fit."""
    cells = [row for row in rows if not isinstance(row, str)]
    widths = [max([width_of(row[index].text) for row in cells]) for index in range(len(cells[0]))]
    depth = section_depth([row[1].text for row in cells], sum(widths) - widths[1] + 2 * len(widths), width)
    for row in rows:
        if isinstance(row, str):
            yield "", Heading(row)
            continue
        section, name = section_of(row[1].text, depth)
        shown = Cell(f"  {name}" if section else name, row[1].style)
        yield f"   {section}" if section else "", [row[0], shown, *row[2:]]


def _is_near_change(changes: Sequence[LayerDiff], context: int) -> list[bool]:
    """Whether each is shown: it has changed, or is at most ``context`` away from one that has."""
    near = [one.change != SAME for one in changes]
    shown = near[:]
    for index in [index for index, is_near in enumerate(near) if is_near]:
        for other in range(max(index - context, 0), min(index + context + 1, len(near))):
            shown[other] = True
    return shown


def _change(one: LayerDiff, layout: str) -> list[list[Cell]]:
    mark, style = MARKS[one.change], STYLES[one.change]
    if one.change == CHANGED and one.a is not None and one.b is not None:
        old, new = _not_in_label(one.a, one.b), _not_in_label(one.b, one.a)
        return [_layer(mark, one.a, layout, style, old), _layer("→", one.b, layout, style, new)]
    row = one.b if one.a is None else one.a
    assert row is not None
    return [_layer(mark, row, layout, style)]


def _not_in_label(row: Row, other: Row) -> str:
    """Return the differences between two layers that their labels do not show: an argument, or their inputs."""
    if row.label != other.label or row.type == BLOCK:
        return ""
    if len(row.inputs) != len(other.inputs):
        return f" of {counted(len(row.inputs), 'input')}"
    if row.input_shapes != other.input_shapes:
        return ""
    if row.args == other.args:
        return f" of {', '.join(row.inputs)}"
    theirs = other.args
    return "".join(f", {name}: {value_text(value)}" for name, value in row.args.items() if theirs.get(name) != value)


def _layer(mark: str, row: Row, layout: str, style: str, more: str = "") -> list[Cell]:
    texts = (
        mark,
        row.name,
        row.described + more,
        crossed(row.output_shape[1:], layout),
        exact(row.params),
        exact(row.macs),
    )
    return [Cell(text, style) for text in texts]


# --- for scripts ---------------------------------------------------------------------------------------------


def _figure_records(names: Sequence[str], found: Sequence[Compared]) -> Iterator[dict[str, object]]:
    """Return one record per figure."""
    for one in found:
        record: dict[str, object] = {"group": one.group, "figure": one.name}
        for index, name in enumerate(names):
            record[name] = one.values[index]
            if index:
                record[f"{name}_ratio"] = one.ratios[index]
        yield record


def _layer_records(changes: Sequence[LayerDiff]) -> Iterator[dict[str, object]]:
    """Return one record per layer of either network."""
    for one in changes:
        record: dict[str, object] = {"change": one.change}
        for end, row in (("a", one.a), ("b", one.b)):
            record |= {f"{side}_{end}": getattr(row, side) if row else None for side in _SIDES}
        yield record
