"""CI: it never skips the oldest Python silently, and its two environments are those of pyproject.toml."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRIPT = (ROOT / ".ci" / "run").read_text()
PROJECT = (ROOT / "pyproject.toml").read_text()


def test_without_the_oldest_python_it_fails_with_instructions(tmp_path: Path) -> None:
    other = tmp_path / "python3.10"
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    environment.pop("OLDEST_PYTHON", None)
    done = subprocess.run(
        [ROOT / ".ci" / "run"], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no Python 3.10 here" in done.stderr
    assert "uv python install 3.10" in done.stderr


def test_the_oldest_python_is_the_one_that_is_admitted() -> None:
    (oldest,) = re.findall(r'requires-python = ">=([\d.]+)"', PROJECT)
    tested = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', PROJECT)
    assert tested[0] == oldest
    assert f"Python {oldest}" in SCRIPT
    assert f"({oldest.replace('.', ', ')})" in SCRIPT


def test_every_folder_of_the_fast_part_exists() -> None:
    for name in re.search(r"^FAST=\((.*)\)$", SCRIPT, re.MULTILINE)[1].split():  # type: ignore[index]
        assert (ROOT / name / "__init__.py").exists()
    for name in re.search(r"^UNCOVERED=\((.*)\)$", SCRIPT, re.MULTILINE)[1].split():  # type: ignore[index]
        assert (ROOT / name).exists()
