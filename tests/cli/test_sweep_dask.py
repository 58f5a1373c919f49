"""``cnncalc sweep --dask``: a real scheduler with two workers, of which one is killed."""

from __future__ import annotations

import os
import pickle
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from cnncalc.cli._rows import RowOptions, SweepTexts, Varied
from cnncalc.cli.options import BatchAndDtype
from cnncalc.language.loading import read_text
from cnncalc.studies.device.budgets import RequestedDevice
from cnncalc.studies.sweep.processes import PartTask
from tests.commands import cnncalc, process

NET = """
args: {width: 4, kernel: 3}
input: [2, 19, 19]
layers:
  - conv: {out_channels: width, kernel_size: kernel, groups: 2}
  - relu
"""
# 1,440 combinations, some of which are no networks
MANY = ("net.yaml", "--set", "width=1:60", "--set", "kernel=1:24", "--format", "ndjson")
ROOT = str(Path(__file__).parents[2])

needs_dask = pytest.mark.skipif(find_spec("distributed") is None, reason="the extra 'dask' is not installed")


class Scheduler(NamedTuple):
    """A cluster in a process of its own, which runs a line of Python for each line that it is sent."""

    address: str
    process: subprocess.Popen[str]

    def run(self, line: str) -> str:
        """Run a line, and return what it prints."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(line, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()


CLUSTER = """
import logging, os, sys
from distributed import Client, LocalCluster
if __name__ == "__main__":
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address='127.0.0.1:0', silence_logs=logging.CRITICAL + 1
    )
    client = Client(cluster)
    print(cluster.scheduler_address, flush=True)
    for line in sys.stdin:
        print(eval(line), flush=True)
    cluster.close()
"""


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scheduler]:
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "cluster.py").write_text(CLUSTER)
    with subprocess.Popen(
        [sys.executable, "cluster.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, cwd=folder, env={**os.environ, "PYTHONPATH": ROOT},
    ) as running:  # fmt: skip
        assert running.stdout is not None
        assert running.stdin is not None
        yield Scheduler(running.stdout.readline().strip(), running)
        running.stdin.close()
        running.wait(timeout=30)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own with NET in it."""
    (tmp_path / "net.yaml").write_text(NET)
    monkeypatch.chdir(tmp_path)


def is_gone(group: int) -> bool:
    """Wait for the processes of a group; return whether they ended in time."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


@needs_dask
@pytest.mark.parametrize("options", [("--where", "macs < 100k"), ("--columns", "receptive_field")], ids=str)
def test_a_cluster_prints_what_one_process_prints(scheduler: Scheduler, options: tuple[str, ...]) -> None:
    done = process("sweep", *MANY, *options, "--dask", scheduler.address)
    alone = cnncalc("sweep", *MANY, *options)
    assert digest(done.stdout) == digest(alone.out)
    assert (done.returncode, done.stderr) == (alone.code, alone.err)


@needs_dask
def test_a_worker_that_is_killed_loses_nothing_and_doubles_nothing(scheduler: Scheduler) -> None:
    sweep = ("sweep", *MANY, "--columns", "receptive_field,macs", "--input", "2x19x19,2x21x20")  # eight parts
    command = [sys.executable, "-m", "cnncalc", *sweep, "--dask", scheduler.address]
    killed = scheduler.run("next(iter(client.run(os.getpid).values()))")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        first = running.stdout.readline()
        os.kill(int(killed), signal.SIGKILL)
        out, err = first + running.stdout.read(), running.stderr.read()
    alone = cnncalc(*sweep)
    assert digest(out) == digest(alone.out)
    assert (running.returncode, err) == (alone.code, alone.err)
    assert killed not in scheduler.run("list(client.run(os.getpid).values())")


@needs_dask
def test_a_worker_of_another_version_is_named_and_refused(scheduler: Scheduler) -> None:
    change = "client.run(lambda: setattr(__import__('cnncalc.studies.sweep.cluster', fromlist=['x']), '__version__', {!r}), workers=[min(client.nthreads())])"
    own = scheduler.run("client.run(lambda: __import__('cnncalc').__version__).popitem()[1]")
    odd = scheduler.run("min(client.nthreads())")
    scheduler.run(change.format("99.0"))
    done = process("sweep", *MANY, "-o", "out.ndjson", "--dask", scheduler.address)
    scheduler.run(change.format(own))
    assert (done.returncode, done.stdout) == (2, "")
    code = r"\(code [0-9a-f]{16}\) on Python 3\.\d+"
    said = (
        rf"--dask: this process has cnncalc {own} {code}, but {odd} has cnncalc 99\.0 {code}\n"
        "  hint: install the same version everywhere"
    )
    assert re.match(said, done.stderr)
    assert os.listdir() == ["net.yaml"]


def test_a_semaphore_of_an_interrupted_worker_is_no_warning() -> None:
    """Python's tracker, a process of its own, warned below the line "interrupted" that one was gone, now and then."""
    code = "from multiprocessing.resource_tracker import register\n"
    code += "from cnncalc.studies.sweep.cluster import _start_tracker\n"
    code += "_start_tracker()\nregister('/mp-that-is-gone', 'semaphore')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""


@needs_dask
def test_a_cluster_of_this_machine_goes_on_after_ctrl_c() -> None:
    sweep = ("sweep", *MANY, "--columns", "receptive_field", "--input", "2x19x19,2x21x20", "-o", "out.ndjson")
    local = ("--dask", "local", "--jobs", "2")
    command = [sys.executable, "-c", "from cnncalc.ground import growing_file; growing_file.SECONDS = 0\n"]
    command[-1] += "from cnncalc.__main__ import entry; entry()"
    with subprocess.Popen(
        [*command, *sweep, *local], stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        deadline = time.monotonic() + 30
        while not os.path.exists("out.ndjson.progress"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(running.pid, signal.SIGINT)  # a terminal sends the signal to the workers, too
        _, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert re.fullmatch(
        r"interrupted: [\d,]+ of 2,880 combinations are done, which are in out\.ndjson; --resume continues there\n", err
    )
    assert is_gone(running.pid)
    assert cnncalc(*sweep, "--resume", "--jobs", "2").code == 1
    assert cnncalc(*sweep[:-1], "whole.ndjson").code == 1
    assert digest(Path("out.ndjson").read_text()) == digest(Path("whole.ndjson").read_text())


@needs_dask
def test_a_scheduler_that_is_not_there() -> None:
    program = (
        "from cnncalc.studies.sweep import cluster; cluster.PATIENCE = 0.2\nfrom cnncalc.__main__ import entry; entry()"
    )
    command = [sys.executable, "-c", program, "sweep", *MANY, "--dask", "tcp://127.0.0.1:1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("--dask: tcp://127.0.0.1:1: can't be reached: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--dask", "scheduler"), "--dask scheduler: not an address\n  hint: as in --dask tcp://scheduler:8786, or local\n"),
        (
            ("--dask", "tcp://scheduler:8786", "--jobs", "2"),
            "--jobs starts processes on this machine, but --dask computes elsewhere\n"
            "  hint: leave out --jobs: the scheduler has its own workers\n",
        ),
    ],
)  # fmt: skip
def test_mistakes(options: tuple[str, ...], message: str) -> None:
    done = cnncalc("sweep", *MANY, *options)
    assert (done.code, done.out, done.err) == (2, "", message)


def test_without_dask_the_extra_is_named() -> None:
    Path("distributed.py").write_text("raise ImportError\n")
    done = process("sweep", *MANY, "--dask", "local", env={"PYTHONPATH": f".:{ROOT}"})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "--dask: a cluster needs Dask\n  hint: pip install 'cnncalc[dask]'\n"


def test_workers_get_the_text_and_no_objects_made_of_it() -> None:
    document = read_text(NET.encode(), "net.yaml")
    varied = Varied(("width=1:1000000", "kernel=1:1000000"), (), None, "chw")
    rows = RowOptions("100k", 7, "macs < 1M", None, None, None, None, 16)
    texts = SweepTexts(varied, rows, BatchAndDtype(1, "float32"), RequestedDevice(), None)
    plan = texts.plan(document)
    sent = pickle.dumps(PartTask(document.reader(), texts.plan))
    assert len(sent) < len(NET) + 1000
    assert b"width=1:1000000" in sent
    work = pickle.loads(sent).work()
    assert work.plan.grid.size == plan.grid.size == 10**12
    assert work.plan._replace(grid=plan.grid, sample=plan.sample) == plan
