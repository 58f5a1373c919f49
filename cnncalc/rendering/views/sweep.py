"""A sweep, whose rows are printed as they are computed: column widths are fixed before the first row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, repeat
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.figures.catalogue import DISPENSABLE, HEADINGS
from cnncalc.ground.limits import MAX_DRAWN_POINTS
from cnncalc.layers.shapes import crossed
from cnncalc.rendering.blocks import PageBlock, Paragraph, Text
from cnncalc.rendering.cells import cells, left, right
from cnncalc.rendering.layout import fold
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.texts import figure_text, title_of
from cnncalc.rendering.writers import Listed, Record, View, as_json, record_of
from cnncalc.studies.sweep.grid import Grid
from cnncalc.studies.sweep.jobs import SweepPart
from cnncalc.studies.sweep.points import Point
from cnncalc.studies.sweep.values import Each
from cnncalc.studies.sweep.window import Batch, Window, listed, points_of

if TYPE_CHECKING:
    from cnncalc.studies.sweep.window import Integers, Shapes

_LEAST_FOR_ERRORS = 30


class SweepView(View):
    """A sweep, to be read once.

    Attributes:
        name, source: the spec's.
        grid: its combinations.
        parts: the rows in order.
        figures: the figures to show.
        asked: the requested figures, which a narrow table prefers.
        arguments: the spec's args by the column in which each is.
    """

    def __init__(
        self, name: str, source: str | None, grid: Grid, parts: Iterable[SweepPart], figures: Sequence[str],
        asked: Sequence[str],
    ) -> None:  # fmt: skip
        self.name = name
        self.source = source
        self.grid = grid
        self.parts = parts
        self.figures = figures
        self.asked = asked
        self.arguments = argument_columns(grid, figures)
        self.columns = (*self.arguments, "input", *figures, "error")

    @property
    def points(self) -> Iterator[Point]:
        """The rows one by one."""
        for part in self.parts:
            yield from points_of(part.window, self.grid, part.lanes)

    def page(self, screen: Screen) -> Iterator[PageBlock]:
        return _page(self.points, _columns(self.grid, self.figures, self.asked, screen.width), screen)

    def document(self) -> Listed:
        return Listed(record_of(self, "name", "source"), "combinations", self.records())

    def records(self) -> Iterator[dict[str, object]]:
        return (_record(point, self.figures) for point in self.points)

    def rows(self, screen: Screen) -> Iterator[Record]:
        """Yield one row per point with one value per column; a single input is its shape alone."""
        for point in self.points:
            shapes = tuple(point.input.values())
            yield {
                "variant": point.variant,
                **{column: point.args[name] for column, name in self.arguments.items() if column != "variant"},
                "input": shapes[0] if len(shapes) == 1 else point.input,
                **{name: point.figures.get(name) for name in self.figures},
                "error": point.error,
            }

    def lines(self) -> Iterator[str]:
        """Yield the lines of ndjson, as :func:`as_json` writes the records: many at a time, from columns."""
        texts = _Texts(self.grid)
        for part in self.parts:
            window = part.window
            found = {lane: as_json(_record(point, self.figures)) for lane, point in window.points.items()}
            for batch in window.batches:
                found.update(zip(batch.lanes.tolist(), _lines(batch, window, texts, self.figures), strict=True))
            yield "".join([found[lane] for lane in part.lanes])

    def parquet(self) -> Iterator[bytes]:
        """Yield a Parquet file."""
        from cnncalc.rendering.views.sweep_parquet import packed

        return packed(self.parts, self.grid, self.arguments, self.figures)

    def html(self) -> Iterator[str]:
        """Yield a page with the points on two axes."""
        from cnncalc.drawing.page.front import FrontPoint, page

        found, failed = [], 0
        for point in islice(self.points, MAX_DRAWN_POINTS + 1):
            if point.error is not None:
                failed += 1
                continue
            front = [f"{name}={_value(one)}" for name, one in point.args.items()]
            shapes = [crossed(shape) for shape in point.input.values()]
            values = [point.figures.get(name) for name in self.figures]
            numbers = [value if isinstance(value, int | float) else None for value in values]
            found.append(FrontPoint(" ".join(filter(None, [point.variant, *front, *shapes])), numbers))
        return page(self.name, self.figures, found, failed)


# --- the page ------------------------------------------------------------------------------------------------


class ColumnWidths(NamedTuple):
    """The columns in front (a combination's values) and after (its figures), with their widths."""

    keys: dict[str, int]
    figures: dict[str, int]
    left_out: list[str]


def _columns(grid: Grid, figures: Sequence[str], asked: Sequence[str], width: int | None) -> ColumnWidths:
    """Choose the columns; those that don't fit ``width`` are left out, the ones that were ``asked`` for last."""
    keys: dict[str, int] = {}
    if grid.variants != (None,):
        keys["variant"] = max(cells(variant or "") for variant in grid.variants)
    keys |= {name: _room(values) for name, values in grid.args.items()}
    sizes = [max(len(crossed(shape)) for shape in shapes) for shapes in grid.inputs.values()]
    keys["input"] = sum(sizes) + 2 * len(sizes) - 2 if sizes else 11
    keys = {name: max(room, cells(name)) for name, room in keys.items()}
    shown = {name: max(HEADINGS[name].room, len(title_of(name))) for name in figures}
    usual = [name for name in (*DISPENSABLE, *reversed(figures)) if name in shown and name not in asked]
    for name in [*dict.fromkeys(usual), *reversed(asked)] if width is not None else ():
        rooms = [*keys.values(), *shown.values()]
        if sum(rooms) + 2 * (len(rooms) - 1) > (width or 0) and len(shown) > 1:
            del shown[name]
    return ColumnWidths(keys, shown, [title_of(name) for name in figures if name not in shown])


def _page(points: Iterable[Point], shown: ColumnWidths, screen: Screen) -> Iterator[PageBlock]:
    """Yield the header and a line per point, in order; a failed point shows its error in place of figures."""
    keys, figures, left_out = shown
    if left_out:
        yield Paragraph(screen.left_out(left_out), "dim")
    titles = [left(name, room) for name, room in keys.items()]
    titles += [right(title_of(name), room) for name, room in figures.items()]
    yield Text([("  ".join(titles).rstrip(), "bold")])
    yield Text([(("─" if screen.box else "-") * cells("  ".join(titles)), "dim")])
    for point in points:
        values = {"variant": point.variant or "", **{name: _value(value) for name, value in point.args.items()}}
        values["input"] = ", ".join(crossed(shape, screen.layout) for shape in point.input.values())
        front = "  ".join([left(values[name], room) for name, room in keys.items()])
        if point.error is None:
            found = [right(_figure(name, point, screen.layout), room) for name, room in figures.items()]
            yield Text([("  ".join([front, *found]), "")])
        else:
            yield from _error(front, point.error, screen.width)


def _room(values: Sequence[object] | Each) -> int:
    """Return the width of the widest value of an argument."""
    if isinstance(values, range):
        return max(len(str(values[0])), len(str(values[-1])))
    if isinstance(values, Each):
        widest = max(cells(_value(value)) for value in values.choices)
        return 2 + values.places * (widest + 1) - 1
    return max(cells(_value(value)) for value in values)


def _value(value: object) -> str:
    """Return an argument's value in a spec's notation."""
    if isinstance(value, tuple):
        return f"[{','.join([_value(item) for item in value])}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _figure(name: str, point: Point, layout: str) -> str:
    value = point.figures[name]
    if isinstance(value, tuple):
        return crossed(value, layout if name == "output" else "chw")
    return figure_text(name, value)


def _error(front: str, error: str, width: int | None) -> Iterator[Text]:
    """Yield an error after the values, or below them if there is too little room."""
    text = f"error: {error}"
    if width is None:
        yield Text([(f"{front}  ", ""), (text, "red")])
        return
    room = width - cells(front) - 2
    if room < _LEAST_FOR_ERRORS:
        yield Text([(front.rstrip(), "")])
        front, room = "  ", width - 4
    for number, line in enumerate(fold(text, room)):
        yield Text([(f"{front if number == 0 else ' ' * cells(front)}  ", ""), (line, "red")])


# --- for scripts ---------------------------------------------------------------------------------------------


def _record(point: Point, figures: Sequence[str]) -> dict[str, object]:
    """Return a point as an object: its variant, args, input, and its figures or the error."""
    found: dict[str, object] = {} if point.variant is None else {"variant": point.variant}
    found |= {"args": point.args, "input": point.input}
    if point.error is not None:
        return found | {"error": point.error}
    found |= {name: point.figures[name] for name in figures}
    return found | {"uncounted": point.uncounted} if point.uncounted else found


def argument_columns(grid: Grid, figures: Sequence[str]) -> dict[str, str]:
    """Return the columns of csv and the like: an argument's name, or ``args.params`` if a figure has the same name."""
    others = {"variant", "input", "error", *figures}
    columns = {} if grid.variants == (None,) else {"variant": "variant"}
    columns |= {(f"args.{name}" if name in others else name): name for name in grid.args}
    return columns


# --- lines of ndjson, made from columns ------------------------------------------------------------------------


class _Texts:
    """The values of a grid as JSON, each formatted once."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.axes = [
            values if isinstance(values, range) else [as_json(value).rstrip() for value in values]
            for values in grid.axes
        ]

    def front(self, numbers: Sequence[int]) -> Iterator[str]:
        """Yield the beginnings of some combinations' records: the variant, and the args."""
        columns = [
            [texts[place] for place in places.tolist()]
            for texts, places in zip(self.axes, self.grid.places(numbers), strict=True)
        ]
        variant = "" if self.grid.variants == (None,) else '"variant": %s, '
        args = []
        for name, form in self.grid.by_argument(repeat("%s")).items():
            args.append(f"{_key(name)}: {form}" if isinstance(form, str) else f"{_key(name)}: [{', '.join(form)}]")
        form = "{" + variant + '"args": {' + ", ".join(args) + "}"
        used = columns[0 if variant else 1 : len(columns) - len(self.grid.inputs)]
        return (form % values for values in zip(*used, strict=True)) if used else repeat(form, len(numbers))


def _key(name: str) -> str:
    """Return a name as JSON has it, and as a form for ``%`` has that."""
    return as_json(name).rstrip().replace("%", "%%")


def _lines(batch: Batch, window: Window, texts: _Texts, figures: Sequence[str]) -> Iterator[str]:
    count = len(batch.lanes)
    columns: list[list[int]] = []

    def form_of(value: Integers | Shapes) -> str:
        if isinstance(value, tuple):
            return f"[{', '.join(map(form_of, value))}]"
        columns.append(listed(value, count))
        return "%d"

    inputs = [f"{_key(name)}: {form_of(sizes)}" for name, sizes in batch.inputs.items()]
    form = f', "input": {{{", ".join(inputs)}}}'
    for name in figures:
        form += f', "{name}": {form_of(batch.figures[name])}'
    if batch.uncounted:
        form += f', "uncounted": {as_json(batch.uncounted).rstrip()}'
    numbers = [window.numbers[lane] for lane in batch.lanes.tolist()]
    rows = zip(*columns, strict=True) if columns else repeat((), count)
    for front, row in zip(texts.front(numbers), rows, strict=False):
        yield front + form % row + "}\n"
