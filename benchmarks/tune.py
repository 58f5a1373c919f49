"""The executor's tuning constants against other values: what execution/tuning.py says, measured again.

    python benchmarks/tune.py [--runs 15] [--only BLOCK …]

For each constant, a network that it matters for is run by two processes that take turns on one core, one with the value
that ships and one with another; what is printed is the median ratio of their CPU times, above 1 where ours is better.
Constants of threads are run on two cores, and their ratios are of real time.  Not tried is what time doesn't decide:
bounds on memory (WINOGRAD_PACKED, MOST_AHEAD, MOST_READS_AHEAD), an error (ERF_STEPS), and OpenBLAS' ROWS_UNROLLED.
A value with a ratio clearly below 1 is better for your machine; no value changes more of a result than its rounding.
Constants of the prediction of memory are printed beside what a process of their own has taken, which must not be more.
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
    "FUNCTION_CHUNK": ("convnext_tiny", 1, (1 << 12, 1 << 18)),
    "WORTH_SHARING": ("mobilenet_v2", 1, (150.0, 2000.0)),
    "BLOCKS_A_THREAD": ("resnet50", 1, (1, 8)),
    "OUR_THREADS_FROM": ("mobilenet_v2", 1, (10**6, 10**8)),
}
OF_THREADS = ("WORTH_SHARING", "BLOCKS_A_THREAD", "OUR_THREADS_FROM")


# name of a layer of which thousands follow each other: what is printed is the bytes of each that stay after two passes
CHAINS = (
    "sigmoid",
    "softmax",
    "batchnorm",
    "lrn: {size: 3}",
    "linear: 4",
    "conv: {out_channels: 4, kernel_size: 3, padding: 1}",
)
LONG = 3000  # layers of a chain
MEMORY = {
    "BLAS_BYTES": "blas_bytes",
    "KEPT_BYTES": "kept_bytes",
    "OWN_BYTES": "own_bytes",
    "CALL_BYTES, STEP_BYTES, HELD_BYTES": "objects",
    "TEMPORARIES": "temporaries",
    "MOST_SORTED": "sorted_pieces",
}


def blas_bytes() -> str:
    """Return what the products of two sizes leave in memory beside their result."""
    import numpy as np

    from cnncalc.execution.machine import resident

    taken = []
    for size in (512, 2048):
        a, out = np.ones((size, size), np.float32), np.full((size, size), 0, np.float32)
        held = resident()
        np.matmul(a, a, out=out)
        taken.append(resident() - held)
    return f"{sum(taken):,} bytes for one thread"


def kept_bytes() -> str:
    """Return what threads that make and free small arrays leave in memory, for each."""
    import threading

    import numpy as np

    from cnncalc.execution.machine import resident

    def churn() -> None:
        for size in range(1, 200):
            _ = np.ones(size * 500, np.float32) * 2

    before, threads = resident(), [threading.Thread(target=churn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return f"{(resident() - before) // 4:,} bytes for each thread"


def own_bytes() -> str:
    """Return what a run of a small network takes, and what was predicted, of which this is the largest part."""
    import numpy as np

    import cnncalc
    from cnncalc.execution.machine import peak_resident
    from cnncalc.execution.needs import needs
    from cnncalc.execution.planning import RunPlan
    from cnncalc.execution.verify import run

    network = cnncalc.load("lenet5")
    needed = needs(RunPlan(network), 1)
    run(network, {"input": np.ones((1, *network.inputs["input"].shape), np.float32)}, threads=1)
    return f"lenet5 took {peak_resident() - needed.process:,} bytes of {needed.total - needed.process:,} predicted"


def objects() -> str:
    """Return the bytes of a layer in each chain, beside the predicted ones."""
    found = []
    for item in CHAINS:
        done = subprocess.run([sys.executable, __file__, "--chain", item], capture_output=True, text=True, check=True)
        found.append(f"\n    {item}: {done.stdout.strip()}")
    return "".join(found)


def chain(item: str) -> None:
    """Print the bytes of a layer of a chain that two passes leave, and the predicted ones."""
    import gc

    import numpy as np

    import cnncalc
    from cnncalc.execution.machine import resident
    from cnncalc.execution.needs import needs
    from cnncalc.execution.planning import RunPlan

    def network_of(count: int) -> cnncalc.Network:
        shape = "[4]" if item.startswith("linear") else "[4, 4, 4]"
        key = item if ":" in item else f"{item}:"
        return cnncalc.loads(f"input: {shape}\nlayers:\n  - {key}\n    repeat: {count}\n")

    def passes(network: cnncalc.Network) -> Any:
        x = {name: np.zeros((1, *tensor.shape), np.float32) for name, tensor in network.inputs.items()}
        session = network.prepare(threads=1)
        for _ in range(2):
            session(x)
        return session

    networks = [network_of(4), network_of(LONG)]
    kept = [passes(networks[0])]
    gc.collect()
    before = resident()
    kept.append(passes(networks[1]))
    gc.collect()
    taken = resident() - before
    few, many = (needs(RunPlan(network), 1, repeats=True) for network in networks)
    print(f"{taken // LONG:,} bytes, {(sum(many[1:]) - sum(few[1:])) // LONG:,} predicted")


def temporaries() -> str:
    """Return the most arrays as large as its output that a layer type holds while NumPy computes it as a whole."""
    import tracemalloc

    import numpy as np

    import cnncalc
    from cnncalc.execution import needs
    from cnncalc.execution.planning import RunPlan
    from cnncalc.layers import layer_types

    worst: list[tuple[float, str]] = []
    for name in layer_types():
        try:
            network = cnncalc.loads(f"input: [64, 64, 64]\nlayers:\n  - {name}:\n")
        except cnncalc.CnncalcError:
            continue  # it needs arguments
        plan = RunPlan(network)
        pairs = zip(plan.steps, plan.kernels, strict=True)
        predicted = sum([needs._beside(step, 1) for step, kernel in pairs if not kernel])
        if not predicted:
            continue
        session = network.prepare(threads=1)
        x = np.ones((1, 64, 64, 64), np.float32)
        session(x)
        tracemalloc.start()
        session(x)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        worst.append(((peak - 4 * network.nodes[-1].elements()) / 4 / predicted * needs.TEMPORARIES, name))
        session.close()
    return ", ".join(f"{name} {most:.2f}" for most, name in sorted(worst, reverse=True)[:5])


def sorted_pieces() -> str:
    """Return what gaps in order of birth take of the memory of sorted pieces, and how long sorting many takes."""
    import cnncalc
    from cnncalc.execution import layout
    from cnncalc.execution.planning import RunPlan

    found = []
    for name in ("resnet50", "mobilenet_v2", "densenet121", "inception_v3", "unet"):
        network = cnncalc.load(name)
        layout.MOST_SORTED = 10**9
        fewest = RunPlan(network).layout.size
        layout.MOST_SORTED = 0
        found.append(f"{name} {RunPlan(network).layout.size / fewest:.2f}")
    for count, life in ((1500, 3), (1500, 1500), (5000, 3), (5000, 5000)):
        pieces = [layout.MemoryPiece(64 * (1 + number % 7), number, number + life) for number in range(count)]
        layout.MOST_SORTED = count
        began = time.process_time()
        layout._place(pieces)
        found.append(f"{count:,} pieces that live for {life:,} steps in {time.process_time() - began:.2f} s")
    return ", ".join(found)


def work(constant: str, value: str, name: str, batch: int) -> None:
    """Be a worker: run when told to on standard input, and answer with seconds."""
    threads = 2 if constant in OF_THREADS else 1
    clock = time.perf_counter if threads > 1 else time.process_time
    if threads == 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import cnncalc
    import cnncalc.execution.session
    from cnncalc.execution import tuning  # imports numpy, whose BLAS the environment holds

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
    known = [*TRIALS, *MEMORY]
    parser.add_argument("--only", nargs="+", choices=known, default=known, help="constants; default: all")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--memory", choices=MEMORY.values(), help=argparse.SUPPRESS)
    parser.add_argument("--chain", choices=CHAINS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        print(globals()[options.memory]())
        return 0
    if options.chain:
        chain(options.chain)
        return 0
    if options.worker:
        constant, value, name, batch = options.worker
        work(constant, value, name, int(batch))
        return 0
    print(f"this machine: {machine()}", flush=True)
    from cnncalc.execution import tuning  # imports numpy, so that BLAS's environment no longer counts

    for constant in options.only:
        if constant in MEMORY:
            command = [sys.executable, __file__, "--memory", MEMORY[constant]]
            environment = os.environ | dict.fromkeys(BLAS, "1")
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
            values = ", ".join(f"{name} = {getattr(tuning, name):,}" for name in constant.split(", "))
            print(f"{values}   {done.stdout.strip()}", flush=True)
            continue
        name, batch, others = TRIALS[constant]
        ratios = [f"{other}: {compare(constant, other, name, batch, options.runs):.2f}" for other in others]
        print(f"{constant} = {getattr(tuning, constant)}, {name}, batch {batch}   " + "   ".join(ratios), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
