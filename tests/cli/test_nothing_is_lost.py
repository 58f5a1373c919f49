"""No command writes over its input, and no command that fails or is interrupted leaves half a file."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cnncalc.cli.progress import Interruptible
from cnncalc.language import shipped
from tests.commands import cnncalc, on_a_terminal, process

NET = (
    "args: {width: 4}\ninput: [2, 6, 6]\nlayers:\n  - conv: {out_channels: width, kernel_size: 3}\nvariants: {a: {}}\n"
)
COMMAND = [sys.executable, "-m", "cnncalc"]
FOREVER = (
    "--set",
    f"width={','.join(map(str, range(1, 2000)))}",
    "--input",
    ",".join(f"2x6x{n}" for n in range(6, 999)),
)


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "net.yaml"
    path.write_text(NET)
    return path


# --- what is read is not written --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["summary", "net.yaml"], ["summary", "net.yaml:a"], ["explain", "net.yaml"], ["check", "net.yaml"],
        ["check", "lenet5", "net.yaml"], ["compare", "lenet5", "net.yaml"], ["hotspots", "net.yaml"],
        ["sweep", "net.yaml"], ["survey", "net.yaml"], ["weights", "net.yaml"], ["run", "net.yaml"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_spec_is_not_written_over(net: Path, arguments: list[str]) -> None:
    done = cnncalc(*arguments, "--format", "json", "-o", "net.yaml")
    assert (done.code, done.out) == (2, "")
    assert done.err == "-o net.yaml: this command reads that file and won't overwrite it\n"
    assert net.read_text() == NET
    assert os.listdir() == ["net.yaml"]


@pytest.mark.parametrize("make", [os.link, os.symlink], ids=["hard link", "symbolic link"])
def test_a_spec_is_not_written_over_by_another_name(net: Path, make: object) -> None:
    make(net, "other.json")  # type: ignore[operator]
    for read, written in (("net.yaml", "other.json"), ("other.json", str(net))):
        done = cnncalc("summary", read, "--format", "json", "-o", written)
        assert done.code == 2
        assert f"-o {written}, which is {read}: this command reads that file" in done.err
    assert net.read_text() == NET


@pytest.mark.parametrize("text", ["input: [3]\nlayers: [foo]\n", "{", "", "\0\x08model"])
def test_a_spec_with_a_mistake_is_not_written_over(net: Path, text: str) -> None:
    net.write_text(text)
    for others in ([], ["lenet5"]):
        done = cnncalc("check", *others, "net.yaml", "--format", "json", "-o", "net.yaml")
        assert (done.code, done.out, net.read_text()) == (2, "", text)
        assert done.err == "-o net.yaml: this command reads that file and won't overwrite it\n"


def test_standard_input_is_not_written_over(net: Path) -> None:
    for name in ("-", "/dev/stdin"):
        with net.open() as file:
            done = process("summary", name, "--format", "json", "-o", "net.yaml", stdin=file)
        assert done.returncode == 2
        assert "this command reads that file and won't overwrite it" in done.stderr
        assert net.read_text() == NET


def test_a_shipped_spec_is_not_written_over(net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(next(path for path in shipped.files() if path.endswith("/lenet5.yaml")), net.parent)
    monkeypatch.setattr(shipped, "folder", lambda: str(net.parent))
    net.unlink()
    path = str(net.parent / "lenet5.yaml")
    for arguments in (["show", "lenet5", "--force"], ["specs", "lenet5", "--format", "json"]):
        done = cnncalc(*arguments, "-o", path)
        assert done.code == 2
        assert f"-o {path}: this command reads that file" in done.err


def test_inputs_and_weights_are_not_written_over(net: Path) -> None:
    np.savez("x.npz", input=np.zeros((1, 2, 6, 6), np.float32))
    assert cnncalc("weights", "net.yaml", "-o", "w.npz").code == 0
    before = {name: Path(name).read_bytes() for name in ("x.npz", "w.npz")}
    for name in before:
        run = ["run", "net.yaml", "--input", "x.npz", "--weights", "w.npz"]
        for option, written in (("--save", name), ("-o", name)):
            done = cnncalc(*run, option, written, "--format", "json")
            assert (done.code, done.out) == (2, "")
            assert done.err == f"{option} {name}: this command reads that file and won't overwrite it\n"
    assert {name: Path(name).read_bytes() for name in before} == before


@pytest.mark.parametrize("name", ["mine.yaml", "mine.py"])
def test_export_does_not_write_over_what_people_edit(net: Path, name: str) -> None:
    Path(name).write_text("mine")
    done = cnncalc("export", "lenet5", "-o", name)
    assert (done.code, done.err) == (2, f"-o {name}: the file exists\n  hint: --force overwrites it\n")
    assert Path(name).read_text() == "mine"
    assert cnncalc("export", "lenet5", "-o", name, "--force").code == 0
    assert "lenet5" in Path(name).read_text().lower().replace("-", "")
    own = cnncalc("export", "net.yaml", "-o", "net.yaml", "--force")
    assert (own.code, net.read_text()) == (2, NET)


def test_show_does_not_write_over_a_file(net: Path) -> None:
    done = cnncalc("show", "lenet5", "-o", "net.yaml")
    assert (done.code, done.err) == (2, "-o net.yaml: the file exists\n  hint: --force overwrites it\n")
    assert net.read_text() == NET
    assert cnncalc("show", "lenet5", "-o", "net.yaml", "--force").code == 0
    assert net.read_text() == cnncalc("show", "lenet5").out
    assert cnncalc("show", "lenet5", "-o", os.devnull).code == 0


@pytest.mark.parametrize("name", ["net.yaml", "out.foo", "out.csv.gz", "out.xml", "out.npz"])
def test_a_suffix_of_no_format(net: Path, name: str) -> None:
    done = cnncalc("summary", "lenet5", "-o", name)
    suffix = os.path.splitext(name)[1]
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"-o {name}: no format has the suffix '{suffix}'\n"
        "  hint: there are .txt, .json, .ndjson, .jsonl, .csv, .tsv, .md, .markdown, .html, .htm; "
        "with --format any name is allowed\n"
    )
    assert os.listdir() == ["net.yaml"]
    assert cnncalc("check", "lenet5", "-o", name).code == (0 if name == "out.xml" else 2)
    assert cnncalc("weights", "lenet5", "-o", name).code == (0 if name == "out.npz" else 2)


@pytest.mark.parametrize("name", ["out.npz", "out.safetensors"])
def test_the_outputs_of_a_run_are_saved_by_another_option(net: Path, name: str) -> None:
    done = cnncalc("run", "lenet5", "-o", name)
    assert done.err.endswith(
        f"suffix '{os.path.splitext(name)[1]}'\n  hint: '--save {name}' writes the network's outputs\n"
    )


def test_without_a_suffix_it_is_a_table(net: Path) -> None:
    assert cnncalc("summary", "lenet5", "-o", "out").code == 0
    assert Path("out").read_text() == cnncalc("summary", "lenet5").out


# --- descriptors, links -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
def test_a_descriptor_is_written_where_it_stands(net: Path, name: str) -> None:
    os.symlink("/dev/stdout", "link")
    with open("log", "w") as log:
        log.write("before\n")
        log.flush()
        subprocess.run(
            [*COMMAND, "survey", "lenet5", "-o", name, "--format", "csv"], stdout=log, check=True, timeout=60
        )
        log.seek(0, os.SEEK_END)
        log.write("after\n")
    assert Path("log").read_text() == f"before\n{cnncalc('survey', 'lenet5', '--format', 'csv').out}after\n"


def test_a_descriptor_that_is_closed(net: Path) -> None:
    done = process("summary", "lenet5", "-o", "/dev/fd/99")
    assert (done.returncode, done.stderr) == (2, "can't write /dev/fd/99: Bad file descriptor\n")


def test_a_reader_that_stops_early_is_no_error(net: Path) -> None:
    command = f"{' '.join(COMMAND)} sweep net.yaml {' '.join(FOREVER)} --format tsv -o /dev/stdout | head -n 2"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(done.stdout.splitlines()) == 2


def test_a_loop_of_links(net: Path) -> None:
    os.symlink("b", "a")
    os.symlink("a", "b")
    done = cnncalc("summary", "lenet5", "-o", "a")
    assert (done.code, done.err) == (2, "can't write a: Too many levels of symbolic links\n")
    assert os.readlink("a") == "b"


# --- what fails or is interrupted -----------------------------------------------------------------------------------


def test_a_run_that_fails_leaves_no_file(net: Path) -> None:
    assert cnncalc("run", "alexnet", "--save", "out.npz", "--max-memory", "1MB").code == 2
    assert os.listdir() == ["net.yaml"]


def test_a_disk_that_is_full_leaves_no_file(net: Path) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    for arguments in (["run", "net.yaml", "--batch", "99", "--save", "out.npz"], ["weights", "lenet5", "-o", "w.npz"]):
        done = process(*arguments, preexec_fn=small_files)
        assert (done.returncode, done.stderr) == (2, f"can't write {arguments[-1]}: File too large\n")
    assert os.listdir() == ["net.yaml"]


def ended(*arguments: str, by: signal.Signals, times: int = 1) -> tuple[int, str, str]:
    """Start a command that writes, send it signals once it has begun to, and return its code and what it printed."""
    running = subprocess.Popen(
        [*COMMAND, *arguments], text=True, preexec_fn=lambda: signal.signal(by, signal.SIG_DFL),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while not any(name.startswith(".") and os.path.getsize(name) for name in os.listdir()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        for _ in range(times):
            running.send_signal(by)
        out, err = running.communicate(timeout=30)
    finally:
        running.kill()
        running.communicate()
    return running.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_ended_from_outside(net: Path, number: signal.Signals) -> None:
    Path("sweep.tsv").write_text("before")
    sweep = ("sweep", "net.yaml", *FOREVER, "--columns", "params", "-o", "sweep.tsv", "--jobs", "2")
    assert ended(*sweep, by=number, times=2) == (128 + number, "", "")
    assert sorted(os.listdir()) == ["net.yaml", "sweep.tsv"]
    assert Path("sweep.tsv").read_text() == "before"


@pytest.mark.parametrize("presses", [1, 2])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_keeps_the_rows_that_are_done(net: Path, presses: int, jobs: str) -> None:
    for name in ("sweep.tsv", "sweep.json"):
        sweep = ("sweep", "net.yaml", *FOREVER, "--columns", "params", "-o", name, "--jobs", jobs)
        code, out, err = ended(*sweep, by=signal.SIGINT, times=presses)
        assert (code, out) == (130, "")
        assert err.startswith("interrupted: ")
        (said,) = err.removeprefix("interrupted: ").splitlines()
        on = "" if name.endswith(".json") else "; --resume continues there"
        assert said.endswith(f" combinations are done, which are in {name}{on}")
        count = int(said.split(" ")[0].replace(",", ""))
        text = Path(name).read_text()
        if name.endswith(".json"):
            assert len(json.loads(text)["combinations"]) == count
        else:
            _, *rows = text.splitlines()
            assert len(rows) == count
            assert all(len(row.split("\t")) == 4 for row in rows)
            assert text.endswith("\n")
    assert sorted(os.listdir()) == ["net.yaml", "sweep.json", "sweep.tsv", "sweep.tsv.progress"]


DROPPED = """
import os, signal, sys, time, weakref
import cnncalc.__main__ as start

def main():
    class Gone: pass
    gone = Gone()
    callback = weakref.ref(gone, lambda _: (os.kill(os.getpid(), signal.SIGINT), time.sleep(1)))
    del gone  # Python drops what is raised in a callback, as importlib has one for its locks
    time.sleep(20)
    return 0

start.main = main
start.entry()
"""


IN_A_CLASS = """
import os, signal, sys
import cnncalc.__main__ as start

class Named:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), getattr(signal, sys.argv[1]))

def main():
    type("Made", (), {"attribute": Named()})
    return 0

start.main = main
start.entry()
"""


@pytest.mark.parametrize(("name", "code", "message"), [("SIGINT", 130, "interrupted\n"), ("SIGTERM", 143, "")])
def test_a_signal_while_a_class_is_made(name: str, code: int, message: str) -> None:
    """Python before 3.12 wraps it in a RuntimeError, as an import in the first milliseconds showed."""
    done = subprocess.run([sys.executable, "-c", IN_A_CLASS, name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, message)


BEFORE_ALL = """
import _signal, os
import cnncalc.__main__ as start

set_handler = _signal.signal
_signal.signal = lambda number, handler: (os.kill(os.getpid(), number), set_handler(number, handler))
start.entry()
"""


def test_ctrl_c_just_before_it_is_handled() -> None:
    """signal.signal() first calls the handlers of signals that have come, here Python's own, which raises."""
    done = subprocess.run([sys.executable, "-c", BEFORE_ALL], capture_output=True, text=True, timeout=10, check=False)
    assert (done.returncode, done.stderr) == (130, "")


def test_ctrl_c_that_python_drops_comes_once_more() -> None:
    done = subprocess.run([sys.executable, "-c", DROPPED], capture_output=True, text=True, timeout=10, check=False)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_ctrl_c_at_any_time_after_the_start() -> None:
    """None of our functions prints a traceback; Python's own start, before the first of them, may."""
    codes = set()
    for milliseconds in (*range(0, 80, 2), 1500):
        with subprocess.Popen(
            [*COMMAND, "run", "lenet5", "--repeat", "1000000"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        ) as running:  # fmt: skip
            time.sleep(milliseconds / 1000)
            running.send_signal(signal.SIGINT)
            running.send_signal(signal.SIGINT)
            try:
                _, err = running.communicate(timeout=5)
            # Python drops a signal that comes while it cleans up after an import: send it once more
            except subprocess.TimeoutExpired:
                running.send_signal(signal.SIGINT)
                _, err = running.communicate(timeout=5)
        codes.add(running.returncode)
        if "Traceback" in err:
            assert not re.search(r'File ".*cnncalc/.*, in (?!<module>)', err), err
        elif running.returncode == 130:
            assert err in ("interrupted\n", "")  # "" if the signal came before there was anything to interrupt
    assert 130 in codes


def test_a_background_job_ignores_ctrl_c_of_its_terminal() -> None:
    """A shell without job control starts it with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interruptible() as rows:
            signal.raise_signal(signal.SIGINT)
        assert (rows.interrupted, signal.getsignal(signal.SIGINT)) == (False, signal.SIG_IGN)
    finally:
        signal.signal(signal.SIGINT, before)


FORKED = """
import os, signal
from cnncalc.__main__ import _handle_signals
from cnncalc.cli.progress import Interruptible
_handle_signals()
with Interruptible() as rows:
    child = os.fork()
    if child == 0:
        os.kill(os.getpid(), signal.SIGINT)
        print("heard nothing", flush=True)
        os.kill(os.getpid(), signal.SIGTERM)
        print("still there", flush=True)
    else:
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), rows.interrupted)
"""


def test_a_worker_that_was_just_forked_unwinds_nothing() -> None:
    """It has its parent's stack: unwinding would shut down the parent's pool, and wait for threads that don't exist."""
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=False, timeout=30)
    assert (done.stdout, done.stderr) == ("heard nothing\n143 False\n", "")


def test_progress_while_a_file_is_written(net: Path) -> None:
    """Progress is shown on a terminal alone, and erased at the end."""
    # receptive fields are computed one network at a time, which takes long enough for a bar
    slow = ("--set", "width=1:4000", "--input", "2x6x6:2x8x8:1", "--columns", "receptive_field")
    command = [*COMMAND, "sweep", "net.yaml", *slow, "-o", "sweep.tsv"]
    shown = on_a_terminal(command, net.parent)
    assert "of 12,000 combinations" in shown
    assert shown.endswith("\r\x1b[K")
    assert process(*command[3:]).stderr == ""
    assert len(Path("sweep.tsv").read_text().splitlines()) == 1 + 12_000
