"""Start to finish of ``cnncalc summary``, against the floor of its imports and against the usual tools.

    python benchmarks/startup.py [--runs 11]

Every figure is a whole process, the commands taken in turn so that a drift of the machine's speed meets all of them;
what counts is the ratio of medians.  torchinfo (with torch and torchvision) and onnx-tool take part where they are
installed.  Goals for alexnet and resnet50: the table within its floor, JSON within 1.4 times its own, 30 MB; a chain of
10,000 layers within a second, and time that grows no faster than the layers.
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
from pathlib import Path

NETWORKS = ("alexnet", "vgg16", "resnet50", "densenet121")
FLOORS = {
    "table floor": "import click, rich.console, rich.table, yaml",
    "json floor": "import click, yaml",
}
TORCHINFO = (
    "import torchinfo, torchvision.models as m; "
    "torchinfo.summary(m.{name}(), (1, 3, 224, 224), verbose=0).total_mult_adds"
)


def measure(command: list[str]) -> tuple[float, int]:
    """Run a command and return (seconds, peak resident KiB)."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
        assert child.stderr is not None
        message = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{message.decode()}")
    return time.perf_counter() - began, usage.ru_maxrss


def in_turn(commands: dict[str, list[str]], runs: int) -> dict[str, tuple[float, int]]:
    """Return the median seconds and KiB of each command, run in turn after one warm-up."""
    figures: dict[str, list[tuple[float, int]]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            figure = measure(command)
            if turn:
                figures[name].append(figure)
    return {
        name: (statistics.median(seconds for seconds, _ in values), max(memory for _, memory in values))
        for name, values in figures.items()
    }


def report(figures: dict[str, tuple[float, int]], floors: dict[str, str]) -> None:
    """Print one row per command with its ratio to its floor."""
    print(f"{'command':<34}{'ms':>9}{'MB':>8}{'ratio':>8}")
    for name, (seconds, memory) in figures.items():
        floor = floors.get(name)
        ratio = f"{seconds / figures[floor][0]:8.2f}" if floor else ""
        print(f"{name:<34}{1000 * seconds:9.1f}{memory / 1024:8.1f}{ratio}")


def startup(runs: int) -> None:
    """Measure table and JSON of four networks against the floor of their imports."""
    commands = {name: [sys.executable, "-c", code] for name, code in FLOORS.items()}
    floors: dict[str, str] = {}
    for network in NETWORKS:
        for format in ("table", "json"):
            name = f"{network}, {format}"
            commands[name] = [sys.executable, "-m", "cnncalc", "summary", network, "--format", format]
            floors[name] = f"{format} floor"
    report(in_turn(commands, runs), floors)


def others(runs: int) -> None:
    """Measure torchinfo where it is installed; these take seconds, so fewer runs do."""
    probe = [sys.executable, "-c", "import torch, torchinfo, torchvision"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        print("torchinfo with torch and torchvision can't be imported here: left out")
        return
    commands: dict[str, list[str]] = {}
    floors = {}
    for network in NETWORKS:
        commands[f"{network}, cnncalc"] = [sys.executable, "-m", "cnncalc", "summary", network]
        commands[f"{network}, torchinfo"] = [sys.executable, "-c", TORCHINFO.format(name=network)]
        floors[f"{network}, torchinfo"] = f"{network}, cnncalc"
    report(in_turn(commands, max(runs // 4, 3)), floors)


def write_onnx(folder: Path) -> None:
    """Write the networks with random weights as ONNX files."""
    import numpy as np
    import onnx
    from rivals import onnx_model

    import cnncalc
    from cnncalc.execution.weights import random_weights

    for name in NETWORKS:
        network = cnncalc.load(name)
        model = onnx_model(network, random_weights(network, 0, np.dtype(np.float32), 1))
        onnx.save(model, folder / f"{name}.onnx")


def onnx_tool(runs: int) -> None:
    """Measure onnx-tool on the same networks, where it is installed."""
    if importlib.util.find_spec("onnx_tool") is None:
        print("onnx-tool is not installed: left out")
        return
    with tempfile.TemporaryDirectory() as folder:
        code = f"import pathlib, startup; startup.write_onnx(pathlib.Path({folder!r}))"
        room = Path(__file__).parent  # in a process of its own: a child's peak counts what its parent had
        subprocess.run([sys.executable, "-c", code], cwd=room, check=True)
        commands: dict[str, list[str]] = {}
        floors = {}
        for network in NETWORKS:
            path = str(Path(folder) / f"{network}.onnx")
            commands[f"{network}, cnncalc"] = [sys.executable, "-m", "cnncalc", "summary", network]
            code = f"import onnx_tool; onnx_tool.model_profile({path!r}, save_profile={path + '.txt'!r})"
            commands[f"{network}, onnx-tool"] = [sys.executable, "-c", code]
            floors[f"{network}, onnx-tool"] = f"{network}, cnncalc"
        report(in_turn(commands, max(runs // 4, 3)), floors)


def chains(runs: int) -> None:
    """Measure chains of layers, each written out in the spec."""
    with tempfile.TemporaryDirectory() as folder:
        commands = {}
        for layers in (1_000, 10_000, 100_000):
            path = Path(folder) / f"chain{layers}.yaml"
            item = "  - conv: {out_channels: 8, kernel_size: 3, padding: 1}\n"
            path.write_text("input: [8, 32, 32]\nlayers:\n" + item * layers)
            commands[f"chain of {layers:,}"] = [sys.executable, "-m", "cnncalc", "summary", str(path)]
        report(
            in_turn(commands, max(runs // 4, 3)),
            {"chain of 100,000": "chain of 10,000", "chain of 10,000": "chain of 1,000"},
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=11, help="counted runs of each command")
    arguments = parser.parse_args()
    startup(arguments.runs)
    print()
    chains(arguments.runs)
    print()
    others(arguments.runs)
    onnx_tool(arguments.runs)


if __name__ == "__main__":
    main()
