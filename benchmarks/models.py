"""Read a folder of model files, each in a process of its own, and hold them to what is known of them.

    python benchmarks/models.py FOLDER [--truth truth.json]

``truth.json`` has for each file, without its suffix: ``output`` (the first output's shape, batch counted), ``macs`` and
``params``; null, or left out, is not compared.  Prints what differs, how many files are exact, and the CPU time.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

FIGURES = ("output", "macs", "params")


def summarized(path: Path) -> dict[str, Any] | str:
    """Return the figures that ``cnncalc summary`` prints of a file; its message where it refuses it."""
    done = subprocess.run(
        [sys.executable, "-m", "cnncalc", "summary", str(path), "--format", "json"], capture_output=True, text=True
    )
    if done.returncode:
        return done.stderr.strip() or f"exit code {done.returncode}"
    found = json.loads(done.stdout)
    totals = found["totals"]
    return {
        "output": next(iter(found["outputs"].values())),
        "macs": totals["macs"],
        "params": totals["params"],
        "uncounted": found.get("uncounted", []),
    }


def differences(found: dict[str, Any] | str, truth: dict[str, Any]) -> list[str]:
    """Return what is not as it should be, a line each."""
    if isinstance(found, str):
        return [found]
    return [
        f"{name} {found[name]}, expected {truth[name]}"
        for name in FIGURES
        if truth.get(name) is not None and found[name] != truth[name]
    ] + [f"uncounted: {', '.join(found['uncounted'])}"] * bool(found["uncounted"])


def main() -> int:
    """Print the result; return 1 if a file is not exact."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of .onnx files")
    parser.add_argument("--truth", type=Path, help="default: truth.json of the folder")
    options = parser.parse_args()
    truth = json.loads((options.truth or options.folder / "truth.json").read_text())
    files = sorted(options.folder.glob("*.onnx"))
    exact, begun = 0, time.perf_counter()
    for path in files:
        wrong = differences(summarized(path), truth.get(path.stem, {}))
        exact += not wrong
        for line in wrong:
            print(f"{path.stem}: {line}", flush=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu, wall, most = used.ru_utime + used.ru_stime, time.perf_counter() - begun, used.ru_maxrss / 1024
    print(f"{exact} of {len(files)} files exact; {cpu:.1f} s of CPU, {wall:.1f} s, {most:.0f} MiB at most")
    return int(exact < len(files))


if __name__ == "__main__":
    sys.exit(main())
