"""How many ResNet-50s a second ``cnncalc sweep`` computes, and whether its memory grows with the grid.

Run as ``python benchmarks/sweep.py``; prints a table.  Every network has another width, so that hardly a layer
can be taken from the network before.
"""

from __future__ import annotations

import subprocess
import sys
import time

SMALL, LARGE = 500, 5_000


def command(networks: int, *more: str) -> list[str]:
    widths = ",".join(str(16 + width) for width in range(networks))
    return [sys.executable, "-m", "cnncalc", "sweep", "resnet50", "--set", f"base_width={widths}", *more]


def measured(arguments: list[str]) -> tuple[float, float, float]:
    """Return seconds by the clock, seconds of all cores, and MiB of the largest process, of a command."""
    wrapper = (
        "import resource, subprocess, sys\n"
        "code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss)\n"
        "sys.exit(code)\n"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", wrapper, *arguments], capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    cpu_seconds, kibibytes = done.stdout.split()
    return seconds, float(cpu_seconds), int(kibibytes) / 1024


def main() -> None:
    print("networks  processes  seconds  core-seconds  networks/s  networks/core-second  memory")
    for networks, jobs in ((SMALL, 1), (LARGE, 1), (LARGE, 2)):
        seconds, cpu, memory = measured(command(networks, "--format", "ndjson", "--jobs", str(jobs)))
        rates = f"{networks / seconds:10.0f}  {networks / cpu:20.0f}"
        print(f"{networks:8,}  {jobs:9}  {seconds:7.2f}  {cpu:12.2f}  {rates}  {memory:.1f} MiB")


if __name__ == "__main__":
    main()
