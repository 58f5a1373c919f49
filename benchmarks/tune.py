"""The tuning constants of the kernels against other values: what kernels/tuning.py says, measured again.

    python benchmarks/tune.py [--runs 15] [--only BLOCK …]

For each constant, a network that it matters for is run by two processes that take turns on one core, one with the value
that ships and one with another; what is printed is the median ratio of their CPU times, above 1 where ours is better.
Constants of threads are run on two cores, and their ratios are of real time.  Not tried is what time doesn't decide:
bounds on memory (WINOGRAD_PACKED, MOST_AHEAD, MOST_READS_AHEAD), an error (ERF_STEPS), and OpenBLAS' ROWS_UNROLLED.
A value with a ratio clearly below 1 is better for your machine; no value changes more of a result than its rounding.
"""

from __future__ import annotations

import argparse
import ast
import os
import statistics
import subprocess
import sys
import time
from typing import Any

BLAS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
SLOWED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # set on some machines for safety

# constant: (network, batch, other values)
TRIALS: dict[str, tuple[str, int, tuple[Any, ...]]] = {
    "BLOCK": ("resnet50", 1, (1 << 15, 1 << 16, 1 << 18, 1 << 19)),
    "GEMM_FROM_ROWS": ("lenet5", 32, (16, 256)),
    "MOST_WORK_UNPACKED": ("resnet50", 1, (10**5, 4 * 10**6)),
    "WIDEST_PANEL": ("resnet50", 1, (64, 256)),
    "BEST_ROWS": ("resnet50", 1, ((24, 12), (49,), (48, 16))),
    "ROW_OPERATION": ("mobilenet_v2", 1, (1000, 16000)),
    "DEPTHWISE_RUN": ("mobilenet_v2", 1, (1 << 10, 1 << 14)),
    "DEPTHWISE_LANES_BELOW": ("mobilenet_v2", 1, (0, 512)),
    "SHALLOW_UP_TO": ("resnet18", 1, (0, 16)),
    "SHALLOW_FROM_COLUMNS": ("resnet8", 1, (1, 64)),
    "WINOGRAD_TILES": ("vgg16", 1, (32, 128)),
    "WINOGRAD_SMALLEST": ("resnet18", 1, (14, 4)),
    "WINOGRAD_WIDE_MAP": ("resnet18", 1, (6, 28)),
    "WINOGRAD_CHANNELS": ("resnet18", 1, ({True: 16, False: 64}, {True: 96, False: 384})),
    "WINOGRAD_LARGE_TILES": ("resnet18", 1, (12, 56)),
    "MOST_KEPT": ("vgg16", 1, (0,)),
    "ERF_CHUNK": ("convnext_tiny", 1, (1 << 12, 1 << 18)),
    "WORTH_SHARING": ("mobilenet_v2", 1, (150.0, 2000.0)),
    "BLOCKS_A_THREAD": ("resnet50", 1, (1, 8)),
    "OUR_THREADS_FROM": ("mobilenet_v2", 1, (10**6, 10**8)),
}
OF_THREADS = ("WORTH_SHARING", "BLOCKS_A_THREAD", "OUR_THREADS_FROM")


def work(constant: str, value: str, name: str, batch: int) -> None:
    """Be a worker: run when told to on standard input, and answer with seconds."""
    threads = 2 if constant in OF_THREADS else 1
    clock = time.perf_counter if threads > 1 else time.process_time
    if threads == 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import cnncalc
    import cnncalc.execution.session
    from cnncalc.execution.kernels import tuning  # imports numpy, whose BLAS the environment holds

    if value != "None":
        for module in [module for key, module in sys.modules.items() if key.startswith("cnncalc.execution.")]:
            if hasattr(module, constant):
                setattr(module, constant, ast.literal_eval(value))
        assert getattr(tuning, constant) == ast.literal_eval(value)
    import numpy as np

    network = cnncalc.load(name)
    session = network.prepare(threads=threads)
    shape = next(iter(network.inputs.values())).shape
    x = np.random.default_rng(0).standard_normal((batch, *shape), np.float32)
    session(x)
    for _ in sys.stdin:
        session(x)
        began = clock()
        session(x)
        print(clock() - began, flush=True)


def machine() -> str:
    """Return what one core does in a microsecond, and how long another thread takes to begin."""
    os.environ.update(dict.fromkeys(BLAS, "1"))
    for name in SLOWED:
        os.environ.pop(name, None)
    import queue
    import threading

    import numpy as np

    a = np.ones((512, 512), np.float32)
    block = np.ones(1 << 17, np.float32)
    asked: queue.SimpleQueue[float] = queue.SimpleQueue()
    began: queue.SimpleQueue[float] = queue.SimpleQueue()

    def serve() -> None:
        while (asked_at := asked.get()) >= 0:
            began.put(time.perf_counter() - asked_at)

    helper = threading.Thread(target=serve, daemon=True)
    helper.start()
    products, changes, wakings = [], [], []
    for _ in range(30):
        start = time.perf_counter()
        a @ a
        products.append(512**3 / (time.perf_counter() - start) / 1e6)
        start = time.perf_counter()
        np.add(block, block, out=block)
        changes.append(block.size / (time.perf_counter() - start) / 1e6)
        time.sleep(0.01)  # so that it sleeps
        asked.put(time.perf_counter())
        wakings.append(1e6 * began.get())
    asked.put(-1.0)
    medians = [statistics.median(figures) for figures in (products, changes, wakings)]
    return "MACS_PER_MICROSECOND {:,.0f}   ELEMENTS_PER_MICROSECOND {:,.0f}   WAKING {:.0f}".format(*medians)


class Worker:
    """One value of a constant, in a process of its own."""

    def __init__(self, constant: str, value: Any, name: str, batch: int) -> None:
        environment = {key: text for key, text in os.environ.items() if key not in SLOWED}
        if constant not in OF_THREADS:
            environment |= dict.fromkeys(BLAS, "1")
        command = [sys.executable, __file__, "--worker", constant, repr(value), name, str(batch)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def turn(self) -> float:
        """Let it run once; return its seconds."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print("run", file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self.process.communicate()


def compare(constant: str, other: Any, name: str, batch: int, runs: int) -> float:
    """Return the median ratio of the time with another value to the time with ours."""
    ours, theirs = Worker(constant, None, name, batch), Worker(constant, other, name, batch)
    ratios = [theirs.turn() / ours.turn() for _ in range(runs + 1)][1:]
    ours.close()
    theirs.close()
    return statistics.median(ratios)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15, help="turns of each value, of which the median counts")
    parser.add_argument("--only", nargs="+", choices=TRIALS, default=list(TRIALS), help="constants; default: all")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        constant, value, name, batch = options.worker
        work(constant, value, name, int(batch))
        return 0
    print(f"this machine: {machine()}", flush=True)
    from cnncalc.execution.kernels import tuning  # imports numpy, so that BLAS's environment no longer counts

    for constant in options.only:
        name, batch, others = TRIALS[constant]
        ratios = [f"{other}: {compare(constant, other, name, batch, options.runs):.2f}" for other in others]
        print(f"{constant} = {getattr(tuning, constant)}, {name}, batch {batch}   " + "   ".join(ratios), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
