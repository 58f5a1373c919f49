"""``cnncalc hotspots`` through its entry point: formats, and commands that save what they promise."""

from __future__ import annotations

import csv
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.commands import cnncalc


def found(*arguments: str) -> dict[str, Any]:
    done = cnncalc("hotspots", *arguments, "--format", "json")
    assert done.code == 0, done.err
    document: dict[str, Any] = json.loads(done.out)
    return document


@pytest.mark.parametrize(
    "arguments",
    [
        ("alexnet",),
        ("mobilenet_v2", "--set", "width=0.5", "--set", "classes=10"),
        ("specs/vgg.yaml", "--variant", "vgg11", "--input", "3x160x160", "--batch", "2"),
        ("resnet18", "--dtype", "float16"),
    ],
)
def test_commands_save_what_they_promise(arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    commands = [change for change in found(*arguments)["changes"] if change["command"] and not change["layers"]]
    assert commands
    for change in commands:
        program, *words = shlex.split(change["command"])
        assert program == "cnncalc"
        totals = json.loads(cnncalc(*words, "--format", "json").out)["totals"]
        after = change["after"]
        assert {name: totals[name] for name in ("params", "macs", "flops")} == {
            name: after[name] for name in ("params", "macs", "flops")
        }
        assert (totals["memory"]["weights"], totals["memory"]["peak"]) == (after["weights"], after["peak"])


def test_edits_of_standard_input_save_what_they_promise() -> None:
    """Lines of a piped spec are replaced as the JSON says; the result, piped in again, has the promised figures."""
    text = (Path(__file__).parents[2] / "specs" / "alexnet.yaml").read_text(encoding="utf-8")
    done = cnncalc("hotspots", "-", "--top", "2", "--format", "json", stdin=text)
    edited = [change for change in json.loads(done.out)["changes"] if change["edits"]]
    assert {change["change"] for change in edited} >= {"depthwise separable", "low rank 1024", "global average pooling"}
    for change in edited:
        lines = text.splitlines(keepends=True)
        for edit in sorted(change["edits"], key=lambda edit: -edit["first"]):
            assert edit["file"] == "<stdin>"
            lines[edit["first"] - 1 : edit["last"]] = [edit["text"]]
        summary = cnncalc("summary", "-", "--format", "json", stdin="".join(lines))
        totals = json.loads(summary.out)["totals"]
        assert (totals["params"], totals["macs"]) == (change["after"]["params"], change["after"]["macs"])


def test_top_and_machine() -> None:
    document = found("alexnet", "--top", "1", "--machine", "bandwidth=1T,flops=2T")
    assert document["machine"] == {"flops": 2 * 10**12, "bandwidth": 10**12, "ridge": 2.0}
    macs = document["hotspots"]["macs"]
    assert (macs["count"], len(macs["layers"]), macs["layers"][0]["layer"]) == (4, 1, "conv2")
    assert document["before"]["macs"] == 714_188_480


def test_options_of_changes() -> None:
    changes = found("alexnet", "--rank", "64", "--sparsity", "0.5")["changes"]
    low = next(change for change in changes if change["change"] == "low rank 64" and change["layers"] == ["fc1"])
    assert low["after"]["params"] == 61_100_840 - 9216 * 4096 + 64 * (9216 + 4096)
    pruned = next(change for change in changes if change["change"] == "50% pruned" and change["layers"] == ["fc1"])
    assert pruned["after"]["params"] == 61_100_840 - 9216 * 4096 // 2
    assert pruned["command"] == 'torch.nn.utils.prune.l1_unstructured(fc1, "weight", amount=0.5)'


def test_what_a_model_file_lacks_is_named(tmp_path: Path) -> None:
    """Items are replaced in a spec's text; a model file can be written as one."""
    model, spec = tmp_path / "net.onnx", tmp_path / "net.yaml"
    assert cnncalc("export", "resnet8", "-o", str(model)).code == 0
    of_model = cnncalc("hotspots", str(model), "--input", "3x32x32")
    command = f"cnncalc import {model} --input 3x32x32 -o net.yaml"
    assert of_model.err == f"note: other changes of layers are tried in a spec, which '{command}' writes\n"
    assert cnncalc(*command.split()[1:-1], str(spec)).code == 0
    of_spec = cnncalc("hotspots", str(spec))
    assert of_spec.err == ""
    assert [("depthwise separable" in done.out) for done in (of_model, of_spec)] == [False, True]


def test_lines_of_records() -> None:
    rows = list(csv.DictReader(cnncalc("hotspots", "alexnet", "--format", "csv").out.splitlines(keepends=True)))
    assert [row["layer"] for row in rows if row["by"] == "params"] == ["fc1", "fc2"]
    separable = next(row for row in rows if row["change"] == "depthwise separable")
    assert separable["lines"] == "12-12"
    assert separable["text"].startswith("  - sequence:\n")
    records = [json.loads(line) for line in cnncalc("hotspots", "alexnet", "--format", "ndjson").out.splitlines()]
    assert len(records) == len(rows)


def test_the_page_names_bounds_changes_and_lines() -> None:
    page = cnncalc("hotspots", "alexnet", "--top", "3", columns=80).out
    assert "MACs: 4 of 22 layers make 82.0 % of 714,188,480\n" in page
    assert "fc1       linear 4096    7.553 ms  30.0 %  30.0 %         0.5  memory\n" in page  # 151,064,576 B at 20 GB/s
    assert " 1  input 3×160×160" in page
    assert "  1  cnncalc summary alexnet --input 3x160x160\n" in page
    assert "     - linear: 3072\n" in page
    summary, _, _ = page.partition("How\n")
    assert max(len(line) for line in summary.splitlines()) <= 80


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        ("flops=100G", "both flops and bandwidth are needed"),
        ("flops=100G,bandwith=20G", "did you mean 'bandwidth'?"),
        ("flops=1G,flops=1G", "given twice"),
        ("flops=0,bandwidth=1G", "must be above 0"),
        ("fast", "write flops=100G,bandwidth=20G"),
        ("flops=many,bandwidth=1G", "not a number"),
    ],
)
def test_machines_that_can_not_be_read(machine: str, said: str) -> None:
    done = cnncalc("hotspots", "alexnet", "--machine", machine)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_changes_that_are_not_tried_are_reported() -> None:
    done = cnncalc("hotspots", "-", stdin="input: [4]\nlayers:\n  - linear: 4\n    repeat: 23000\n")
    assert done.code == 0
    assert done.err == "note: not every change was tried, because the network has 23,000 layers\n"
