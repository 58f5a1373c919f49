"""Two networks on one page: the picture, the totals with their ratios, and the layers that differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnncalc.drawing.difference import Side, difference, remark_on
from cnncalc.drawing.page.head import head, table_head
from cnncalc.drawing.svg import dark_rules, escaped, pieces
from cnncalc.figures.summary import Row
from cnncalc.ground.numbers import bytes_text, exact
from cnncalc.studies.compare.diff import SAME, Compared, LayerDiff

_WIDE = '<div class="tall" tabindex="0" role="region" aria-label="{}">'
"""The beginning of a region that scrolls sideways if it is wider than the screen."""


def page(a: Side, b: Side, changes: Sequence[LayerDiff], figures: Sequence[Compared]) -> Iterator[str]:
    """Yield two networks as one HTML file without a script."""
    title = f"{escaped(a.name)} and {escaped(b.name)}"
    yield head(title, "", dark_rules())
    yield (
        f"<header><h1>{title}</h1></header>\n<main>\n<section><h2>Layers that stand for each other</h2>"
        f"{_WIDE.format('graphs')}"
    )
    yield from pieces(difference(a, b, changes), style=False)
    yield "</div></section>\n"
    yield from _figures(a, b, figures)
    yield from _changes(a, b, changes)
    yield "</main>\n</body>\n</html>\n"


def _figures(a: Side, b: Side, figures: Sequence[Compared]) -> Iterator[str]:
    columns = table_head("", "figure", a.name, b.name, "ratio")
    yield f'<section><h2>Figures</h2>{_WIDE.format("figures")}<table class="from3">{columns}<tbody>\n'
    for figure in figures:
        was, now = [bytes_text(value) if figure.group == "memory" else exact(value) for value in figure.values]
        ratio = figure.ratios[1]
        cells = f"<td>{was}</td><td>{now}</td><td>{'' if ratio is None else f'{ratio:.3f}'}</td>"
        yield f'<tr><td>{figure.group}</td><th scope="row">{figure.name}</th>{cells}</tr>\n'
    yield "</tbody></table></div></section>\n"


def _changes(a: Side, b: Side, changes: Sequence[LayerDiff]) -> Iterator[str]:
    others = [one for one in changes if one.change != SAME]
    yield f"<section><h2>{exact(len(others))} of {exact(len(changes))} layers are not the same</h2>\n"
    yield f"{_WIDE.format('layers')}<table>{table_head('', a.name, b.name, 'what differs')}<tbody>\n"
    for one in others:
        other = b.name if one.a is not None else a.name
        yield (
            f"<tr><td>{one.change}</td><td>{_layer(one.a)}</td><td>{_layer(one.b)}</td>"
            f"<td>{escaped(remark_on([one], other))}</td></tr>\n"
        )
    yield "</tbody></table></div></section>\n"


def _layer(row: Row | None) -> str:
    if row is None:
        return ""
    return f'{escaped(row.name)}<br><span class="muted">{escaped(row.described)}</span>'
