"""``cnncalc sweep -o front.parquet``: pyarrow reads the values that ndjson has."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.commands import cnncalc, on_a_terminal, process

NET = """
args: {width: 4, ratio: 1.0, mode: relu, rows: [[8, 1]], flag: true}
input: [2, 9, 9]
layers:
  - conv: {out_channels: round(width * ratio), kernel_size: 3, bias: flag}
  - relu:
    when: mode == 'relu'
  - for: c, k in rows
    conv: {out_channels: c, kernel_size: k}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own with NET in it; windows and groups are small."""
    (tmp_path / "net.yaml").write_text(NET)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cnncalc.studies.sweep.jobs.WINDOW", 100)
    monkeypatch.setattr("cnncalc.rendering.views.sweep_parquet.GROUP", 128)


@pytest.fixture
def parquet() -> Any:
    """Return pyarrow's reader; tests that need it are skipped if it is missing."""
    pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")
    return import_module("pyarrow.parquet")


VARIED = (
    "net.yaml", "--set", "width=1:20", "--set", "ratio=1,1.5", "--set", "mode=relu,none", "--set", "flag=true,false",
    "--set", "rows=[[8,1]],[[8,9]]", "--input", "2x9x9,2x12x10",
)  # fmt: skip


@pytest.mark.parametrize("options", [(), ("--where", "macs > 9000"), ("--sample", "150"), ("--jobs", "2")], ids=str)
def test_the_file_has_what_ndjson_has(options: tuple[str, ...], parquet: Any) -> None:
    done = cnncalc("sweep", *VARIED, *options, "-o", "out.parquet")
    lines = cnncalc("sweep", *VARIED, *options, "--format", "ndjson")
    assert (done.code, done.err) == (lines.code, lines.err)
    table = parquet.read_table("out.parquet")
    kinds = {field.name: str(field.type) for field in table.schema}
    assert kinds == {
        "width": "int64", "ratio": "double", "mode": "string", "flag": "bool", "rows": "string", "input": "string",
        **dict.fromkeys(["layers", "params", "buffers", "macs", "flops", "activations"], "int64"),
        **dict.fromkeys(["weight_bytes", "forward_bytes", "peak_bytes"], "int64"), "output": "string", "error": "string",
    }  # fmt: skip
    rows = table.to_pylist()
    assert len(rows) == lines.out.count("\n")
    for row, text in zip(rows, lines.out.splitlines(), strict=True):
        record = json.loads(text)
        assert [row[name] for name in ("width", "ratio", "mode", "flag")] == [
            record["args"][name] for name in ("width", "ratio", "mode", "flag")
        ]
        assert row["rows"] == ",".join("x".join(map(str, one)) for one in record["args"]["rows"])
        assert row["error"] == record.get("error")
        assert row["macs"] == record.get("macs")
        assert row["output"] == ("x".join(map(str, record["output"])) if "output" in record else None)
        assert row["input"] == "x".join(map(str, record["input"].get("input", ())))
    assert parquet.ParquetFile("out.parquet").num_row_groups == -(-len(rows) // 128)


def test_the_bytes_depend_on_nothing_but_the_rows(parquet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cnncalc("sweep", *VARIED, "-o", "one.parquet")
    cnncalc("sweep", *VARIED, "-o", "two.parquet", "--jobs", "2")
    monkeypatch.setattr("cnncalc.studies.sweep.jobs.FEW", 10**9)
    cnncalc("sweep", *VARIED, "-o", "plain.parquet")
    one, two, plain = [Path(f"{name}.parquet").read_bytes() for name in ("one", "two", "plain")]
    assert one == two == plain


def test_figures_beyond_64_bits_are_an_error_with_all_digits(parquet: Any) -> None:
    Path("large.yaml").write_text("args: {n: 1}\ninput: [8589934592]\nlayers:\n  - linear: n\n")  # 2^33 · 2^31 = 2^64
    done = cnncalc("sweep", "large.yaml", "--set", "n=1,2147483648", "--columns", "macs,layers", "-o", "out.parquet")
    assert done.code == 0
    assert parquet.read_table("out.parquet").to_pylist() == [
        {"n": 1, "input": "8589934592", "macs": 2**33, "layers": 1, "error": None},
        {
            "n": 2**31, "input": "8589934592", "macs": None, "layers": 1,
            "error": "macs = 18446744073709551616 does not fit into 64 bits",
        },
    ]  # fmt: skip


def test_the_best_rows_and_variants(parquet: Any) -> None:
    cnncalc("sweep", "vgg", "--variant", "vgg16,vgg11", "--columns", "params", "--sort", "params", "-o", "out.parquet")
    assert parquet.read_table("out.parquet").to_pylist() == [
        {"variant": "vgg11", "input": "3x224x224", "params": 132_863_336, "error": None},
        {"variant": "vgg16", "input": "3x224x224", "params": 138_357_544, "error": None},
    ]
    cnncalc("sweep", "vgg16", "--columns", "params,receptive_field", "-o", "out.parquet")
    assert parquet.read_table("out.parquet").to_pylist() == [
        {"variant": "vgg16", "input": "3x224x224", "params": 138_357_544, "receptive_field": "404x404", "error": None}
    ]


def test_it_goes_through_a_pipe(parquet: Any) -> None:
    command = [sys.executable, "-m", "cnncalc", "sweep", "net.yaml", "--set", "width=1:3", "--format", "parquet"]
    done = subprocess.run(command, capture_output=True, check=True)
    Path("piped.parquet").write_bytes(done.stdout)
    assert parquet.read_table("piped.parquet").column("width").to_pylist() == [1, 2, 3]


def test_a_terminal_shows_no_bytes(parquet: Any) -> None:
    shown = on_a_terminal([sys.executable, "-m", "cnncalc", "sweep", "net.yaml", "--format", "parquet"])
    assert "--format parquet is binary, and standard output is a terminal" in shown
    assert "give -o FILE, or a pipe" in shown


def test_a_parquet_file_can_not_be_resumed() -> None:
    done = cnncalc("sweep", *VARIED, "-o", "out.parquet", "--resume")
    assert done.code == 2
    assert "--resume can't continue parquet, which is written as a whole" in done.err


def test_without_pyarrow_the_extra_is_named() -> None:
    Path("pyarrow.py").write_text("raise ImportError\n")
    done = process("sweep", "net.yaml", "-o", "out.parquet", env={"PYTHONPATH": f".:{Path(__file__).parents[2]}"})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "a parquet file needs pyarrow\n  hint: pip install 'cnncalc[parquet]'\n"
    assert not Path("out.parquet").exists()
