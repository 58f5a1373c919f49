"""A picture as SVG: attributes that every program reads, and one style for dark screens."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from cnncalc.drawing.colours import BAR, COLOURS, DARK, FRAME_LINE, INK, LINE, MARKS, MUTED, SKIP
from cnncalc.drawing.parts import CIRCLE, HEAD, STRIP, Box, Card, is_visible
from cnncalc.drawing.picture import BORDER, Picture
from cnncalc.drawing.placing import XY, Polyline
from cnncalc.ground.terminal_safe import printable

FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans Condensed', sans-serif"
ROUND = 6


def escaped(text: str) -> str:
    """Return an untrusted text escaped for XML."""
    text = "\n".join([printable(line) for line in text.split("\n")])
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def document(picture: Picture, style: bool = True) -> str:
    """Return a picture as an SVG file."""
    return "".join(pieces(picture, style))


def pieces(picture: Picture, style: bool = True) -> Iterator[str]:
    """Yield the SVG of a picture.

    Args:
        picture: with everything in its place.
        style: whether there is a style with dark colours for dark screens; without, there are attributes alone.
    """
    title, about = picture.heading
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {picture.width} {picture.height}" '
        f'width="{picture.width}" height="{picture.height}" font-family="{FONT}" font-size="12" '
        f'role="img" aria-label="{escaped(f"{title}: {about}")}">\n'
    )
    yield f"<title>{escaped(title)}</title>\n"
    if style:
        yield f"<style>@media screen and (prefers-color-scheme:dark){{{dark_rules()}}}</style>\n"
    yield f'<rect class="paper" width="{picture.width}" height="{picture.height}" fill="#ffffff"/>\n'
    yield _text(BORDER, BORDER + 10, title, "ink", size=15, bold=True)
    yield _text(BORDER, BORDER + 27, about, "muted", size=10)
    yield from body(picture)
    yield "</svg>\n"


def dark_rules() -> str:
    """Return the CSS rules for dark screens."""
    kinds = "".join([f".{kind}{{fill:{tint};stroke:{border}}}" for kind, (tint, border) in DARK.items()])
    return (
        f"{kinds}.paper{{fill:#0d1014}}.ink{{fill:#e8eaee}}.muted{{fill:#a3a9b4}}.line{{stroke:#8b93a0}}"
        ".head{fill:#8b93a0}.skip{stroke:#b294e0}.skiphead{fill:#b294e0}.bar{fill:#f2824b}"
        ".frame{fill:#ffffff;fill-opacity:.05;stroke:#5a616c}"
    )


def body(picture: Picture) -> Iterator[str]:
    """Yield frames, lines, boxes and texts, in the order in which they cover each other."""
    parts = picture.placing.parts
    for part in parts:
        if isinstance(part, Box) and part.is_open:
            yield from _frame(part)
    yield from _lines(picture.placing.lines)
    largest = max([part.value for part in parts if is_visible(part)], default=0.0)  # the longest bar
    for part in parts:
        if isinstance(part, Card):
            yield from _tile(part, largest)
        elif not part.is_open:
            yield from _closed(part, largest)
    for text in picture.placing.texts:
        yield _text(text.x, text.y, text.text, "muted", size=9)


# --- pieces --------------------------------------------------------------------------------------------------


def _text(x: int, y: int, text: str, style: str, size: int = 12, bold: bool = False, anchor: str = "") -> str:
    fill = MUTED if style == "muted" else INK
    more = (f' font-size="{size}"' if size != 12 else "") + (' font-weight="bold"' if bold else "")
    more += f' text-anchor="{anchor}"' if anchor else ""
    return f'<text class="{style}" x="{x}" y="{y}" fill="{fill}"{more}>{escaped(text)}</text>\n'


def _rect(x: int, y: int, width: int, height: int, kind: str, radius: int = 4) -> str:
    tint, border = COLOURS[kind]
    return (
        f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}" '
        f'fill="{tint}" stroke="{border}"/>\n'
    )


def _opened(part: Card | Box) -> str:
    """Return the beginning of a part's group: pale if another network has the same part, outlined if it has not."""
    pale = ' opacity=".4"' if part.mark == "same" else ""
    found = f"<g{pale}><title>{escaped(part.title)}</title>\n"
    if part.mark in MARKS:
        found += (
            f'<rect class="mark" x="{part.x - 3}" y="{part.y - 3}" width="{part.width + 6}" height="{part.height + 6}" '
            f'rx="7" fill="none" stroke="{MARKS[part.mark]}" stroke-width="2"/>\n'
        )
    return found


def _frame(box: Box) -> Iterator[str]:
    dashed = ' stroke-dasharray="4 3"' if box.is_made_up else ""
    yield (
        f'<g><title>{escaped(box.title)}</title>\n<rect class="frame" x="{box.x}" y="{box.y}" width="{box.width}" '
        f'height="{box.height}" rx="8" fill="{INK}" fill-opacity=".035" stroke="{FRAME_LINE}"{dashed}/>\n'
    )
    name = f"{box.name}  ×{box.count}" if box.count > 1 else box.name
    yield _text(box.x + 10, box.y + 16, name, "muted", size=11, bold=True)
    if box.count > 1:
        yield _text(box.x + box.width - 10, box.y + 16, f"all {box.count} together", "muted", size=9, anchor="end")
    yield "</g>\n"


def _lines(lines: list[Polyline]) -> Iterator[str]:
    distinct = [(line, [point for point, _ in groupby(line.points)]) for line in lines]
    for is_skip, style, head, colour in ((False, "line", "head", LINE), (True, "skip", "skiphead", SKIP)):
        chosen = [(points, line.arrow) for line, points in distinct if line.is_skip == is_skip and len(points) > 1]
        drawn = "".join([_path(points, arrow) for points, arrow in chosen])
        if drawn:
            yield f'<path class="{style}" d="{drawn}" fill="none" stroke="{colour}" stroke-width="1.3"/>\n'
        heads = "".join([_head(points) for points, arrow in chosen if arrow])
        if heads:
            yield f'<path class="{head}" d="{heads}" fill="{colour}"/>\n'


def _path(points: list[XY], arrow: bool) -> str:
    """Return a line with rounded corners."""
    if arrow:  # the line ends inside its arrow head
        points = [*points[:-1], _toward(points[-1], points[-2], 3)]
    found = f"M{points[0][0]} {points[0][1]}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        room = min(ROUND, _far(before, corner) // 2, _far(corner, after) // 2)
        start, end = _toward(corner, before, room), _toward(corner, after, room)
        found += f"L{start[0]} {start[1]}Q{corner[0]} {corner[1]} {end[0]} {end[1]}"
    return f"{found}L{points[-1][0]} {points[-1][1]}"


def _far(a: XY, b: XY) -> int:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _toward(a: XY, b: XY, distance: int) -> XY:
    """Return the point at a distance from a on the way to b, which lies on the same vertical or horizontal."""
    return a[0] + distance * _sign(b[0] - a[0]), a[1] + distance * _sign(b[1] - a[1])


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _head(points: list[XY]) -> str:
    """Return the head of an arrow, in the direction of the line's last piece."""
    (x, y), (end, below) = points[-2:]
    dx, dy = _sign(end - x), _sign(below - y)
    return (
        f"M{end} {below}L{end - 7 * dx - 4 * dy} {below - 7 * dy - 4 * dx}"
        f"L{end - 7 * dx + 4 * dy} {below - 7 * dy + 4 * dx}z"
    )


def _tile(tile: Card, largest: float) -> Iterator[str]:
    yield _opened(tile)
    if tile.form == "pill":
        yield _rect(tile.x, tile.y, tile.width, tile.height, tile.kind, tile.height // 2)
        yield _text(tile.x + tile.axis, tile.y + 15, tile.strips[0].text, "ink", anchor="middle")
    elif tile.form == "circle":
        yield from _circle(tile)
    else:
        yield from _card(tile, largest)
    yield "</g>\n"


def _circle(tile: Card) -> Iterator[str]:
    tint, border = COLOURS[tile.kind]
    x, y, reach = tile.x + CIRCLE // 2, tile.y + CIRCLE // 2, 5
    yield f'<circle class="{tile.kind}" cx="{x}" cy="{y}" r="{CIRCLE // 2 - 1}" fill="{tint}" stroke="{border}"/>\n'
    sign = f"M{x - reach} {y}H{x + reach}M{x} {y - reach}V{y + reach}"
    if not tile.strips[0].text.startswith("add"):
        sign = f"M{x - 4} {y - 4}L{x + 4} {y + 4}M{x - 4} {y + 4}L{x + 4} {y - 4}"
    yield f'<path class="{tile.kind}" d="{sign}" fill="none" stroke="{border}" stroke-width="1.6"/>\n'


def _card(tile: Card, largest: float) -> Iterator[str]:
    x, y, width = tile.x, tile.y, tile.width
    if tile.count > 1:
        yield _rect(x + 4, y + 4, width, tile.height, tile.kind)
    for strip in tile.strips[::-1] if tile.is_flipped else tile.strips:
        height = HEAD if strip.is_head else STRIP
        yield _rect(x, y, width, height, strip.kind, 3)
        if strip.is_head:
            yield from _head_strip(tile, strip.text, x, y, largest)
        else:
            yield _text(x + tile.axis, y + 11, strip.text, "ink", size=10, anchor="middle")
        y += height


def _head_strip(tile: Card, text: str, x: int, y: int, largest: float) -> Iterator[str]:
    right = x + tile.width - 9
    if not tile.share and tile.count == 1:
        yield _text(x + tile.axis, y + 18, text, "ink", anchor="middle")
        return
    yield _text(x + 9, y + (16 if tile.share else 18), text, "ink")
    if tile.count > 1:
        yield _text(right, y + (12 if tile.share else 18), f"×{tile.count}", "ink", bold=True, anchor="end", size=11)
    if tile.share:
        yield _text(right, y + (22 if tile.count > 1 else 16), tile.share, "muted", size=10, anchor="end")
        yield _bar(x + 9, y + HEAD - 6, tile.width - 18 - (32 if tile.count > 1 else 0), tile.value, largest)


def _bar(x: int, y: int, room: int, value: float, largest: float) -> str:
    width = int(room * value * 10 / largest + 0.5) / 10 if largest else 0
    return f'<rect class="bar" x="{x}" y="{y}" width="{max(width, 0.5):g}" height="3" rx="1" fill="{BAR}"/>\n'


def _closed(box: Box, largest: float) -> Iterator[str]:
    x, y, width, right = box.x, box.y, box.width, box.x + box.width - 9
    yield _opened(box)
    if box.count > 1:
        yield _rect(x + 4, y + 4, width, box.height, "box", 6)
    yield _rect(x, y, width, box.height, "box", 6)
    yield _text(x + 9, y + 15, box.name, "ink", bold=True)
    if box.count > 1:
        yield _text(right, y + 15, f"×{box.count}", "ink", bold=True, anchor="end")
    yield _text(x + 9, y + 28, box.about, "muted", size=10)
    if box.share:
        yield _text(right, y + 28, box.share, "muted", size=10, anchor="end")
        yield _bar(x + 9, y + 33, width - 18, box.value, largest)
    yield "</g>\n"
