"""Records as JSON, ndjson, csv, tsv and Markdown: what scripts read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from cnncalc.ground.terminal_safe import printable, printable_lines

FORMATS = ("table", "json", "ndjson", "csv", "tsv", "markdown")

Record = Mapping[str, Any]


def as_json(value: object) -> str:
    """Return one JSON document on one line; what a terminal would obey is escaped."""
    import json

    text = json.dumps(value, ensure_ascii=False)
    if not text.isprintable():
        text = "".join([char if char.isprintable() else json.dumps(char)[1:-1] for char in text])
    return text + "\n"


def real(value: float) -> float | None:
    """Return a number as JSON can have it: NaN and infinity have no numeral there, and become null."""
    return value if isfinite(value) else None


def as_lines(records: Iterable[Record], format: str, columns: Sequence[str]) -> Iterator[str]:
    """Return records as lines of ``format``, one of ndjson, csv, tsv, markdown; a header first where it has one."""
    if format == "ndjson":
        yield from map(as_json, records)
        return
    writer = {"csv": _csv, "tsv": _tsv, "markdown": _markdown}[format]
    yield writer(columns)
    if format == "markdown":
        yield "|" + "|".join([" --- "] * len(columns)) + "|\n"
    for record in records:
        yield writer([flat(record.get(column)) for column in columns])


def flat(value: object) -> str:
    """Return a value as one cell: lists joined by ``x``, mappings as ``key=value``."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(item, str) for item in value):
            return ",".join(value)
        if any(isinstance(item, (list, tuple)) for item in value):
            return ",".join(flat(item) for item in value)
        return "x".join(flat(item) for item in value)
    if isinstance(value, Mapping):
        return ";".join(f"{key}={flat(item)}" for key, item in value.items())
    return str(value)


def _csv(cells: Sequence[str]) -> str:
    lines = map(printable_lines, cells)  # quoted, a cell may have several
    quoted = ['"' + cell.replace('"', '""') + '"' if any(sign in cell for sign in ',"\n') else cell for cell in lines]
    return ",".join(quoted) + "\n"


def _tsv(cells: Sequence[str]) -> str:
    return "\t".join(map(printable, cells)) + "\n"


def _markdown(cells: Sequence[str]) -> str:
    return "| " + " | ".join([printable(cell).replace("|", "\\|") for cell in cells]) + " |\n"
