"""A network in a notebook: a table that needs no style, then the drawing, styled only by attributes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cnncalc.drawing.measures import counted_macs
from cnncalc.drawing.picture import Choice, picture
from cnncalc.drawing.svg import document, escaped
from cnncalc.figures.selection import select
from cnncalc.figures.summary import Summary
from cnncalc.graph import Graph
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.numbers import counted, exact
from cnncalc.layers.shapes import crossed

MOST_ROWS = 60


def html(graph: Graph, summary: Summary) -> str:
    """Return a network as HTML for notebooks, which may strip styles, classes and scripts."""
    return "".join(_pieces(graph, summary))


def _pieces(graph: Graph, summary: Summary) -> Iterator[str]:
    totals = summary.totals
    yield (
        f"<p><b>{escaped(summary.title)}</b> {counted(totals.layers, 'layer')}, {counted(totals.params, 'param')}, "
        f"{exact(totals.macs)} {escaped(summary.figure)}</p>\n"
    )
    heads = ("layer", "type", "output", "params", summary.figure)
    yield f"<table><thead><tr>{''.join([f'<th>{escaped(head)}</th>' for head in heads])}</tr></thead><tbody>\n"
    rows, _ = select(summary, 1, None, None)
    for row in rows[:MOST_ROWS]:
        cells = (
            row.name, row.described, crossed(row.output_shape[1:]), exact(row.params),
            exact(row.macs),
        )  # fmt: skip
        yield f"<tr>{''.join([f'<td>{escaped(cell)}</td>' for cell in cells])}</tr>\n"
    if len(rows) > MOST_ROWS:
        yield f"<tr><td>… {exact(len(rows) - MOST_ROWS)} more</td><td></td><td></td><td></td><td></td></tr>\n"
    yield "</tbody></table>\n"
    try:
        drawing = document(picture(graph, counted_macs(summary), Choice(1)), style=False)
    except CnncalcError as error:  # it has too many layers to be drawn
        yield f"<p>{escaped(error.message)}</p>\n"
        return
    plain = re.sub(' class="[^"]*"', "", drawing)
    yield f"<details><summary>graph</summary>{plain}</details>\n"
