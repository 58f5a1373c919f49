"""The points of a sweep as the records that scripts rely on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cnncalc.rendering.records import Record, as_json
from cnncalc.studies.sweep.grid import Grid
from cnncalc.studies.sweep.points import Point

SCHEMA_VERSION = 1


def record(point: Point, figures: Sequence[str]) -> dict[str, Any]:
    """Return a point as an object: its variant, args, input, and its figures or the error."""
    found: dict[str, Any] = {} if point.variant is None else {"variant": point.variant}
    found |= {"args": point.args, "input": point.input}
    if point.error is not None:
        return found | {"error": point.error}
    found |= {name: point.figures[name] for name in figures}
    return found | {"uncounted": point.uncounted} if point.uncounted else found


def as_document(name: str, source: str | None, points: Iterable[Point], figures: Sequence[str]) -> Iterator[str]:
    """Yield one JSON object with the points in a list, each as it comes."""
    head = as_json({"schema_version": SCHEMA_VERSION, "name": name, "source": source})
    yield head.rstrip()[:-1] + ', "combinations": ['
    for number, point in enumerate(points):
        yield (",\n" if number else "\n") + as_json(record(point, figures)).rstrip()
    yield "\n]}\n"


def flat_columns(grid: Grid, figures: Sequence[str]) -> dict[str, str]:
    """Return the columns of csv and the like: an argument's name, ``args.params`` where a figure has it."""
    taken = {"variant", "input", "error", *figures}
    columns = {} if grid.variants == (None,) else {"variant": "variant"}
    columns |= {(f"args.{name}" if name in taken else name): name for name in grid.args}
    return columns


def flat_records(points: Iterable[Point], columns: dict[str, str], figures: Sequence[str]) -> Iterator[Record]:
    """Yield a record a point with one value a column; a single input is its shape alone."""
    for point in points:
        shapes = tuple(point.input.values())
        yield {
            "variant": point.variant,
            **{column: point.args[name] for column, name in columns.items() if column != "variant"},
            "input": shapes[0] if len(shapes) == 1 else point.input,
            **{name: point.figures.get(name) for name in figures},
            "error": point.error,
        }
