"""How many networks a core computes in a second of ``cnncalc sweep``, and how much memory that takes.

Run as ``python benchmarks/sweep.py [networks]``, by default 1,000,000 of each family; prints a table.  Goals: 100,000
networks and 50,000 rows of ndjson a core-second, 100 MiB, and twice as many networks in twice the time.  The first row
of a family prints one network, the best, so that all is computed and next to nothing written; the second prints all.
Below stand spaces of random structures, a hundredth as many networks of each, hardly two alike.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SPECS = Path(__file__).parent / "specs"
UNET = str(SPECS / "unet_of_any_depth.yaml")


def families(count: int) -> dict[str, list[str]]:
    """Return what is swept, some ``count`` networks of each."""
    return {
        "resnet50, base_width": ["resnet50", "--set", f"base_width=1:{count}"],
        "mobilenet_v2, width and input": [
            "mobilenet_v2", "--set", "width=0.1:2.09:0.01", "--input", _sides(3, 32, count // 200, 1),
        ],
        "efficientnet, width, depth and input": [
            "efficientnet_b0", "--set", "width=0.5:2.45:0.05", "--set", "depth=0.5:2.9:0.1",
            "--input", _sides(3, 32, count // 1000, 1),
        ],
        "U-Net, depth and base": [UNET, "--set", "depth=1:5", "--set", f"base=1:{count // 5}"],
    }  # fmt: skip


def spaces(count: int) -> dict[str, list[str]]:
    """Return what is sampled of spaces in which hardly two structures are alike."""
    return {
        "random ResNets": [
            "resnet", "--set", "depths=each(1,2,3,4,5,6,7,8,9,10)*4", "--set", "kind=basic,bottleneck",
            "--sample", f"{count}",
        ],
        "once for all": [
            str(SPECS / "once_for_all.yaml"), "--set", "kernels=each(3,5,7)*20", "--set", "expands=each(3,4,6)*20",
            "--set", "depths=each(2,3,4)*5", "--set", "width=1.0,1.2", "--input", "3x128x128:3x224x224:4",
            "--sample", f"{count}",
        ],
    }  # fmt: skip


def _sides(channels: int, first: int, count: int, step: int) -> str:
    last = first + (count - 1) * step
    return f"{channels}x{first}x{first}:{channels}x{last}x{last}:{step}"


def measured(arguments: list[str]) -> tuple[int, float, float]:
    """Return the rows, the core-seconds and the MiB of a sweep in a process of its own."""
    command = [sys.executable, "-m", "cnncalc", "sweep", *arguments, "--format", "ndjson"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        rows = 0
        while chunk := process.stdout.read(1 << 20):
            rows += chunk.count(b"\n")
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return rows, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    print("family                                  networks  core-seconds  networks/core-second      memory")
    for name, arguments in families(count).items():
        for title, more in ((name, ["--sort", "macs", "--top", "1"]), ("  every row as ndjson", [])):
            rows, seconds, memory = measured([*arguments, *more])
            networks = count if more else rows
            print(f"{title:38} {networks:9,}  {seconds:12.2f}  {networks / seconds:20,.0f}  {memory:6.1f} MiB")
    for name, arguments in spaces(count // 100).items():
        rows, seconds, memory = measured(arguments)
        print(f"{name:38} {rows:9,}  {seconds:12.2f}  {rows / seconds:20,.0f}  {memory:6.1f} MiB")


if __name__ == "__main__":
    main()
