"""No run takes more memory than it announced: measured for twelve shipped networks, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

RUNS = [  # network, batch, threads, passes
    ("lenet5", 8, 2, 3),
    ("squeezenet1_1", 8, 1, 1),
    ("googlenet", 4, 2, 1),
    ("efficientnet_b0", 2, 1, 2),
    ("mobilenet_v2", 8, 2, 1),
    ("mnasnet0_5", 8, 1, 2),
    ("shufflenet_v2_x0_5", 8, 2, 1),
    ("resnet18", 1, 1, 1),
    ("densenet121", 1, 2, 2),
    ("alexnet", 2, 1, 1),
    ("convnext_tiny", 1, 2, 1),
    ("unet", 1, 1, 1),
]
# One process imports everything; each run is a fork of it, whose peak is measured from the memory it starts with.
CODE = """
import os, sys
from cnncalc.execution import load_numpy
load_numpy()
from cnncalc.execution.verify import run
import cnncalc
small = cnncalc.load("lenet5")
for line in sys.stdin:
    name, batch, threads, repeat = line.split()
    network = cnncalc.load(name)
    if not os.fork():
        run(small)  # so that the libraries' pages are the copy's, too, as they are in a process of its own
        result = run(network, batch=int(batch), threads=int(threads), repeat=int(repeat))
        print(result.needs.total, result.peak, int(result.ok), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports what a copy of a process takes")
def test_no_run_takes_more_than_it_announced() -> None:
    asked = "\n".join(" ".join(map(str, given)) for given in RUNS)
    done = subprocess.run([sys.executable, "-c", CODE], input=asked.encode(), capture_output=True, check=True)
    found = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert len(found) == len(RUNS), done.stderr
    for given, (announced, taken, ok) in zip(RUNS, found, strict=True):
        assert ok
        assert 0.6 * announced < taken <= announced, (given, announced, taken)
