"""``cnncalc sweep`` of many networks: columns and processes print the bytes that networks built one by one print."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cnncalc.studies.sweep import jobs
from tests.commands import cnncalc

NET = """
args: {width: 1.0}
input: [3, 32, 32]
layers:
  - conv: {out_channels: "make_divisible(32 * width)", kernel_size: 3, stride: 2, padding: same}
  - batchnorm
  - add:
      paths:
        - []
        - - conv: {out_channels: in_channels, kernel_size: 3, padding: 1, groups: in_channels}
          - relu6
  - global_avgpool
  - flatten
  - linear: 10
"""
MANY = ("net.yaml", "--set", "width=0.1:1.4:0.1", "--input", "3x32x32:3x92x92:4")  # 14 · 16 = 224
WHERE = ("--where", "macs <= 1M and width * 100 % 20 == 0")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own with NET in it."""
    (tmp_path / "net.yaml").write_text(NET)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("format", ["ndjson", "json", "csv", "table", "markdown"])
@pytest.mark.parametrize(
    "options", [(), WHERE, ("--pareto", "macs,params:max"), ("--sort", "peak_bytes:max", "--top", "9")], ids=str
)
def test_columns_print_what_the_plain_way_prints(
    format: str, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_columns = cnncalc("sweep", *MANY, *options, "--format", format)
    monkeypatch.setattr(jobs, "FEW", 10**9)
    assert cnncalc("sweep", *MANY, *options, "--format", format) == by_columns
    assert (by_columns.code, by_columns.err) == (0, "")
    assert by_columns.out.count("\n") > 3


def test_errors_are_rows_with_the_same_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "args: {width: 4, kernel: 3}\ninput: [2, 9, 9]\nlayers:\n"
        "  - conv: {out_channels: width, kernel_size: kernel, groups: 2}\n  - relu: {}\n"
    )
    command = ("sweep", str(spec), "--set", "width=1:60", "--set", "kernel=1:12", "--format", "ndjson")
    by_columns = cnncalc(*command)
    assert by_columns.code == 1
    assert "360 of 720 combinations failed" not in by_columns.err  # 30 even widths of 60, 9 kernels of 12 fit
    assert "450 of 720 combinations failed" in by_columns.err
    monkeypatch.setattr(jobs, "FEW", 10**9)
    assert cnncalc(*command) == by_columns
    counted = cnncalc(*command, "--where", "params > 0")
    assert counted.out.count("\n") == 270
    assert "450 of 720 combinations failed, the first: " in counted.err


def test_any_number_of_jobs_prints_the_same() -> None:
    one, two = [cnncalc("sweep", *MANY, "--format", "ndjson", "--jobs", jobs_) for jobs_ in ("1", "2")]
    assert hashlib.sha256(one.out.encode()).digest() == hashlib.sha256(two.out.encode()).digest()
    assert (one.code, two.code) == (0, 0)


def test_the_widest_mobilenet_under_300_m_macs() -> None:
    # bisection gives this width, and a single network has these figures
    done = cnncalc(
        "sweep", "mobilenet_v2", "--set", "width=0.1:2:0.01", "--where", "macs <= 300M",
        "--sort", "params:max", "--top", "1", "--format", "ndjson",
    )  # fmt: skip
    row = json.loads(done.out)
    assert (row["args"]["width"], row["params"], row["macs"]) == (0.98, 3_486_936, 299_896_192)


def test_a_sample_is_the_beginning_of_a_larger_one_and_has_no_doubles() -> None:
    command = ("sweep", *MANY, "--seed", "7", "--format", "ndjson", "--sample")
    small, large = [cnncalc(*command, count).out.splitlines() for count in ("50", "0.21k")]
    assert len(set(large)) == 210
    assert large[:50] == small
    everything = cnncalc("sweep", *MANY, "--format", "ndjson").out.splitlines()
    assert set(large) < set(everything)
    more = cnncalc(*command, "1M")
    assert sorted(more.out.splitlines()) == sorted(everything)
    assert more.err == "note: --sample 1M: the grid has no more than 224, and all are taken\n"


def test_a_value_for_each_place_of_a_list(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "args: {kernels: [3, 3]}\ninput: [1, 32, 32]\nlayers:\n"
        "  - for: k in kernels\n    conv: {out_channels: 2, kernel_size: k, padding: same, bias: false}\n"
    )
    done = cnncalc("sweep", str(spec), "--set", "kernels=each(1,3)*2", "--format", "ndjson")
    rows = [json.loads(line) for line in done.out.splitlines()]
    # the first of 1·2·k², the second of 2·2·k² weights
    assert [(row["args"]["kernels"], row["params"]) for row in rows] == [
        ([1, 1], 2 + 4), ([1, 3], 2 + 36), ([3, 1], 18 + 4), ([3, 3], 18 + 36),
    ]  # fmt: skip
    large = cnncalc("sweep", str(spec), "--set", "kernels=each(1,3,5,7)*40", "--sample", "300", "--format", "ndjson")
    assert len(set(large.out.splitlines())) == 300


def test_a_difference_is_an_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnncalc.studies.sweep import columns

    def wrong(*given: Any) -> Any:
        batch: Any = right(*given)
        batch.figures["macs"] += 1
        return batch

    right = columns._batch
    monkeypatch.setattr(columns, "_batch", wrong)
    done = cnncalc("sweep", *MANY, "--format", "ndjson")
    assert done.code == 3
    assert "a mistake of cnncalc" in done.err
    assert "by columns macs = " in done.err
    assert cnncalc("sweep", *MANY, "--format", "ndjson", "--check", "0").code == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--set", "width=1:2:0"), "--set width: 1:2:0: a step of 0 does not lead from 1 to 2"),
        (("--set", "width=2:1:1"), "--set width: 2:1:1: a step of 1 does not lead from 2 to 1"),
        (("--input", "3x8x8:3x32x32:3x1x1"), "--input 3x8x8:3x32x32:3x1x1: '3x8x8:3x32x32:3x1x1' is not a range of shapes"),
        (("--set", "width=1:x"), "--set width: '1:x' is not a range"),
        (("--set", "width=1:9:*1"), "--set width: 1:9:*1: a factor above 1 leads from a number above 0 to a larger one"),
        (("--set", "width=0:9:log3"), "--set width: 0:9:log3: needs two numbers above 0"),
        (("--set", "width=0:1:0.0000001"), "--set width: 0:1:0.0000001: more than 1,000,000 values"),
        (("--set", "width=each(1,2)*0"), "--set width: each(1,2)*0: not a list of values with a number of places"),
        (("--input", "3x32x32:3x64x96:8"), "--input 3x32x32:3x64x96:8: 3x32x32:3x64x96:8: the axes take different numbers"),
        (("--input", "3x32x32:3x64:8"), "the shapes have 3 and 2 axes"),
        (("--sample", "0"), "--sample 0: nothing would be drawn"),
        (("--sample", "some"), "--sample some: not a number"),
        (("--top", "3"), "--top: by which figure?"),
        (("--sort", "mcas"), "--sort: no figure 'mcas'"),
        (("--sort", "macs:up"), "--sort macs:up: 'up' is neither min nor max"),
        (("--pareto", "macs", "--top", "3"), "--pareto has its own order"),
        (
            ("--where", "macs <= 300M and mcas < 5"),
            "--where:1:18: unknown name 'mcas'\n   1 | macs <= 300M and mcas < 5\n     |                  ^\n"
            "  hint: did you mean 'macs'?\n",
        ),
        (("--where", "macs < 3K && params < 1M"), "'macs < 3K && params < 1M' is not an expression"),
        (("--where", "ram < 3K"), "--where:1:1: unknown name 'ram'\n   1 | ram < 3K\n     | ^\n  hint: figures: layers, params,"),
        (("--where", "macs <"), "--where:1:1: 'macs <' is not an expression\n   1 | macs <\n     | ^\n"),
        (("--where", "1M < 3Q"), "   1 | 1M < 3Q\n     |      ^\n  hint: write quantities as 600M, 1.5G or 256KiB\n"),
        (("--where", "(("), "--where:1:2: '((' is not an expression\n   1 | ((\n     |  ^\n"),
        (("--where", ""), "--where:1:1: '' is not an expression"),
        (("--input", "foo=3x32x32"), "--input foo: the spec has no input 'foo'\n  hint: inputs: input\n"),
        (("--input", "3x32x32:3x64x64:8.5"), "a step of 8.5 leads to sizes that are not whole"),
        (("--where", "macs / 0 > 1"), "divides by zero"),
        (("--columns", "mcas"), "--columns: no figure 'mcas'"),
    ],
)  # fmt: skip
def test_mistakes(options: tuple[str, ...], message: str) -> None:
    done = cnncalc("sweep", "mobilenet_v2", *options)
    assert done.code == 2
    assert message in done.err


def test_few_networks_need_no_numpy(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text("args: {n: 1}\ninput: [8]\nlayers:\n  - linear: n\n")
    check = (
        "import sys; sys.argv = ['cnncalc', 'sweep', sys.argv[1], '--set', sys.argv[2], '--format', 'ndjson'];"
        "from cnncalc.__main__ import main; main(); sys.exit('numpy' in sys.modules)"
    )
    for values, imported in (("n=1:199", 0), ("n=1:200", 1)):
        command = [sys.executable, "-c", check, str(spec), values]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (imported, "")


def test_equal_values_of_other_kinds_are_other_values(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text("args: {k: 3}\ninput: [1, 9]\nlayers:\n  - conv: {out_channels: 2, kernel_size: k}\n")
    one, other = [
        cnncalc("sweep", str(spec), "--set", f"k={values}", "--format", "ndjson").out.splitlines()
        for values in ("true,1", "1,true")
    ]
    assert one == other[::-1]
    assert "kernel_size must be a positive integer, not true" in one[0]


def test_random_structures_print_what_the_plain_way_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    space = ("resnet", "--set", "depths=each(0,1,2,3)*4", "--set", "kind=basic,bottleneck", "--input", "3x64x64")
    command = ("sweep", *space, "--sample", "220", "--format", "ndjson", "--check", "16")
    folded = cnncalc(*command)
    monkeypatch.setattr(jobs, "FEW", 10**9)
    assert cnncalc(*command) == folded
    assert (folded.code, folded.out.count("\n")) == (0, 220)


def test_a_row_that_fails_names_a_shipped_spec_without_its_folder() -> None:
    rows = cnncalc("sweep", "alexnet", "--input", "3x8x8", "--format", "ndjson").out
    assert '"error": "alexnet.yaml:10:28: maxpool ' in rows
