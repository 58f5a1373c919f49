"""The data of the page's script: the parts of the picture and the columns of the table, packed."""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from cnncalc.drawing import columns, geometry, lanes, parts, picture
from cnncalc.drawing.letters import WIDTHS
from cnncalc.drawing.measures import LayerFigure
from cnncalc.drawing.parts import Box, Card, Fork, Lane, PicturePart, Stack, StackColumns
from cnncalc.figures.summary import Summary
from cnncalc.graph import Graph, Node
from cnncalc.ground.limits import MAX_PAGE_FORMULAS
from cnncalc.layers.shapes import crossed
from cnncalc.studies.explain.explanation import together

T = TypeVar("T")

FORMS = ("card", "circle", "pill")
CONSTANTS = {
    **{name: getattr(geometry, name) for name in (
        "GAP", "LABEL_GAP", "FORK_GAP", "BUS", "SPREAD", "MERGE", "BESIDE", "LANE", "HEADER", "MARGIN", "TRACK",
        "ACROSS", "COLUMN_GAP", "TURN", "TRACKS",
    )},
    **{name: getattr(parts, name) for name in ("HEAD", "STRIP", "CIRCLE", "PILL", "CLOSED")},
    **{name: getattr(picture, name) for name in ("BORDER", "HEADING")},
    **{name: getattr(columns, name) for name in ("PAGE_WIDTH", "PAGE_HEIGHT", "FITS", "FEWER", "MOST_COLUMNS")},
    **{name: getattr(lanes, name) for name in (
        "CLEAR", "APART", "TURNS", "ABOVE", "BELOW", "FAR", "CELL", "MOST_LOOKED_AT",
    )},
    "LETTERS": {letter: WIDTHS[letter] for letter in "0123456789×…"},
}  # fmt: skip
"""The constants of the geometry, which the script shares."""


UNEXPLAINED = (
    f"The page explains {MAX_PAGE_FORMULAS:,} different layers; 'cnncalc explain SPEC LAYER' explains this one."
)


PackedColumn = tuple[list[T], list[int]]
"""A column as its distinct values and, for each row, the place of its own."""


def packed(values: Iterable[T]) -> PackedColumn[T]:
    """Return a column in packed form."""
    places: dict[T, int] = {}
    rows = [places.setdefault(value, len(places)) for value in values]
    return [*places], rows


def script_safe(value: object) -> str:
    """Return JSON that is safe inside a script element, for any texts."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


# --- the graph -----------------------------------------------------------------------------------------------


def packed_part(part: PicturePart, numbers: dict[Card, int]) -> list[object]:
    """Return a part as the script reads it, with numbers in place of the cards where lanes begin and end.

    ``numbers`` has the cards packed so far; those of the part are added in the order in which the script reads them.
    """
    flags = part.reads + 2 * part.feeds
    if isinstance(part, Card):
        numbers[part] = len(numbers)
        strips = [(strip.text, strip.kind, int(strip.is_head)) for strip in part.strips]
        form, places = FORMS.index(part.form), [*part.places]
        message = [part.title] if part.kind == "fault" else []
        return ["t", form, part.kind, strips, places, part.count, part.width, part.height, flags, *message]
    if isinstance(part, Box):
        body = packed_part(part.body, numbers)
        return ["b", part.name, part.about, part.path, part.count, int(part.is_made_up), part.closed_width,
                part.title_width, _packed_lanes(part.lanes, numbers), body, flags]  # fmt: skip
    if isinstance(part, Stack):
        items = [packed_part(item, numbers) for item in part.items]
        return ["s", items, "".join(["01"[link] for link in part.links]), [label or 0 for label in part.labels], flags]
    if isinstance(part, Fork):
        return ["f", [packed_part(branch, numbers) for branch in part.branches], int(part.passes), flags]
    if isinstance(part, StackColumns):
        raise TypeError("columns are made when the picture is drawn")
    steps = []
    for step in part.steps:
        down, across, up = [packed_part(one, numbers) if one else 0 for one in (step.down, step.across, step.up)]
        steps.append((down, across, up, _packed_lanes(step.lanes, numbers)))
    return ["v", steps, packed_part(part.bottom, numbers)]


def _packed_lanes(lanes: Sequence[Lane], numbers: dict[Card, int]) -> list[tuple[int, int, int, int]]:
    return [(numbers[lane.source], numbers[lane.target], lane.first, lane.last) for lane in lanes]


# --- the layers ----------------------------------------------------------------------------------------------


class LayerColumns(NamedTuple):
    """The facts of all layers for the script and the table, one column each."""

    names: list[str]
    types: PackedColumn[str]
    shapes: PackedColumn[str]
    fields: PackedColumn[str]
    inputs: list[list[object]]
    values: dict[str, PackedColumn[float]]


def layer_columns(graph: Graph, summary: Summary, measures: Sequence[LayerFigure]) -> LayerColumns:
    """Return the facts of all layers; ``measures`` are the figures of bars."""
    indexes: dict[object, int] = {node: node.index for node in graph.nodes}
    rows = summary.rows
    return LayerColumns(
        names=[row.name for row in rows],
        types=packed([row.described for row in rows]),
        shapes=packed([crossed(row.output_shape[1:]) for row in rows]),
        fields=packed([field_text(row.receptive_field) for row in rows]),
        inputs=[[indexes.get(tensor, tensor.name) for tensor in row.node.inputs] for row in rows],
        values={measure.by: packed([_plain(value) for value in measure.values]) for measure in measures},
    )


def _plain(value: float) -> float:
    return int(value) if value == int(value) else float(f"{value:.6g}")


def field_text(field: tuple[int, ...] | None) -> str:
    """Return a receptive field as text."""
    return "not known" if field is None else crossed(field) or "all"


def packed_formulas(graph: Graph) -> str:
    """Return the formulas of all layers as JSON, deflated, in base 64.

    Its ``lines`` are the distinct formulas, its ``layers`` the distinct lists of lines, and ``of`` has the number of
    such a list for each layer.
    """
    lines: dict[str, int] = {}
    layers: dict[tuple[int, ...], int] = {}
    known: dict[tuple[object, ...], int] = {}
    of = []
    for node in graph.nodes:
        key = (node.layer.key(), node.use.inputs)
        if key not in known:
            texts = formula_lines(node) if len(known) < MAX_PAGE_FORMULAS else [UNEXPLAINED]
            numbers = tuple([lines.setdefault(line, len(lines)) for line in texts])
            known[key] = layers.setdefault(numbers, len(layers))
        of.append(known[key])
    text = json.dumps({"lines": [*lines], "layers": [*layers], "of": of}, ensure_ascii=False, separators=(",", ":"))
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b64encode(squeezed.compress(text.encode()) + squeezed.flush()).decode()


def formula_lines(node: Node) -> list[str]:
    """Return the formulas of a layer: in symbols, in numbers, and their value."""
    return [" = ".join([one.symbol, *one.steps]) for one in together(node.formulas(), node.shape)]
