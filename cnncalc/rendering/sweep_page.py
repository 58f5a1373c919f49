"""A sweep as a table whose rows are shown as they come, so that its widths are settled before the first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from cnncalc.rendering.page import Line, fold
from cnncalc.rendering.text import dims, exact, size
from cnncalc.studies.sweep.grid import Grid
from cnncalc.studies.sweep.points import Point

_ROOM = {"layers": 6, "params": 13, "buffers": 11, "macs": 18, "flops": 19, "activations": 13, "output": 11}
_BYTES = ("weight_bytes", "forward_bytes", "peak_bytes", "ram_max", "flash")
_TITLES = {
    "macs": "MACs", "flops": "FLOPs", "receptive_field": "sees",
    "weight_bytes": "weights", "forward_bytes": "forward", "peak_bytes": "peak",
}  # fmt: skip
_DROPPED = (
    "buffers", "layers", "forward_bytes", "weight_bytes", "output", "flops", "activations", "peak_bytes",
)  # fmt: skip
"""Figures that a narrow table leaves out, the first one first."""

_LEAST_FOR_ERRORS = 30


class Columns(NamedTuple):
    """What stands in front (a combination's values) and behind (its figures), with the width of each."""

    keys: dict[str, int]
    figures: dict[str, int]


def columns(grid: Grid, figures: Sequence[str], asked: bool, width: int | None) -> Columns:
    """Settle the columns; those that don't fit ``width`` are left out, unless they were ``asked`` for."""
    keys: dict[str, int] = {}
    if grid.variants != (None,):
        keys["variant"] = max(len(variant or "") for variant in grid.variants)
    keys |= {name: max(len(_value(value)) for value in values) for name, values in grid.args.items()}
    sizes = [max(len(dims(shape)) for shape in shapes) for shapes in grid.inputs.values()]
    keys["input"] = sum(sizes) + 2 * len(sizes) - 2 if sizes else 11
    keys = {name: max(room, len(name)) for name, room in keys.items()}
    shown = {name: max(_ROOM.get(name, 9), len(_TITLES.get(name, name))) for name in figures}
    for name in _DROPPED if width is not None and not asked else ():
        rooms = [*keys.values(), *shown.values()]
        if sum(rooms) + 2 * (len(rooms) - 1) > (width or 0):
            shown.pop(name, None)
    return Columns(keys, shown)


def page(points: Iterable[Point], shown: Columns, layout: str, width: int | None, terminal: bool) -> Iterator[Line]:
    """Yield the header and a line a point, as they come; one that failed shows its error for figures."""
    keys, figures = shown
    titles = [name.ljust(room) for name, room in keys.items()]
    titles += [_TITLES.get(name, name).rjust(room) for name, room in figures.items()]
    yield [("  ".join(titles).rstrip(), "bold")]
    yield [(("─" if terminal else "-") * len("  ".join(titles)), "dim")]
    for point in points:
        values = {"variant": point.variant or "", **{name: _value(value) for name, value in point.args.items()}}
        values["input"] = ", ".join(dims(shape, layout) for shape in point.input.values())
        front = "  ".join([values[name].ljust(room) for name, room in keys.items()])
        if point.error is None:
            cells = [_figure(name, point, layout).rjust(room) for name, room in figures.items()]
            yield [("  ".join([front, *cells]), "")]
        else:
            yield from _error(front, point.error, width)


def _value(value: object) -> str:
    """Return an argument's value as a spec has it."""
    if isinstance(value, tuple):
        return f"[{','.join([_value(item) for item in value])}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _figure(name: str, point: Point, layout: str) -> str:
    value = point.figures[name]
    if isinstance(value, tuple):
        return dims(value, layout if name == "output" else "chw")
    return size(value) if name in _BYTES else exact(value)


def _error(front: str, error: str, width: int | None) -> Iterator[Line]:
    """Yield an error behind the values, or below them where that leaves it too little room."""
    text = f"error: {error}"
    if width is None:
        yield [(f"{front}  ", ""), (text, "red")]
        return
    room = width - len(front) - 2
    if room < _LEAST_FOR_ERRORS:
        yield [(front.rstrip(), "")]
        front, room = "  ", width - 4
    for number, line in enumerate(fold(text, room)):
        yield [(f"{front if number == 0 else ' ' * len(front)}  ", ""), (line, "red")]
