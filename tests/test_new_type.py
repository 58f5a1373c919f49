"""A new layer type needs only its file and its test: every command supports ``tests/layers/blend.py`` at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cnncalc import layers
from tests.commands import Done, cnncalc
from tests.layers.blend import Blend

NET = """\
input: [2, 8, 8]
layers:
  - conv: {out_channels: 4, kernel_size: 3, padding: 1}
  - blend: {kernel_size: 3, stride: 2}
    name: mix
  - relu
  - flatten
  - linear: 3
"""
PARAMS = (4 * 2 * 9 + 4) + 9 + (3 * 36 + 3)
MACS = 4 * 8 * 8 * 18 + 4 * 3 * 3 * 9 + 36 * 3


@pytest.fixture(autouse=True)
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the type for a test, as its file in a folder of ``cnncalc/layers`` would."""
    monkeypatch.setitem(layers.layer_types(), "blend", "convolution")
    monkeypatch.setitem(layers._classes, "blend", Blend)
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(NET)


def records(*arguments: str) -> list[dict[str, object]]:
    done = cnncalc(*arguments, "--format", "ndjson")
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()]


def refused(*arguments: str) -> Done:
    done = cnncalc(*arguments)
    assert done.code == 2
    return done


def test_it_is_counted() -> None:
    mix = records("summary", "net.yaml")[1]
    assert (mix["type"], mix["output_shape"], mix["params"], mix["macs"]) == ("blend", [1, 4, 3, 3], 9, 4 * 3 * 3 * 9)
    assert mix["receptive_field"] == [5, 5]
    summary = json.loads(cnncalc("summary", "net.yaml", "--format", "json").out)
    assert (summary["totals"]["params"], summary["totals"]["macs"]) == (PARAMS, MACS)


def test_it_is_explained() -> None:
    out = cnncalc("explain", "net.yaml", "mix").out
    assert "macs   = C_out·H_out·W_out·K·K = 4·3·3·3·3 = 324" in out
    assert "Lost: row and column 7 (1 of 8, counted from 0)" in out
    assert "Correlates every channel with one filter that all of them share." in cnncalc("layers", "blend").out


def test_it_is_checked() -> None:
    assert "blend 'mix' never reaches the last 1 of 8 along H" in cnncalc("check", "net.yaml").err


def test_its_weights_are_listed() -> None:
    assert [one["shape"] for one in records("weights", "net.yaml") if one["name"] == "mix.weight"] == [[3, 3]]


def test_it_runs() -> None:
    out = cnncalc("run", "net.yaml").out
    assert "5 of 5 layers: the real shape is the inferred shape" in out
    assert f"{MACS:,} MACs are counted, as many were summed" in out


def test_it_is_swept() -> None:
    found = records("sweep", "net.yaml", "--input", "2x8x8:2x12x12:4", "--check", "1")
    assert [one["macs"] for one in found] == [MACS, 4 * 12 * 12 * 18 + 4 * 5 * 5 * 9 + 100 * 3]


def test_it_is_drawn() -> None:
    assert "blend 3×3/2<br/>relu" in cnncalc("draw", "net.yaml", "--format", "mermaid").out
    assert "mix" in cnncalc("draw", "net.yaml", "--format", "svg").out


def test_it_is_written_as_a_spec() -> None:
    written = cnncalc("export", "net.yaml", "--to", "spec")
    assert "- blend: {kernel_size: 3, stride: 2}" in written.out
    Path("again.yaml").write_text(written.out)
    assert cnncalc("compare", "net.yaml", "again.yaml").out.rstrip().endswith("All 5 layers are the same.")


def test_a_type_unknown_to_other_tools_is_reported() -> None:
    assert (
        "'mix' (blend of [4, 8, 8]): the conversion of blend to tflite-micro is not verified"
        in refused("deploy", "net.yaml").err
    )
    assert (
        "'mix', of type blend, can't be expressed in ONNX"
        in refused("export", "net.yaml", "--to", "onnx", "-o", "x").err
    )
