"""Each format writes any view, and asks only for the parts that it needs."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from cnncalc.rendering.blocks import GAP, Column, Paragraph, Table, Text, Title
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.writers import FORMATS, Listed, View

RECORDS: list[dict[str, Any]] = [
    {"name": "a", "shape": (1, 2), "note": None},
    {"name": 'b, "c"', "shape": (), "note": "x|y"},
]
GENERAL = [name for name, format in FORMATS.items() if format.general]


def asked(**used: Any) -> View:
    """Return a view that fails if other parts than the given ones are asked for."""
    view = View()
    for name, part in ({"columns": ("name", "shape", "note")} | used).items():
        setattr(view, name, part)
    return view


def written(format: str, view: View) -> str:
    return "".join(FORMATS[format].write(view, Screen()))


def test_no_two_formats_have_a_suffix() -> None:
    suffixes = [suffix for format in FORMATS.values() for suffix in format.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in suffixes)
    assert GENERAL == ["table", "json", "ndjson", "csv", "tsv", "markdown"]


def test_a_table_is_its_page() -> None:
    page = [
        Title("a", "of b"), GAP, Table([Column("n", right=True), Column("x", bar=True)], [["1", ""]]),
        Paragraph("text", label=("label ", "dim")), Text([("left", "bold"), (" right", "")]),
    ]  # fmt: skip
    assert written("table", asked(page=lambda screen: page)) == "a   of b\n\nn\n-\n1\nlabel text\nleft right\n"


def test_json_is_one_object_even_if_its_list_is_produced_gradually() -> None:
    whole = asked(document=lambda: {"items": RECORDS})
    listed = asked(document=lambda: Listed({}, "items", iter(RECORDS)))
    assert json.loads(written("json", whole)) == json.loads(written("json", listed))
    empty = json.loads(written("json", asked(document=lambda: Listed({"a": 1}, "items", ()))))
    assert empty == {"schema_version": 1, "a": 1, "items": []}


def test_lines_of_records() -> None:
    view = asked(records=lambda: RECORDS)
    assert [json.loads(line)["name"] for line in written("ndjson", view).splitlines()] == ["a", 'b, "c"']
    assert list(csv.reader(io.StringIO(written("csv", view)))) == [
        ["name", "shape", "note"], ["a", "1x2", ""], ['b, "c"', "", "x|y"],
    ]  # fmt: skip
    assert written("tsv", view) == 'name\tshape\tnote\na\t1x2\t\nb, "c"\t\tx|y\n'
    assert written("markdown", view) == (
        '| name | shape | note |\n| --- | --- | --- |\n| a | 1x2 |  |\n| b, "c" |  | x\\|y |\n'
    )


def test_markdown_is_for_people() -> None:
    """Digits are grouped, except in years and flags, ratios have six, and former names of figures are left out."""
    record = {"name": "a", "year": 1998, "macs": 416520, "ok": True, "share": 2 / 3, "weights": 61706}
    view = asked(records=lambda: [record], columns=tuple(record), old=("weights",))
    assert written("markdown", view).splitlines() == [
        "| name | year | macs | ok | share |", "| --- | --- | --- | --- | --- |", "| a | 1998 | 416,520 | true | 0.666667 |",
    ]  # fmt: skip
    assert written("tsv", view).splitlines()[1].split("\t") == [
        "a",
        "1998",
        "416520",
        "true",
        "0.6666666666666666",
        "61706",
    ]


@pytest.mark.parametrize("format", ["csv", "tsv", "markdown"])
def test_rows_of_their_own(format: str) -> None:
    view = asked(rows=lambda screen: [{"name": screen.layout}])
    assert "hwc" in "".join(FORMATS[format].write(view, Screen(layout="hwc")))


def test_a_format_of_a_single_command() -> None:
    assert written("junit", asked(junit=lambda: ["<x/>\n"])) == "<x/>\n"
