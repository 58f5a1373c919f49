"""``cnncalc sweep --resume``: an interrupted sweep ends with the bytes of one without interruption."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from cnncalc.cli import _resuming
from cnncalc.ground import growing_file
from cnncalc.ground.growing_file import GrowingFile
from tests.commands import Done, cnncalc

NET = """
args: {width: 4, kernel: 3}
input: [2, 9, 9]
layers:
  - conv: {out_channels: width, kernel_size: kernel, groups: 2}
  - relu
"""
MANY = ("net.yaml", "--set", "width=1:60", "--set", "kernel=1:12")  # half of the widths are odd, a quarter too large
Cut = Callable[..., None]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own with NET in it; every piece is a checkpoint, and windows are small."""
    (tmp_path / "net.yaml").write_text(NET)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(growing_file, "SECONDS", 0)
    monkeypatch.setattr("cnncalc.studies.sweep.jobs.WINDOW", 100)


def digest(path: str) -> bytes:
    return sha256(Path(path).read_bytes()).digest()


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Cut:
    """Interrupt a sweep after some pieces, the last of which is half written."""

    def interrupted(*arguments: str, after: int) -> None:
        count = 0

        def write(self: GrowingFile, data: bytes) -> None:
            nonlocal count
            count += 1
            if count > after:
                right(self, data[:-9])
                self._file.close()  # as after kill -9, nothing is cleaned up
                raise KeyboardInterrupt
            right(self, data)

        right = GrowingFile.write
        with monkeypatch.context() as patched:
            patched.setattr(GrowingFile, "write", write)
            with pytest.raises(KeyboardInterrupt):
                cnncalc(*arguments)

    return interrupted


@pytest.mark.parametrize("format", ["ndjson", "csv", "tsv"])
@pytest.mark.parametrize(
    "options",
    [(), ("--where", "params > 40"), ("--sample", "500", "--seed", "3"), ("--columns", "receptive_field")],
    ids=str,
)
def test_the_bytes_are_those_of_a_sweep_at_one_go(format: str, options: tuple[str, ...], cut: Cut) -> None:
    whole = cnncalc("sweep", *MANY, *options, "-o", f"whole.{format}")
    sweep = ("sweep", *MANY, *options, "-o", f"out.{format}")
    cut(*sweep, after=3 if format == "ndjson" else 250)
    assert os.path.getsize(f"out.{format}") < os.path.getsize(f"whole.{format}")
    assert not Path(f"out.{format}").read_text().endswith("\n")
    again = cnncalc(*sweep, "--resume", "--jobs", "2")
    assert digest(f"out.{format}") == digest(f"whole.{format}")
    assert again == Done(1, "", whole.err)
    assert whole.err.startswith("450 of 720 combinations failed" if "--sample" not in options else "")
    assert not os.path.exists(f"out.{format}.progress")


def test_interrupted_again_and_again(cut: Cut) -> None:
    cnncalc("sweep", *MANY, "-o", "whole.ndjson")
    sweep = ("sweep", *MANY, "-o", "out.ndjson", "--resume")
    for _ in range(3):
        cut(*sweep, after=2)
    assert json.loads(Path("out.ndjson.progress").read_text())["state"]["done"] == 600
    assert cnncalc(*sweep).code == 1
    assert digest("out.ndjson") == digest("whole.ndjson")


KILLED = """
import sys
from cnncalc.ground import growing_file
from cnncalc.__main__ import entry
growing_file.SECONDS = 0
entry()
"""


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_killed(by: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing_file, "SECONDS", 1)
    sweep = ("sweep", *MANY, "--columns", "receptive_field", "-o", "out.ndjson")  # one network at a time
    command = [sys.executable, "-c", KILLED, *sweep]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        deadline = time.monotonic() + 30
        while not os.path.exists("out.ndjson.progress"):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        running.send_signal(by)
        out, err = running.communicate(timeout=30)
    assert (running.returncode, out) == ({signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}[by], "")
    if by != signal.SIGKILL:  # the file has whole lines only
        assert Path("out.ndjson").read_text().endswith("}\n")
    if by == signal.SIGINT:
        assert " of 720 combinations are done, which are in out.ndjson; --resume continues there\n" in err
    cnncalc("sweep", *MANY, "--columns", "receptive_field", "-o", "whole.ndjson")
    assert cnncalc(*sweep, "--resume").code == 1
    assert digest("out.ndjson") == digest("whole.ndjson")
    left = [name for name in os.listdir() if not name.startswith(".out.ndjson.progress.")]
    assert sorted(left) == ["net.yaml", "out.ndjson", "whole.ndjson"]
    assert len(left) == len(os.listdir()) or by == signal.SIGKILL  # the signal may come while a file is being replaced


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--set", "width=1:61"), "out.ndjson was begun with --set width=1:60 --set kernel=1:12, and this is --set width=1:61 "),
        (("--input", "2x8x8"), "was begun with no --input, and this is --input 2x8x8"),
        (("--columns", "macs"), "was begun with no --columns, and this is --columns macs"),
        (("--where", "macs > 1"), "was begun with no --where, and this is --where macs > 1"),
        (("--sample", "50"), "was begun with no --sample, and this is --sample 50"),
        (("--seed", "2"), "was begun with --seed 0, and this is --seed 2"),
        (("--batch", "2"), "was begun with --batch 1, and this is --batch 2"),
        (("--dtype", "int8"), "was begun with --dtype float32, and this is --dtype int8"),
        (("--layout", "hwc"), "was begun with --layout chw, and this is --layout hwc"),
        (("--board", "esp32"), "was begun with no --board, and this is --board esp32"),
        (("--format", "csv"), "was begun with --format ndjson, and this is --format csv"),
    ],
)  # fmt: skip
def test_the_file_of_another_sweep_is_not_continued(options: tuple[str, ...], message: str, cut: Cut) -> None:
    cut("sweep", *MANY, "-o", "out.ndjson", after=2)
    before = digest("out.ndjson")
    given = ("net.yaml", *options, "--set", "kernel=1:12") if options[0] == "--set" else (*MANY, *options)
    done = cnncalc("sweep", *given, "-o", "out.ndjson", "--resume")
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.endswith("hint: leave out --resume to start over\n")
    assert digest("out.ndjson") == before


def test_it_refuses_another_spec_another_version_and_other_bytes(cut: Cut, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = ("sweep", *MANY, "-o", "out.ndjson", "--resume")
    cut(*sweep, after=2)
    Path("net.yaml").write_text(NET.replace("relu", "gelu"))
    assert cnncalc(*sweep).err.startswith("--resume: net.yaml has changed since out.ndjson was begun\n")
    Path("net.yaml").write_text(NET)
    Path("other.yaml").write_text(NET)
    other = cnncalc("sweep", "other.yaml", *sweep[2:])
    assert other.err.startswith("--resume: out.ndjson was begun from net.yaml, and this is other.yaml\n")
    with monkeypatch.context() as patched:
        patched.setattr("cnncalc.cli.sweep.__version__", "99.0")
        assert "out.ndjson was begun by cnncalc 0" in cnncalc(*sweep).err
    with monkeypatch.context() as patched:
        patched.setattr(_resuming, "code_identity", lambda: "other")
        assert "was begun by another state of cnncalc's code" in cnncalc(*sweep).err
    text = Path("out.ndjson").read_text()
    Path("out.ndjson").write_text(text.replace('"width": 1,', '"width": 7,', 1))
    assert "out.ndjson has changed since it was written: its first bytes differ" in cnncalc(*sweep).err
    Path("out.ndjson").write_text(text[:100])
    assert "its first bytes differ" in cnncalc(*sweep).err
    os.unlink("out.ndjson")
    assert "out.ndjson is gone, but out.ndjson.progress is there" in cnncalc(*sweep).err
    Path("out.ndjson").write_text(text)
    assert cnncalc(*sweep).code == 1


def test_a_complete_sweep_is_not_begun_again() -> None:
    sweep = ("sweep", *MANY, "-o", "out.ndjson", "--resume")
    first = cnncalc(*sweep)  # without a file, the sweep begins
    assert first.code == 1
    text = Path("out.ndjson").read_bytes()
    assert cnncalc(*sweep) == first
    assert Path("out.ndjson").read_bytes() == text
    assert cnncalc(*sweep[:-1]).code == 1


@pytest.mark.parametrize("format", ["ndjson", "csv"])
@pytest.mark.parametrize(
    ("options", "other"),
    [((), ("--set", "width=2:61")), ((), ("--set", "width=1:59")), (("--where", "params > 40"), ("--where", "params > 70")),
     (("--set", "kernel=1:9"), ("--set", "kernel=1:8")), ((), ("--set", "kernel=3:4"))],
)  # fmt: skip
def test_a_file_of_another_sweep_is_not_complete(options: tuple[str, ...], other: tuple[str, ...], format: str) -> None:
    sweep = ("sweep", "net.yaml", "--set", "width=1:60", *options, "-o", f"out.{format}")
    cnncalc(*sweep)
    assert cnncalc(*sweep, "--resume", "--jobs", "2").code == 1
    text = Path(f"out.{format}").read_bytes()
    axes = ("--set", "width=1:60") if other[1].startswith(("kernel", "params")) else ()
    done = cnncalc("sweep", "net.yaml", *axes, *other, "-o", f"out.{format}", "--resume")
    assert (done.code, Path(f"out.{format}").read_bytes()) == (2, text)
    assert f"--resume: out.{format} is not an unfinished file of this sweep\n" in done.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--format", "ndjson"), "--resume continues a file\n  hint: name it: -o FILE"),
        (("-o", "/dev/null", "--format", "csv"), "--resume continues a file\n"),
        (("-o", "out.json"), "--resume can't continue json, which is written as a whole\n  hint: formats that can be continued: ndjson, csv, tsv"),
        (("-o", "out.html"), "--resume can't continue html, which is written as a whole"),
        (("-o", "out.csv", "--sort", "macs"), "--resume needs rows as they are computed; --sort, --top and --pareto have them only at the end"),
        (("-o", "out.csv", "--pareto", "macs,params:max"), "--resume needs rows as they are computed"),
    ],
)  # fmt: skip
def test_sweeps_that_can_not_be_resumed(options: tuple[str, ...], message: str) -> None:
    done = cnncalc("sweep", *MANY, *options, "--resume")
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert os.listdir() == ["net.yaml"]


def test_nothing_is_written_over_an_input_or_a_file_of_somebody_else() -> None:
    for options in ((), ("--resume",)):
        done = cnncalc("sweep", *MANY, "-o", "net.yaml", "--format", "csv", *options)
        assert (done.code, Path("net.yaml").read_text()) == (2, NET)
    os.rename("net.yaml", "out.csv.progress")
    done = cnncalc("sweep", "out.csv.progress", *MANY[1:], "-o", "out.csv")
    assert (done.code, Path("out.csv.progress").read_text()) == (2, NET)
    assert "this command reads that file and won't overwrite it" in done.err
    os.rename("out.csv.progress", "net.yaml")
    Path("out.csv.progress").write_text("mine")
    done = cnncalc("sweep", *MANY, "-o", "out.csv")
    assert done.err == "out.csv.progress is not a progress file of cnncalc\n  hint: remove it\n"
    assert sorted(os.listdir()) == ["net.yaml", "out.csv.progress"]


def test_until_the_first_checkpoint_a_file_is_what_it_was(monkeypatch: pytest.MonkeyPatch, cut: Cut) -> None:
    monkeypatch.setattr(growing_file, "SECONDS", 10**9)
    Path("out.ndjson").write_text("before")
    cut("sweep", *MANY, "-o", "out.ndjson", after=2)
    assert Path("out.ndjson").read_text() == "before"
    assert cnncalc("sweep", *MANY, "-o", "out.ndjson").code == 1
    assert Path("out.ndjson").read_text().count("\n") == 720


@pytest.mark.parametrize(("seconds", "left"), [(0, True), (60, False)])
def test_a_disk_that_is_full(seconds: int, left: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that were written stay, whole ones only, and can be resumed; the rest leaves nothing."""
    monkeypatch.setattr(growing_file, "SECONDS", seconds)
    monkeypatch.setattr("cnncalc.studies.sweep.jobs.WINDOW", 20)  # pieces are still in a buffer
    sweep = ("sweep", *MANY, "-o", "out.ndjson")
    cnncalc(*sweep)
    whole = Path("out.ndjson").read_bytes()
    os.unlink("out.ndjson")
    bounds = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) // 2, bounds[1]))
    try:
        done = cnncalc(*sweep)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, bounds)
    assert (done.code, done.err) == (2, "can't write out.ndjson: File too large\n")
    assert sorted(os.listdir()) == ["net.yaml", *["out.ndjson", "out.ndjson.progress"] * left]
    if left:
        found = Path("out.ndjson").read_bytes()
        assert found.endswith(b"}\n")
        assert whole.startswith(found)
        assert cnncalc(*sweep, "--resume").code == 1
        assert Path("out.ndjson").read_bytes() == whole
