"""The arena as a picture: time across, offset up, a box for each tensor, and a line for the bytes that every plan
needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from cnncalc.deployment.view import ArenaPlace, Deployment
from cnncalc.drawing.letters import fitted, text_width
from cnncalc.drawing.page.head import head
from cnncalc.drawing.svg import FONT, dark_rules
from cnncalc.ground.numbers import exact
from cnncalc.ground.terminal_safe import printable
from cnncalc.layers.shapes import crossed
from cnncalc.rendering.blocks import Cell, Column, Divider, Heading, PageBlock, Paragraph, Table

HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 360, 90, 60, 176, 24
WIDEST_STEP, NARROWEST_STEP, WIDTH = 72, 2, 1100
COLORS = ("#3b6ea5", "#b85c12", "#3f7f3a", "#85548a", "#2b7a78", "#86691a", "#ad4268", "#6b5348")
SCRATCH_COLOR, BOUND_COLOR = "#d1242f", "#cf222e"
LEAST_FOR_NAMES, LEAST_ROOM = 11, 18
"""Height and width of a box with a name, and width of a step with one, in pixels."""

LONGEST_NAME = BOTTOM - 20
"""Pixels of the text below a step."""

_STYLE = (
    "p{max-width:60rem}rect.t:hover{opacity:.6}table{margin:1rem 0}thead td{border-bottom:2px solid var(--muted)}"
    ".right{text-align:right;white-space:nowrap}.folds{overflow-wrap:anywhere}.folds:last-child{min-width:12rem}"
)
_FONT = f'font-family="{FONT}"'


def svg(found: Deployment) -> str:
    """Return the picture as an SVG document; a box's title has its tensor, its bytes, and its first and last step."""
    count = len(found.steps)
    step = max(min(WIDTH / count, WIDEST_STEP), NARROWEST_STEP)
    bound = f"{exact(found.bound)} alive at most: no plan can do with less"
    widest = max(text_width(found.graph.name, 16, bold=True), text_width(f"{_arena(found)}{bound}", 12) + 60)
    width, height = max(LEFT + step * count, 16 + widest) + RIGHT, TOP + HEIGHT + BOTTOM
    legend = 16 + text_width(_arena(found), 12) + 20
    lines = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width:.0f} {height}' width='{width:.0f}' "
        f"height='{height}' role='img' aria-label='{_text(found.graph.name)}: the arena over time' {_FONT}>",
        "<rect class='paper' width='100%' height='100%' fill='#ffffff'/>",
        f"<text class='ink' x='16' y='22' font-size='15' font-weight='bold' fill='#1f2328'>{_text(found.graph.name)}"
        "</text>",
        _muted("x='16' y='41' font-size='12'", _arena(found)),
        _dashed(f"x1='{legend}' y1='37' x2='{legend + 24}' y2='37'"),
        _muted(f"x='{legend + 30}' y='41' font-size='12'", bound),
        *_scale(found, step),
        *[_box(found, number, place, step) for number, place in enumerate(found.places) if place.size],
        _dashed(_across(_y(found, found.bound), LEFT + step * count)),
        *_names(found, step),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def html(found: Deployment, blocks: Iterable[PageBlock]) -> str:
    """Return a self-contained page: the picture, and below it the blocks of the page."""
    title = f"{_text(found.graph.name)} on a device"
    return (
        f"{head(title, _STYLE, dark_rules())}<main><h1>{title}</h1>\n"
        f"<div class='tall' tabindex='0' role='region' aria-label='arena'>\n{svg(found)}</div>\n"
        f"{''.join(map(_block, blocks))}</main>\n</body>\n</html>\n"
    )


def _block(block: PageBlock) -> str:
    """Return a block in HTML; a title becomes nothing, since the page has one."""
    if isinstance(block, Paragraph):
        label = f"<b>{_text(block.label[0].strip())}</b> " if block.label[0] else ""
        return f"<p>{label}{_styled(block.text, block.style)}</p>\n"
    if not isinstance(block, Table):
        return ""
    ths = [f"<th{_side(column)}>{_text(column.title)}</th>" for column in block.columns]
    heads = [th if column.title else "<td></td>" for th, column in zip(ths, block.columns, strict=True)]
    region = f"<div class='tall' tabindex='0' role='region' aria-label='{_text(block.columns[0].title)}'>"
    lines = [f"{region}<table><thead><tr>{''.join(heads)}</tr></thead><tbody>\n"]
    for row in block.rows:
        assert not isinstance(row, (Divider, Heading))
        cells = [Cell(one) if isinstance(one, str) else one for one in row]
        texts = [_styled(cell.text, cell.style) if isinstance(cell, Cell) else "" for cell in cells]
        columns = zip(block.columns, texts, strict=True)
        lines.append(f"<tr>{''.join([f'<td{_side(column)}>{text}</td>' for column, text in columns])}</tr>\n")
    return f"{''.join(lines)}</tbody></table></div>\n"


def _side(column: Column) -> str:
    return " class='right'" if column.right else " class='folds'" if column.folds else ""


def _styled(text: str, style: str) -> str:
    return f"<b>{_text(text)}</b>" if "bold" in style else _text(text)


def _arena(found: Deployment) -> str:
    lost = f", {exact(found.arena - found.bound)} lost to the plan" if found.arena > found.bound else ""
    return f"arena {exact(found.arena)} bytes{lost}"


def _y(found: Deployment, offset: int) -> float:
    return TOP + HEIGHT - HEIGHT * offset / max(found.arena, 1)


def _across(y: float, right: float) -> str:
    return f"x1='{LEFT}' y1='{y:.1f}' x2='{right:.1f}' y2='{y:.1f}'"


def _dashed(where: str) -> str:
    """Return a piece of the line for the bytes that every plan needs."""
    return f"<line {where} stroke='{BOUND_COLOR}' stroke-dasharray='6 4'/>"


def _muted(where: str, text: str) -> str:
    return f"<text class='muted' {where} fill='#57606a'>{text}</text>"


def _scale(found: Deployment, step: float) -> Iterator[str]:
    """Yield lines at quarters of the arena, with their bytes."""
    for quarter in range(5):
        offset = found.arena * quarter // 4
        y = _y(found, offset)
        line = _across(y, LEFT + step * len(found.steps))
        yield f"<line class='rule' {line} stroke='#d0d7de' stroke-width='1'/>"
        yield _muted(f"x='{LEFT - 8}' y='{y + 4:.1f}' font-size='11' text-anchor='end'", exact(offset))


def _box(found: Deployment, number: int, place: ArenaPlace, step: float) -> str:
    x, y = LEFT + step * place.first, _y(found, place.offset + place.size)
    width, height = step * (place.last - place.first + 1), _y(found, place.offset) - y
    color = SCRATCH_COLOR if place.scratch else COLORS[number % len(COLORS)]
    what = "scratch of " if place.scratch else ""
    shape = f", {crossed(place.shape)}" if place.shape else ""
    tooltip = (
        f"{what}{place.name}{shape}: {exact(place.bytes)} bytes at {exact(place.offset)}, "
        f"from step {place.first} to {place.last}"
    )
    box = (
        f"<rect class='t' x='{x:.1f}' y='{y:.1f}' width='{width:.1f}' height='{height:.1f}' fill='{color}' "
        f"stroke='#ffffff' stroke-width='0.6'><title>{_text(tooltip)}</title></rect>"
    )
    room = int(width) - 6
    if height < LEAST_FOR_NAMES or room < LEAST_ROOM:
        return box
    label = f"<text x='{x + 3:.1f}' y='{y + height / 2 + 3:.1f}' font-size='10' fill='#ffffff' pointer-events='none'>"
    return f"{box}{label}{_text(_outer(place.name, room))}</text>"


def _names(found: Deployment, step: float) -> Iterator[str]:
    """Yield the operators below the steps, as many as can be read."""
    every = -(-LEAST_FOR_NAMES // step)
    for one in found.steps:
        if one.number % every:
            continue
        x, y = LEFT + step * (one.number + 0.5) + 3, TOP + HEIGHT + 10
        name = one.operator.title if one.operator is not None else "input"
        what, _, layer = name.rpartition(" ")
        both = f"{layer} {what}".rstrip()
        shown = both if text_width(both, 10) <= LONGEST_NAME else _outer(layer, LONGEST_NAME)
        text = f"<title>{_text(f'step {one.number}: {name}')}</title>{_text(shown)}"
        yield _muted(f"transform='translate({x:.1f} {y}) rotate(90)' font-size='10'", text)


def _outer(name: str, room: int) -> str:
    """Return a dotted name, as many of its outer scopes as there is room for; their numbers tell them apart."""
    while text_width(name, 10) > room and "." in name:
        name = name.rpartition(".")[0]
    return fitted(name, 10, room)


def _text(text: str) -> str:
    return escape(printable(text), quote=True)
