"""The page of a network: its static content, and the script with its data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from cnncalc.drawing.colours import COLOURS
from cnncalc.drawing.letters import text_width
from cnncalc.drawing.measures import LayerFigure
from cnncalc.drawing.page.charts import Chart, charts
from cnncalc.drawing.page.data import (
    CONSTANTS,
    LayerColumns,
    PackedColumn,
    T,
    layer_columns,
    packed,
    packed_formulas,
    packed_part,
    script_safe,
)
from cnncalc.drawing.page.head import head, script_of, table_head
from cnncalc.drawing.parts import Box, Stack
from cnncalc.drawing.picture import Choice, Picture, describe, heading_of, open_to, placed, suitable_depth
from cnncalc.drawing.svg import dark_rules, escaped, pieces
from cnncalc.drawing.valley import valley_of
from cnncalc.figures.roofline import Machine
from cnncalc.figures.summary import Summary
from cnncalc.graph import Graph
from cnncalc.ground.numbers import bytes_text, exact
from cnncalc.layers.shapes import beside_sizes, crossed

SCRIPTS = ("geometry.js", "placing.js", "lanes.js", "shapes.js", "data.js", "table.js", "zoom.js", "page.js")
FEW_BOXES = 30
"""Most cards and closed boxes that are drawn at first."""


class Content(NamedTuple):
    """The content of a page.

    Attributes:
        graph, summary: the network and its figures.
        measures: the figures of bars and columns, the initial one first.
        machine: the machine of the roofline.
        verdict: a sentence on which layers have the compute and the parameters.
        choice: the layers to draw, and how at first.
        more: further charts.
    """

    graph: Graph
    summary: Summary
    measures: Sequence[LayerFigure]
    machine: Machine
    verdict: str
    choice: Choice
    more: Sequence[Chart] = ()


def page(content: Content) -> Iterator[str]:
    """Yield a network as one HTML file."""
    script = script_of(*SCRIPTS)
    yield head(escaped(content.graph.title), "", dark_rules(), script)
    yield from _header(content)
    root = describe(content.graph, content.measures[0], content.choice)
    depth = content.choice.depth if content.choice.depth is not None else suitable_depth(root, 0, FEW_BOXES)
    layers = layer_columns(content.graph, content.summary, content.measures)
    data = _data(content, root, depth, layers)
    open_to(root, depth)
    heading = heading_of(content.graph, content.measures[0], content.choice)
    yield from _graph(content, placed(root, heading, content.choice.columns))
    yield from _charts(content)
    yield from _table(content, layers)
    yield f'<script type="application/json" id="data">{script_safe(data)}</script>\n'
    yield f"<script>{script}</script>\n</body>\n</html>\n"


def _data(content: Content, root: Box, depth: int, layers: LayerColumns) -> dict[str, object]:
    """Return the script's data, in which the root's inside is a stack or a valley."""
    stack = root.body
    assert isinstance(stack, Stack)
    root.body = valley_of(root) or stack
    title, about = heading_of(content.graph, content.measures[0], content.choice)
    data = {
        "constants": CONSTANTS,
        "colours": COLOURS,
        "title": title,
        "about": about,
        "headingWidth": text_width(about, 10),
        "by": content.measures[0].by,
        "depth": depth,
        "titles": {measure.by: measure.word for measure in content.measures},
        "words": {measure.by: measure.title for measure in content.measures},
        "totals": {measure.by: measure.total for measure in content.measures},
        "layers": layers._asdict(),
        "formulas": packed_formulas(content.graph),
        "root": packed_part(root, {}),
    }
    root.body = stack
    return data


# --- what is shown without a script --------------------------------------------------------------------------


def _header(content: Content) -> Iterator[str]:
    summary, totals = content.summary, content.summary.totals
    memory = totals.memory
    figures = [
        f"<b>{exact(totals.layers)}</b> layer{'s' * (totals.layers != 1)}", f"<b>{exact(totals.params)}</b> params",
        f"<b>{exact(totals.macs)}</b> {escaped(summary.figure)}", f"<b>{exact(totals.flops)}</b> FLOPs",
        f"weights <b>{bytes_text(memory.weights)}</b>",
        f"peak <b>{bytes_text(memory.peak)}</b>" + (f" at {_link(memory.peak_at)}" if memory.peak_at else ""),
    ]  # fmt: skip
    ends = [
        f"{word if name == word else f'{word} {escaped(beside_sizes(name))}'} {crossed(shape[1:])}"
        for word, shapes in (("input", summary.inputs), ("output", summary.outputs))
        for name, shape in shapes.items()
    ]
    basis = [*ends, f"batch {summary.batch}", summary.dtype]
    yield f"<header>\n<h1>{escaped(content.graph.title)}</h1>\n<p>{' · '.join(figures)}</p>\n"
    yield f'<p class="muted">{" · ".join(basis)}</p>\n'
    if summary.source:
        yield f'<p class="muted">{escaped(summary.source)}</p>\n'
    yield f"<p>{escaped(content.verdict)}</p>\n</header>\n"


def _link(name: str) -> str:
    from urllib.parse import quote

    return f'<a href="#layer={quote(name, safe="")}">{escaped(name)}</a>'


def _graph(content: Content, picture: Picture) -> Iterator[str]:
    buttons = ""
    for place, one in enumerate(content.measures):
        pressed = str(not place).lower()
        buttons += f'<button type="button" data-by="{one.by}" aria-pressed="{pressed}">{one.word}</button>'
    yield (
        '<main>\n<div class="tools" role="toolbar" aria-label="graph"><span><input type="search" id="search" '
        'placeholder="search layers ( / )" aria-label="search layers"> <output id="found"></output></span>'
        f"<span>bars {buttons}</span>"
        '<span><button type="button" id="expand">open all</button>'
        '<button type="button" id="collapse">close all</button>'
        '<button type="button" id="wide" aria-pressed="true">columns</button></span>'
        '<span><button type="button" id="farther" aria-label="smaller">−</button><output id="zoom"></output>'
        '<button type="button" id="nearer" aria-label="larger">+</button>'
        '<button type="button" id="fit" aria-pressed="true">fit width</button></span>'
        '<span><button type="button" id="save">save SVG</button></span></div>\n'
        '<section class="graph"><div id="graph" tabindex="0" role="region" aria-label="graph">\n'
    )
    yield from pieces(picture, style=False)
    yield (
        '</div>\n<aside id="panel" aria-label="layer" tabindex="0"><h2>Choose a layer</h2>'
        "<p>in the graph or in the table: its shapes, its figures and how they come about.</p></aside></section>\n"
    )


def _charts(content: Content) -> Iterator[str]:
    yield '<section class="charts" aria-label="charts">\n'
    for chart in [*charts(content.graph, content.summary, content.machine), *content.more]:
        yield f"<figure><h2>{chart.title}</h2>{chart.svg}<figcaption>{escaped(chart.says)}</figcaption></figure>\n"
    yield "</section>\n"


def _table(content: Content, layers: LayerColumns) -> Iterator[str]:
    """Yield the table of layers; the script makes its rows, and without a script a second table has them."""
    figures = [(one.by, one.word) for one in content.measures]
    heads = [("layer", "layer"), ("", "type"), ("", "output"), *figures]
    cells = [_head(key, word) for key, word in heads]
    plain = table_head(*[word for _, word in heads], "sees")
    yield '<section aria-label="layers"><h2>Layers</h2>\n'
    yield '<div class="tall" tabindex="0" role="region" aria-label="table of layers">'
    yield f'<table id="layers" class="from4"><thead><tr>{"".join(cells)}</tr></thead><tbody id="rows"></tbody>'
    yield "</table>\n"
    yield f'<noscript><table class="from4">{plain}<tbody>\n'
    values = [_cells(one.text, packed(one.values)) for one in content.measures]
    columns = [_cells(escaped, layers.types), _cells(str, layers.shapes), *values, _cells(str, layers.fields)]
    for name, *row in zip(layers.names, *columns, strict=True):
        yield f"<tr><th>{escaped(name)}</th>{''.join(row)}</tr>\n"
    yield "</tbody></table></noscript></div></section>\n</main>\n"


def _head(key: str, word: str) -> str:
    if not key:
        return f'<th scope="col">{word}</th>'
    button = f'<button type="button" data-order="{key}">{word}</button>'
    return f'<th scope="col" data-sort="{key}" aria-sort="none">{button}</th>'


def _cells(text: Callable[[T], str], column: PackedColumn[T]) -> list[str]:
    values, places = column
    shown = [f"<td>{text(value)}</td>" for value in values]
    return [shown[place] for place in places]
