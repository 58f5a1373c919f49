"""``cnncalc check`` as a pre-commit hook: the recipe of docs/ci.md, the project's own file, and the hook that it offers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.commands import process
from tests.pages import ROOT, files

pytest.importorskip("pre_commit")

GOOD = "input: [3, 32, 32]\nlayers:\n  - conv: {out_channels: 8, kernel_size: 3, padding: 1}\n  - relu\n"
LARGE = "input: [1000, 3, 3]\nlayers:\n  - conv: {out_channels: 1000, kernel_size: 3}\n"  # 9,001,000 params


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make a git repository with the README's hook; the path has a cnncalc that runs this code."""
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "cnncalc"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cnncalc "$@"\n')
    command.chmod(0o755)
    path = tmp_path / "repository"
    path.mkdir()
    (path / ".pre-commit-config.yaml").write_text(
        files((ROOT / "docs" / "ci.md").read_text())[".pre-commit-config.yaml"]
    )
    subprocess.run(["git", "init", "-q", "."], cwd=path, check=True)
    return path


def hooked(repository: Path) -> subprocess.CompletedProcess[str]:
    """Run the hooks on all files."""
    subprocess.run(["git", "add", "-A"], cwd=repository, check=True)
    environment = os.environ | {
        "PATH": f"{repository.parent / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PRE_COMMIT_HOME": str(repository.parent / "home"),
    }
    command = [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color", "never"]
    return subprocess.run(
        command, cwd=repository, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_spec_at_the_top_and_one_in_the_folder_are_checked(repository: Path) -> None:
    (repository / "specs").mkdir()
    for name in ("net.yaml", "specs/other.yaml"):
        (repository / "specs" / "other.yaml").write_text(GOOD)
        (repository / "net.yaml").write_text(GOOD)
        done = hooked(repository)
        assert (done.returncode, done.stderr) == (0, "")
        assert "Passed" in done.stdout
        (repository / name).write_text(LARGE)
        done = hooked(repository)
        assert done.returncode == 1
        assert "params = 9,001,000, over the bound of 5,000,000" in done.stdout


def test_a_spec_that_is_wrong_fails(repository: Path) -> None:
    (repository / "net.yaml").write_text("input: [3, 8, 8]\nlayers:\n  - convv: 4\n")
    done = hooked(repository)
    assert done.returncode == 1
    assert "net.yaml:3:5: " in done.stdout


def test_the_hook_that_is_offered_takes_files_that_are_specs(tmp_path: Path) -> None:
    """Its entry is a command, and a file that is no spec fails instead of being skipped."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert (hook["entry"], hook["types"], "files" in hook) == ("cnncalc check", ["yaml"], False)
    for text, code in ((GOOD, 0), ("on: push\n", 2)):
        (tmp_path / "net.yaml").write_text(text)
        assert process(*hook["entry"].split()[1:], str(tmp_path / "net.yaml")).returncode == code


def test_the_projects_own_file() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-config", str(ROOT / ".pre-commit-config.yaml")],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
