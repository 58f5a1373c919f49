"""Pages of large networks: made by ``cnncalc draw``, opened in Chromium.

    python benchmarks/pictures.py [--layers 10000]

CPU seconds of the whole command, bytes of the page, seconds until the page is loaded (the median of three), and until
all blocks are open.  Goals for 10,000 layers: made in 3 s, opened in 3 s.  Needs Chromium and Playwright.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HEAD = "name: large\ninput: [8, 32, 32]\nlayers:\n"


def flat(layers: int) -> Iterator[str]:
    """Yield a chain without blocks."""
    for number in range(layers // 2):
        yield f"  - conv: {{out_channels: {8 + number % 97}, kernel_size: 3, padding: 1}}\n  - relu\n"


def stages(layers: int) -> Iterator[str]:
    """Yield blocks of seven layers with a skip, hardly one like another."""
    for number in range(layers // 7):
        channels = 8 + number % 61
        conv = f"      - conv: {{out_channels: {channels}, kernel_size: 3, padding: 1}}\n"
        yield (
            f"  - sequence:\n{conv}      - batchnorm\n      - relu\n{conv}      - batchnorm\n      - relu:\n"
            f"        name: before\n{conv}        name: last\n      - add:\n        from: [last, before]\n"
            f"    name: stage{number}\n"
        )


def repeats(layers: int) -> Iterator[str]:
    """Yield four stages of one residual block, repeated."""
    for number in range(4):
        channels = 8 * (number + 1)
        conv = f"conv: {{out_channels: {channels}, kernel_size: 3, padding: 1}}\n"
        yield (
            f"  - {conv}  - sequence:\n      - {conv}      - batchnorm\n      - relu\n      - {conv}"
            "      - batchnorm:\n        name: last\n      - add:\n        from: [last, input]\n      - relu\n"
            f"    name: unit\n    repeat: {layers // 28}\n"
        )


def seconds_to_make(spec: Path, page: Path) -> float:
    """Return the CPU seconds of the command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "cnncalc", "draw", str(spec), "-o", str(page)], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def seconds_to_open(tab: Page, page: Path) -> tuple[float, float]:
    """Return how long a page takes until it is loaded, and from then on until all of its blocks are open."""
    loads = []
    for _ in range(3):
        tab.goto("about:blank")
        start = time.perf_counter()
        tab.goto(page.as_uri())
        loads.append(time.perf_counter() - start)
    start = time.perf_counter()
    tab.click("#expand")
    tab.locator("#graph svg").bounding_box()
    return statistics.median(loads), time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=10_000)
    layers = parser.parse_args().layers
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    print(f"{layers:,} layers, load {os.getloadavg()[0]:.1f}\n")
    print(f"{'':8} {'make s':>8} {'bytes':>12} {'open s':>8} {'all s':>8}")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for kind in (flat, stages, repeats):
            spec, page = Path(folder, f"{kind.__name__}.yaml"), Path(folder, f"{kind.__name__}.html")
            spec.write_text(HEAD + "".join(kind(layers)), encoding="utf-8")
            made = seconds_to_make(spec, page)
            opened, expanded = seconds_to_open(browser.new_page(), page)
            print(f"{kind.__name__:8} {made:8.2f} {page.stat().st_size:12,} {opened:8.2f} {expanded:8.2f}")
        browser.close()


if __name__ == "__main__":
    main()
