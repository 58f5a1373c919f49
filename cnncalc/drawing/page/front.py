"""The combinations of a sweep on one page: points on two axes, the Pareto front among them, and a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log10
from typing import NamedTuple

from cnncalc.drawing.page.data import script_safe
from cnncalc.drawing.page.head import head, resource, script_of, table_head
from cnncalc.drawing.svg import escaped
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_DRAWN_POINTS
from cnncalc.ground.numbers import counted, exact, short

BOX = (90, 20, 960, 420)
"""Left, top, right and bottom of the plot, in pixels."""


class FrontPoint(NamedTuple):
    """One combination: its name, and its figures in the page's order; None for missing ones."""

    name: str
    figures: Sequence[float | None]


def page(title: str, figures: Sequence[str], combinations: Sequence[FrontPoint], failed: int) -> Iterator[str]:
    """Yield a sweep as one HTML file; at first fewer MACs (across) and more params (upwards) are better.

    Args:
        title: the page's.
        figures: names of the figures.
        combinations: the points.
        failed: how many combinations have no figures.

    Raises:
        CnncalcError: if there are too many combinations, or none with two figures.
    """
    if len(combinations) > MAX_DRAWN_POINTS:
        raise CnncalcError(
            f"a page shows {MAX_DRAWN_POINTS:,} combinations at most, not {len(combinations):,}",
            "keep fewer of them, or write them as .csv",
        )
    known = [place for place, _ in enumerate(figures) if all(one.figures[place] is not None for one in combinations)]
    if not combinations or len(known) < 2:
        raise CnncalcError("there are no combinations with two figures to draw")
    names = [figures[place] for place in known]
    rows = [[one.figures[place] or 0 for place in known] for one in combinations]
    x = names.index("macs") if "macs" in names else 0
    y = names.index("params") if "params" in names and x != names.index("params") else int(x == 0)
    script = script_of("front.js")
    yield head(escaped(title), resource("front.css"), ".ink,.muted{fill:#e8eaee}", script)
    yield f"<header><h1>{escaped(title)}</h1>\n"
    count = f"<p>{counted(len(rows), 'combination')}" + (f", and {exact(failed)} failed" if failed else "")
    yield f"{count}. A combination is on the front if no other is better in both figures.</p></header>\n<main>\n"
    yield from _choices(names, x, y)
    yield from _plot(names, rows, [one.name for one in combinations], x, y)
    yield from _table(names, rows, combinations, x, y)
    data = {"figures": names, "rows": rows, "names": [one.name for one in combinations], "box": BOX}
    yield f'</main>\n<script type="application/json" id="data">{script_safe(data)}</script>\n'
    yield f"<script>{script}</script>\n</body>\n</html>\n"


def front(rows: Sequence[Sequence[float]], x: int, y: int) -> list[int]:
    """Return the Pareto front: less of ``x`` and more of ``y`` is better."""
    found: list[int] = []
    best: float | None = None
    for place in sorted(range(len(rows)), key=lambda place: (rows[place][x], -rows[place][y], place)):
        if best is None or rows[place][y] > best:
            found.append(place)
            best = rows[place][y]
    return found


def _choices(names: Sequence[str], x: int, y: int) -> Iterator[str]:
    yield '<div class="choose">'
    for axis, chosen, better in (("x", x, "less"), ("y", y, "more")):
        options = "".join(
            [f"<option{' selected' * (place == chosen)}>{escaped(name)}</option>" for place, name in enumerate(names)]
        )
        senses = "".join([f"<option{' selected' * (one == better)}>{one}</option>" for one in ("less", "more")])
        word = "across" if axis == "x" else "upwards"
        yield (
            f'<span><label for="{axis}">{word}</label> <select id="{axis}">{options}</select> '
            f'<label for="{axis}best">better:</label> <select id="{axis}best">{senses}</select></span>'
        )
    yield '<output id="best"></output></div>\n'


def _plot(
    names: Sequence[str], rows: Sequence[Sequence[float]], titles: Sequence[str], x: int, y: int
) -> Iterator[str]:
    left, top, right, bottom = BOX
    xs, ys = [row[x] for row in rows], [row[y] for row in rows]
    best = front(rows, x, y)

    def at(place: int) -> tuple[float, float]:
        return _scaled(rows[place][x], xs, left, right), _scaled(rows[place][y], ys, bottom, top)

    yield '<section aria-label="plot"><svg id="plot" viewBox="0 0 980 470" role="group" '
    yield 'aria-label="combinations" font-size="13">'
    yield f'<path class="line" d="M{left} {top}V{bottom}H{right}" fill="none" stroke="#6d7684"/>'
    line = "L".join([f"{across:.1f} {upward:.1f}" for across, upward in map(at, best)])
    yield f'<path id="line" class="edge" d="M{line}"/><g id="points">'
    for place in [*(place for place in range(len(rows)) if place not in set(best)), *best]:
        across, upward = at(place)
        style, radius = ("best", 6) if place in best else ("other", 4)
        yield (
            f'<circle class="{style}" cx="{across:.1f}" cy="{upward:.1f}" r="{radius}">'
            f"<title>{escaped(titles[place])}</title></circle>"
        )
    yield "</g>"
    texts = [
        ("xleast", left, bottom + 18, "start", short(min(xs))),
        ("xmost", right, bottom + 18, "end", short(max(xs))),
        ("yleast", left - 8, bottom, "end", short(min(ys))),
        ("ymost", left - 8, top + 10, "end", short(max(ys))),
        ("xname", (left + right) // 2, bottom + 38, "middle", names[x]),
        ("yname", left + 8, top + 10, "start", names[y]),
    ]
    for name, at_x, at_y, anchor, text in texts:
        yield f'<text id="{name}" class="ink" x="{at_x}" y="{at_y}" text-anchor="{anchor}">{escaped(text)}</text>'
    yield '</svg><p id="pointed" role="status">Point at a combination: its arguments and figures stand here.</p>'
    yield "</section>\n"


def _scaled(value: float, values: Sequence[float], start: int, end: int) -> float:
    """Return the place of a value between ``start`` and ``end``; from a ratio of 20 on the axis is logarithmic."""
    least, most = min(values), max(values)
    if least > 0 and most / least > 20:
        least, most, value = log10(least), log10(most), log10(value)
    return start + (value - least) / ((most - least) or 1) * (end - start)


def _table(
    names: Sequence[str], rows: Sequence[Sequence[float]], combinations: Sequence[FrontPoint], x: int, y: int
) -> Iterator[str]:
    best = set(front(rows, x, y))
    yield '<section aria-label="combinations"><h2>Combinations</h2>'
    yield '<div class="tall" tabindex="0" role="region" aria-label="table">'
    yield f'<table class="from2">{table_head("combination", *names)}<tbody>\n'
    for place, (one, row) in enumerate(zip(combinations, rows, strict=True)):
        cells = "".join([f"<td>{value:,}</td>" for value in row])
        chosen = ' class="chosen"' if place in best else ""
        yield f'<tr data-place="{place}"{chosen}><th scope="row">{escaped(one.name)}</th>{cells}</tr>\n'
    yield "</tbody></table></div></section>\n"
