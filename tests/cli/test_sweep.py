"""``cnncalc sweep``: rows, formats, fronts, errors and exit codes."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import cnncalc

NET = """
name: Small
args: {width: 4, depths: [1, 1]}
input: [2, 6, 6]
layers:
  - conv: {out_channels: width, kernel_size: 3}
    for: depth in depths
    repeat: depth
"""
# width 4: 4·(2·9 + 1) = 76 params, then 4·(4·9 + 1) = 148 for each further layer;
# on 8×9: 4·18·6·7 and then 4·36·4·5 MACs, 4·6·7 + 4·4·5 activations, at most 2·8·9 + 4·6·7 elements alive


@pytest.fixture
def net(tmp_path: Path) -> str:
    path = tmp_path / "net.yaml"
    path.write_text(NET)
    return str(path)


def test_one_row_per_combination(net: str) -> None:
    done = cnncalc("sweep", net, "--set", "width=4,5", "--input", "2x6x6,2x8x9", columns=80)
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "Left out to fit 80 columns: layers, buffers, FLOPs, weights, forward, output;\n"
        "--columns chooses others.\n"
        "width  input         params                MACs    activations       peak\n"
        "-------------------------------------------------------------------------\n"
        "4      2×6×6            224               1,728             80      544 B\n"
        "4      2×8×9            224               5,904            248  1.219 KiB\n"
        "5      2×6×6            325               2,340            100      608 B\n"
        "5      2×8×9            325               8,280            310  1.383 KiB\n"
    )


def test_figures_that_select_rows_are_shown(net: str) -> None:
    """A narrow table leaves out other figures; one that is even narrower keeps the first of these."""
    asked = ("sweep", net, "--set", "width=4,8", "--where", "flops > 1")
    page = cnncalc(*asked, "--pareto", "receptive_field,params:max", columns=66).out.splitlines()
    assert next(line for line in page if line.startswith("width")).split() == [
        "width",
        "input",
        "params",
        "FLOPs",
        "sees",
    ]
    record = json.loads(cnncalc(*asked, "--sort", "receptive_field", "--format", "ndjson").out.splitlines()[0])
    assert record["receptive_field"] == [5, 5]  # two of 3 × 3
    named = cnncalc(*asked, "--sort", "receptive_field", "--columns", "params", "--format", "csv").out
    assert named.splitlines()[0] == "width,input,params,error"
    chosen = cnncalc("sweep", net, "--columns", "params,macs,flops", columns=50).out.splitlines()
    assert chosen[0] == "Left out to fit 50 columns: FLOPs; --columns"
    assert chosen[2].split() == ["input", "params", "MACs"]


def test_a_page_without_rows_says_so(net: str) -> None:
    done = cnncalc("sweep", net, "--set", "width=4,5", "--where", "params < 1")
    assert (done.code, done.err) == (0, "no combination of 2 meets the condition\n")
    assert len(done.out.splitlines()) == 2


def test_a_list_is_one_value(net: str) -> None:
    done = cnncalc("sweep", net, "--set", "depths=[1],[1,1],[2]", "--format", "ndjson", "--columns", "params")
    assert [json.loads(line) for line in done.out.splitlines()] == [
        {"args": {"depths": depths}, "input": {"input": [2, 6, 6]}, "params": params}
        for depths, params in (([1], 76), ([1, 1], 76 + 148), ([2], 76 + 148))
    ]


def test_failures_are_rows_and_the_exit_code_is_1(net: str) -> None:
    done = cnncalc("sweep", net, "--input", "2x6x6,2x4x6,2x5x5", "--format", "ndjson", "--columns", "macs")
    assert done.code == 1
    first, second, third = [json.loads(line) for line in done.out.splitlines()]
    assert first == {"args": {}, "input": {"input": [2, 6, 6]}, "macs": 1728}
    assert second["args"] == {}
    assert second["error"].endswith(
        "net.yaml:6:46: conv 'conv2': a kernel of 3 does not fit axis H of 2 in the map [4, 2, 4]"
    )
    assert third["macs"] == 4 * 18 * 9 + 4 * 36
    assert done.err == "1 of 3 combinations failed\n"


def test_errors_in_the_table(net: str) -> None:
    done = cnncalc("sweep", net, "--input", "2x4x6", columns=70)
    lines = done.out.splitlines()[4:]
    assert lines[0].startswith("2×4×6  error: ")
    assert "does not fit" in " ".join(line.strip() for line in lines)
    assert max(map(len, lines)) <= 70


def test_csv_and_json_have_the_same(net: str) -> None:
    options = ("sweep", net, "--set", "width=4,8", "--input", "2x6x6,2x2x2")
    rows = list(csv.DictReader(cnncalc(*options, "--format", "csv").out.splitlines()))
    found = json.loads(cnncalc(*options, "--format", "json").out)
    assert (found["schema_version"], found["name"]) == (1, "Small")
    for row, record in zip(rows, found["combinations"], strict=True):
        assert row["width"] == str(record["args"]["width"])
        assert row["input"] == "x".join(map(str, record["input"]["input"]))
        assert row["error"] == record.get("error", "")
        assert row["macs"] == str(record.get("macs", ""))


def test_an_argument_called_like_a_figure(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("args: {layers: 1}\ninput: [1, 9]\nlayers:\n  - linear: {out_features: layers, axis: -1}\n")
    done = cnncalc("sweep", str(path), "--set", "layers=3", "--columns", "layers,params", "--format", "csv")
    assert done.out == "args.layers,input,layers,params,error\n3,1x9,1,30,\n"


def test_variants_by_name_and_all_variants() -> None:
    # params of the model cards of torchvision
    done = cnncalc("sweep", "vgg", "--variant", "vgg16,vgg11", "--columns", "params", "--format", "tsv")
    assert done.out.splitlines()[1:] == ["vgg16\t3x224x224\t138357544\t", "vgg11\t3x224x224\t132863336\t"]
    done = cnncalc("sweep", "vgg", "--variant", "all", "--columns", "params", "--format", "tsv")
    assert len(done.out.splitlines()) == 1 + 8


def test_only_the_front_is_printed(net: str) -> None:
    options = ("--set", "width=4,5,6", "--input", "2x6x6,2x9x9,2x2x2", "--format", "ndjson", "--columns", "macs")
    done = cnncalc("sweep", net, *options, "--pareto", "macs,width:max")
    found = [json.loads(line) for line in done.out.splitlines()]
    assert [(record["args"]["width"], record["input"]["input"]) for record in found] == [
        (4, [2, 6, 6]), (5, [2, 6, 6]), (6, [2, 6, 6]),
    ]  # fmt: skip
    assert done.code == 1
    assert done.err.startswith("3 of 9 combinations failed, the first: ")


def test_several_inputs(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: {left: [1, 4], right: [1, 4]}\nlayers:\n  - concat:\n    from: [left, right]\n")
    done = cnncalc("sweep", str(path), "--input", "left=1x4,3x4", "--input", "right=2x4", "--format", "ndjson")
    found = [json.loads(line) for line in done.out.splitlines()]
    assert [record["output"] for record in found] == [[3, 4], [5, 4]]
    unnamed = cnncalc("sweep", str(path), "--input", "1x4,3x4")
    assert (unnamed.code, unnamed.out) == (2, "")
    hint = "each shape needs the name of its input"
    assert unnamed.err == f"--input: the network has several inputs: left, right\n  hint: {hint}\n"
    assert found[1]["input"] == {"left": [3, 4], "right": [2, 4]}


def test_channels_last(net: str) -> None:
    done = cnncalc("sweep", net, "--input", "6x7x2", "--layout", "hwc", "--columns", "output", columns=80)
    assert done.out.splitlines()[-1].split() == ["6×7×2", "2×3×4"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "widht=1"], "--set widht: the spec has no argument 'widht'\n  hint: did you mean 'width'?\n"),
        (["--set", "width"], "--set width: not of the form NAME=V1,V2,…\n  hint: as in --set width=0.5,1.0\n"),
        (["--set", "width=1,,2"], "--set width=: a value is missing\n"),
        (
            ["--set", "width=1", "--set", "width=2"],
            "--set width: given twice\n  hint: give all values in one, separated by commas\n",
        ),
        (
            ["--input", "3xx2"],
            "--input 3xx2: '3xx2' is not a shape\n  hint: write it as 3x224x224, without the batch axis\n",
        ),
        (["--columns", "parms"], "--columns: no figure 'parms'\n  hint: did you mean 'params'?\n"),
        (["--pareto", "mac"], "--pareto: no figure 'mac'\n  hint: did you mean 'macs'?\n"),
        (
            ["--pareto", "macs:most"],
            "--pareto macs:most: 'most' is neither min nor max\n  hint: write macs, or macs:max if more is better\n",
        ),
    ],
)
def test_wrong_options_end_at_once(net: str, options: list[str], message: str) -> None:
    done = cnncalc("sweep", net, *options)
    assert (done.code, done.out, done.err) == (2, "", message)


@pytest.mark.parametrize("variant", ["a", "all"])
def test_an_unknown_variant(net: str, variant: str) -> None:
    done = cnncalc("sweep", net, "--variant", variant)
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith(f"net.yaml: no variant '{variant}'\n  hint: the spec has no variants\n")


def test_a_file_is_written_whole(net: str, tmp_path: Path) -> None:
    target = tmp_path / "sweep.tsv"
    done = cnncalc("sweep", net, "--set", "width=1,2", "--format", "tsv", "--columns", "params", "-o", str(target))
    assert (done.code, done.out) == (0, "")
    assert target.read_text() == "width\tinput\tparams\terror\n1\t2x6x6\t29\t\n2\t2x6x6\t76\t\n"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.yaml", "sweep.tsv"]


def test_rows_come_as_they_are_computed(net: str) -> None:
    # far too many to wait for: the first rows are there at once, and closing the pipe ends it without a word
    values = ",".join(map(str, range(1, 1000)))
    command = [sys.executable, "-m", "cnncalc", "sweep", net, "--format", "tsv", "--columns", "params", "--jobs", "2"]
    command += ["--set", f"width={values}", "--input", ",".join(f"2x6x{size}" for size in range(6, 2000))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [process.stdout.readline() for _ in range(3)]
        process.stdout.close()
        assert process.wait(timeout=30) == 0
        assert process.stderr.read() == ""
    assert lines == ["width\tinput\tparams\terror\n", "1\t2x6x6\t29\t\n", "1\t2x6x7\t29\t\n"]
