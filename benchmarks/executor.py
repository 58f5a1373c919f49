"""The executor against eager PyTorch, ONNX Runtime and ONNX's own NumPy reference, where they are installed.

    python benchmarks/executor.py [--runs 9] [--threads 1 2] [--networks vgg16 …]

One image of 224×224 in float32, the same random weights for all.  Each tool has a process of its own, and they take
turns, so that a drift of the machine's speed meets all of them; in its turn a tool runs twice, and the second run,
with caches of its own, is timed; what counts is the ratio of medians.  The largest difference from our output,
relative to its largest element, stands beside each rival's time.  With one thread all share one core, and CPU time is
measured; and small networks take more turns, for a machine has slow seconds.

Our peak memory is held against what a run announces (`Needs`).  Our first pass is held against a repeated one: its
calls and binding them; packing weights and laying out memory are preparation, and printed beside.

OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE, which some machines set for safety and which slow NumPy down, are unset here.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NETWORKS = ("vgg16", "resnet50", "mobilenet_v2", "densenet121", "alexnet")
GOALS = {  # ratio of our median to theirs, at most
    (1, "torch"): dict.fromkeys(NETWORKS, 0.9),
    (1, "onnxruntime"): {"vgg16": 0.75, "resnet50": 1.2, "alexnet": 1.2, "densenet121": 1.2, "mobilenet_v2": 2.0},
    (1, "onnx reference"): dict.fromkeys(NETWORKS, 0.2),
    (2, "torch"): dict.fromkeys(NETWORKS, 1.0),
}
FIRST_GOAL = 1.25  # calls and binding of a first pass to a repeated one
LEAST_SECONDS = 12  # of turns for one network
SLOW_RUNS = 2  # of the reference, which takes seconds
BLAS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
WHOLE = {
    "cnncalc run resnet50": [sys.executable, "-m", "cnncalc", "run", "resnet50"],
    "torchvision's resnet50": [
        sys.executable,
        "-c",
        "import torch, torchvision; torchvision.models.resnet50()(torch.rand(1, 3, 224, 224))",
    ],
    "import torch alone": [sys.executable, "-c", "import torch"],
}


def environment(threads: int) -> dict[str, str]:
    """Return this process's environment without what slows NumPy down."""
    kept = {name: value for name, value in os.environ.items() if name not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    return kept | dict.fromkeys(BLAS, str(threads))


class Worker:
    """One tool with one network, in a process of its own."""

    def __init__(self, tool: str, network: str, threads: int) -> None:
        command = [sys.executable, __file__, "--worker", tool, "--networks", network, "--threads", str(threads)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, env=environment(1 if tool == "cnncalc" else threads)
        )
        self.seconds: list[float] = []
        self.turn()  # the first, not counted
        self.seconds.clear()

    def turn(self) -> None:
        """Let it run once."""
        self.seconds.append(float(self.ask("run")))

    def ask(self, question: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(question, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit("a worker failed")
        return answer.strip()

    def close(self) -> tuple[int, int, Any]:
        """End it; return its peak memory and the goal for ours in bytes, and its output."""
        import numpy as np

        with tempfile.TemporaryDirectory() as room:
            path = Path(room) / "out.npy"
            peak, goal = map(int, self.ask(f"end {path}").split())
            output = np.load(path)
        self.process.communicate()
        return peak, goal, output


def work(tool: str, name: str, threads: int) -> None:
    """Be a worker: run when told to on standard input, and answer with seconds."""
    import numpy as np
    from rivals import RIVALS

    import cnncalc
    from cnncalc.execution.machine import peak_resident
    from cnncalc.execution.needs import needs
    from cnncalc.execution.planning import RunPlan
    from cnncalc.execution.weights import random_weights

    np.ones((512, 512), np.float32) @ np.ones((512, 512), np.float32)  # NumPy's own: BLAS has its buffers
    if threads == 1 and hasattr(os, "sched_setaffinity"):  # the same core for all: another may be slower
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    network = cnncalc.load(name)
    goal = needs(RunPlan(network), threads, repeats=True).total
    weights = random_weights(network, 0, threads=2)
    run = RIVALS[tool](network, weights, threads)
    if tool != "onnx reference":
        del weights
    x = np.random.default_rng(0).standard_normal((1, 3, 224, 224), np.float32)
    clock = time.process_time if threads == 1 else time.perf_counter
    output: Any = None
    for line in sys.stdin:
        if line.startswith("end "):
            np.save(line[4:].strip(), output)
            print(peak_resident(), goal, flush=True)
            return
        output = run(x)
        began = clock()
        run(x)
        print(clock() - began, flush=True)


@contextmanager
def timed(seconds: list[float], owner: type, name: str) -> Iterator[None]:
    """Note the seconds that each call of a method takes inside."""
    method = getattr(owner, name)

    def noting(*arguments: Any) -> None:
        began = time.process_time()
        method(*arguments)
        seconds.append(time.process_time() - began)

    setattr(owner, name, noting)
    yield
    setattr(owner, name, method)


def first_pass(name: str, runs: int) -> bool:
    """Print how a first pass of ours, on one thread, compares with a repeated one; return whether the goal is met."""
    import numpy as np

    import cnncalc
    from cnncalc.execution import program
    from cnncalc.execution.planning import RunPlan
    from cnncalc.execution.session import Session
    from cnncalc.execution.weights import random_weights

    program.perf_counter = time.process_time  # what neighbours take does not count
    network = cnncalc.load(name)
    weights = random_weights(network, 0)
    inputs = {"input": np.random.default_rng(0).standard_normal((1, 3, 224, 224), np.float32)}
    rows = []
    for _ in range(runs + 1):
        copied = {key: array.copy(order="K") for key, array in weights.items()}
        began = time.process_time()
        plan = RunPlan(network)
        planned = time.process_time() - began
        with Session(plan, copied) as session:
            aside: list[float] = []
            with timed(aside, program.BatchProgram, "__init__"), timed(aside, program.BatchProgram, "_pack"):
                session.bind()
                assert session.program is not None
                calls = sum(done.seconds for done in session.first(inputs))
            bound = session.program.preparation - sum(aside)
            repeated = statistics.median(sum(session.again(inputs)) for _ in range(5))
            rows.append(((calls + bound) / repeated, calls / repeated, planned + sum(aside)))
    whole, made, prepared = (statistics.median(column) for column in zip(*rows[1:], strict=True))
    mark = "ok" if whole <= FIRST_GOAL else f"> {FIRST_GOAL}"
    print(f"{name:13} {whole:5.2f} {mark:7} calls alone {made:5.2f}   packing and layout {1e3 * prepared:6.1f} ms")
    return whole <= FIRST_GOAL


def compare(network: str, threads: int, tools: Sequence[str], runs: int) -> bool:
    """Print one network's figures; return whether every goal is met."""
    import numpy as np

    workers = {tool: Worker(tool, network, threads) for tool in tools}
    number, end = 0, time.perf_counter() + LEAST_SECONDS
    while number < runs or time.perf_counter() < end:
        for tool, worker in workers.items():
            if tool != "onnx reference" or number < SLOW_RUNS:
                worker.turn()
                time.sleep(0.02)  # other tools' threads spin for a while
        number += 1
    medians = {tool: statistics.median(worker.seconds) for tool, worker in workers.items()}
    ends = {tool: worker.close() for tool, worker in workers.items()}
    peak, allowed, ours = ends["cnncalc"]
    cells, met = [f"{network:13}", f"{1e3 * medians['cnncalc']:8.1f} ms {_size(peak)} of {_size(allowed)}"], True
    met &= peak <= allowed
    for tool in tools[1:]:
        ratio = medians["cnncalc"] / medians[tool]
        goal = GOALS.get((threads, tool), {}).get(network)
        mark = "" if goal is None else " ok" if ratio <= goal else f" > {goal}"
        met &= goal is None or ratio <= goal
        error = np.abs(ends[tool][2] - ours).max() / np.abs(ours).max()
        cells.append(f"{1e3 * medians[tool]:8.1f} ms {_size(ends[tool][0])} {ratio:5.2f}{mark:6} ({error:.0e})")
    print("  ".join(cells), flush=True)
    return met


def _size(count: int) -> str:
    return f"{count / 2**20:4.0f} MiB"


def whole_processes(runs: int) -> None:
    """Print the time from start to end of our command and of torchvision's."""
    seconds: dict[str, list[float]] = {name: [] for name in WHOLE}
    for _ in range(runs):
        for name, command in WHOLE.items():
            began = time.perf_counter()
            done = subprocess.run(command, capture_output=True, env=environment(2), check=False)
            if done.returncode == 0:  # else it is not installed
                seconds[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(values) for name, values in seconds.items() if values}
    ours = medians["cnncalc run resnet50"]
    told = [f"{name} {value:.2f} s (ratio {ours / value:.2f})" for name, value in medians.items()]
    print("\nwhole processes, 2 threads, goal 0.5 of torchvision's: " + ", ".join(told))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9, help="turns of each tool, of which the median counts")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--without", nargs="*", default=(), help="tools to leave out")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker == "first":
        return 0 if first_pass(options.networks[0], options.runs) else 1
    if options.worker:
        work(options.worker, options.networks[0], options.threads[0])
        return 0
    from rivals import MODULES

    rivals = [
        tool for tool, module in MODULES.items() if importlib.util.find_spec(module) and tool not in options.without
    ]
    met = True
    print("a first pass to a repeated one, one thread", flush=True)
    for network in options.networks:
        command = [sys.executable, __file__, "--worker", "first", "--networks", network, "--runs", str(options.runs)]
        met &= subprocess.run(command, env=environment(1), check=False).returncode == 0
    for threads in options.threads:
        tools = ["cnncalc", *(tool for tool in rivals if threads == 1 or tool != "onnx reference")]
        print(f"\n{threads} thread{'s' if threads > 1 else ''}: cnncalc, then " + ", ".join(tools[1:]))
        print("time, peak memory of what is allowed; for rivals our time ÷ theirs, its goal, the outputs' difference")
        for network in options.networks:
            met &= compare(network, threads, tools, options.runs)
    if options.networks == NETWORKS:
        whole_processes(max(3, options.runs // 3))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
