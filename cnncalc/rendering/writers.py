"""The formats of results: name, suffixes and writer of each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, NoReturn

from cnncalc.ground.named import NamedTuple
from cnncalc.ground.terminal_safe import printable, printable_lines
from cnncalc.rendering.screen import Screen

if TYPE_CHECKING:
    from cnncalc.rendering.blocks import PageBlock

LAST_YEAR = 9_999
"""Largest number that may be a year, and is written without groups of digits."""

SCHEMA_VERSION = 1
"""Version of the JSON documents: it rises when a key is removed or changes its meaning."""

Record = Mapping[str, object]


class Listed(NamedTuple):
    """A document with a list of many objects under one key, which are written one by one."""

    head: Mapping[str, object]
    key: str
    items: Iterable[Record]


class View:
    """One result for all formats; parts that a format does not need are never computed.

    A format of a single command is a method with the format's name: it yields texts, or bytes if the format is binary.

    Attributes:
        columns: the columns of csv, tsv and Markdown.
        old: columns under former names, which Markdown leaves out.
    """

    columns: Sequence[str] = ()
    old: Collection[str] = ()

    def page(self, screen: Screen) -> Iterable[PageBlock]:
        """Return blocks for a screen."""
        raise NotImplementedError

    def document(self) -> Mapping[str, object] | Listed:
        """Return the object for JSON."""
        raise NotImplementedError

    def records(self) -> Iterable[Record]:
        """Return the objects for ndjson, one per line."""
        raise NotImplementedError

    def rows(self, screen: Screen) -> Iterable[Record]:
        """Return the rows of csv, tsv and Markdown, by column names; by default the records."""
        return self.records()

    def lines(self) -> Iterable[str]:
        """Return the lines of ndjson."""
        return map(as_json, self.records())


def record_of(source: object, *names: str) -> dict[str, object]:
    """Return some attributes of an object as a record."""
    return {name: getattr(source, name) for name in names}


class Format(NamedTuple):
    """A format: the suffixes of its files, and its writer, which yields pieces.

    ``general`` formats are available in every command; a ``packed`` one is binary.
    """

    suffixes: tuple[str, ...]
    write: Callable[[View, Screen], Iterable[str]]
    general: bool = True
    packed: bool = False


def _table(view: View, screen: Screen) -> Iterator[str]:
    from cnncalc.rendering.layout import page_lines, plain

    for block in view.page(screen):
        yield plain(page_lines([block], screen))


def _json(view: View, screen: Screen) -> Iterator[str]:
    found, version = view.document(), {"schema_version": SCHEMA_VERSION}
    if not isinstance(found, Listed):
        yield as_json({**version, **found})
        return
    yield as_json({**version, **found.head}).rstrip()[:-1] + f', "{found.key}": ['
    for number, item in enumerate(found.items):
        yield (",\n" if number else "\n") + as_json(item).rstrip()
    yield "\n]}\n"


def _lines(line: Callable[[Sequence[str]], str]) -> Callable[[View, Screen], Iterator[str]]:
    """Return a writer of a header, and a line for each row."""

    def write(view: View, screen: Screen) -> Iterator[str]:
        yield line(view.columns)
        for record in view.rows(screen):
            yield line([flat(record.get(column)) for column in view.columns])

    return write


def _markdown(view: View, screen: Screen) -> Iterator[str]:
    """Yield the lines of a table for people: no column twice, large figures in groups of digits, ratios in six."""
    columns = [column for column in view.columns if column not in view.old]
    yield _row(columns)
    yield "|" + "|".join([" --- "] * len(columns)) + "|\n"
    for record in view.rows(screen):
        values = [record.get(column) for column in columns]
        yield _row([_for_people(value) for value in values])


def _for_people(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return f"{value:,}" if isinstance(value, int) and value > LAST_YEAR else flat(value)


def as_json(value: object) -> str:
    """Return one JSON document on one line; control characters are escaped."""
    text = "".join(_json_encoder()(value))
    if not text.isprintable():
        import json

        text = "".join([char if char.isprintable() else json.dumps(char)[1:-1] for char in text])
    return text + "\n"


@cache
def _json_encoder() -> Callable[[object], Iterable[str]]:
    """Return the encoder that ``json.dumps`` has.

    CPython has it in a module of its own, ``_json``; all of ``json`` takes a millisecond of every start to import.
    """
    try:
        from _json import encode_basestring, make_encoder

        encoder = make_encoder({}, _refuse, encode_basestring, None, ": ", ", ", False, False, True)
        return lambda value: encoder(value, 0)
    except (ImportError, TypeError):  # another Python, or a later one whose encoder has other parameters
        from json import JSONEncoder

        return JSONEncoder(ensure_ascii=False).iterencode


def _refuse(value: object) -> NoReturn:
    raise TypeError(f"{type(value).__name__} can't be written as JSON")


def real(value: float) -> float | None:
    """Return a number for JSON: NaN and infinity become null."""
    return value if isfinite(value) else None


def flat(value: object) -> str:
    """Return a value as one cell: lists joined by ``x``, mappings as ``key=value``."""
    if type(value) is str or type(value) is int:  # nearly all cells
        return str(value)
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
    lines = map(printable_lines, cells)  # a quoted cell may have several lines
    return ",".join([_quoted(cell) if "," in cell or '"' in cell or "\n" in cell else cell for cell in lines]) + "\n"


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join([printable(cell).replace("|", "\\|") for cell in cells]) + " |\n"


def _own(name: str) -> Callable[[View, Screen], Iterable[str]]:
    return lambda view, screen: getattr(view, name)()


FORMATS = {
    "table": Format((".txt",), _table),
    "json": Format((".json",), _json),
    "ndjson": Format((".ndjson", ".jsonl"), lambda view, screen: view.lines()),
    "csv": Format((".csv",), _lines(_csv)),
    "tsv": Format((".tsv",), _lines(lambda cells: "\t".join(map(printable, cells)) + "\n")),
    "markdown": Format((".md", ".markdown"), _markdown),
    "svg": Format((".svg",), _own("svg"), general=False),
    "html": Format((".html", ".htm"), _own("html"), general=False),
    "mermaid": Format((".mmd", ".mermaid"), _own("mermaid"), general=False),
    "dot": Format((".dot", ".gv"), _own("dot"), general=False),
    "junit": Format((".xml",), _own("junit"), general=False),
    "parquet": Format((".parquet",), lambda view, screen: (), general=False, packed=True),
}
"""Every format by its name: the choices of the format, and the formats of file suffixes."""
