"""Records as JSON, ndjson, csv, tsv and Markdown: what scripts read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

FORMATS = ("table", "json", "ndjson", "csv", "tsv", "markdown")

Record = Mapping[str, Any]


def as_json(value: object) -> str:
    """Return one JSON document, indented, lists of numbers on one line."""
    import json

    return json.dumps(value, ensure_ascii=False) + "\n"


def as_lines(records: Iterable[Record], format: str, columns: Sequence[str]) -> Iterator[str]:
    """Return records as lines of ``format``, one of ndjson, csv, tsv, markdown; a header first where it has one."""
    if format == "ndjson":
        import json

        for record in records:
            yield json.dumps(record, ensure_ascii=False) + "\n"
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
    quoted = ['"' + cell.replace('"', '""') + '"' if any(sign in cell for sign in ',"\n\r') else cell for cell in cells]
    return ",".join(quoted) + "\n"


def _tsv(cells: Sequence[str]) -> str:
    return "\t".join([cell.replace("\t", " ").replace("\n", " ") for cell in cells]) + "\n"


def _markdown(cells: Sequence[str]) -> str:
    return "| " + " | ".join([cell.replace("|", "\\|").replace("\n", " ") for cell in cells]) + " |\n"
