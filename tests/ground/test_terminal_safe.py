"""No text of a spec, a file's name or an option reaches a terminal as a control sequence."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cnncalc.ground.terminal_safe import printable, printable_lines
from cnncalc.rendering.layout import plain
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.writers import FORMATS, View, _json_encoder, as_json
from tests.commands import cnncalc

# sequences that set the title, that colour, the latter's one-character form (ECMA-48, 8.3.16), text direction
EVIL = "a\x1b]0;pwn\a\x1b[31m\n\x9b31m\u202eb"
SHOWN = "a�]0;pwn��[31m �31m�b"


def test_printable() -> None:
    assert printable(EVIL) == SHOWN
    assert len(printable(EVIL)) == len(EVIL)
    assert printable("a\tb\r\nc") == "a b  c"
    assert printable("64×112 █ ünï 卷积") == "64×112 █ ünï 卷积"
    assert printable_lines("a\x1b\nb\x1b") == "a�\nb�"


def test_a_page() -> None:
    assert plain([[(EVIL, "bold"), ("x", "")]]) == f"{SHOWN}x\n"


@pytest.mark.parametrize("format", ["csv", "tsv", "markdown", "ndjson"])
def test_records(format: str) -> None:
    class Named(View):
        columns = ("name",)

        def records(self) -> list[dict[str, object]]:
            return [{"name": EVIL}]

    text = "".join(FORMATS[format].write(Named(), Screen()))
    assert text.replace("\n", "").isprintable()
    if format != "csv":  # which may have lines in quotes
        assert text.count("\n") == {"tsv": 2, "markdown": 3, "ndjson": 1}[format]


def test_json_keeps_what_it_escapes() -> None:
    text = as_json({EVIL: EVIL})
    assert text.rstrip("\n").isprintable()
    assert json.loads(text) == {EVIL: EVIL}


VALUES = {"a": [1, -2.5, 1e300, True, None, 'ü"\\', {"b": float("inf")}, (1, "")], "c": {}, "d": []}


def test_json_is_what_the_standard_library_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = json.dumps(VALUES, ensure_ascii=False) + "\n"
    assert as_json(VALUES) == expected
    with pytest.raises(TypeError, match="set can't be written"):
        as_json({"a": {1}})
    assert as_json(VALUES) == expected
    monkeypatch.setitem(sys.modules, "_json", None)  # as in other Pythons
    _json_encoder.cache_clear()
    assert as_json(VALUES) == expected
    _json_encoder.cache_clear()


def test_messages(tmp_path: Path) -> None:
    net = tmp_path / "net\x1b[31m\n.yaml"
    net.write_text("input: [3, 8, 8]\nlayers:\n  - convv: 4\nexpect: {params: 1}\n")
    for arguments in (["summary", str(net)], ["summary", f"none{EVIL}"], ["summary", "lenet5", "--set", f"{EVIL}=1"],
                      [EVIL], ["summary", "lenet5", "--columns", EVIL], ["check", str(net)]):  # fmt: skip
        done = cnncalc(*arguments)
        assert done.code == 2
        assert done.err
        assert (done.out + done.err).replace("\n", "").isprintable(), arguments


def test_unmet_figures(tmp_path: Path) -> None:
    net = tmp_path / "net\x1b[31m\n.yaml"
    net.write_text("input: [3, 8, 8]\nexpect: {params: 1}\nlayers:\n  - conv: {out_channels: 4, kernel_size: 1}\n")
    for command in ("summary", "check"):
        done = cnncalc(command, str(net))
        assert done.code == 1
        assert "net�[31m .yaml:2:18: " in done.err
        assert (done.out + done.err).replace("\n", "").isprintable()
    report = cnncalc("check", str(net), "--format", "junit").out
    assert ElementTree.fromstring(report).attrib["failures"] == "1"
    assert report.replace("\n", "").isprintable()
