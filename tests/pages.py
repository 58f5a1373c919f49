"""The sessions of README and docs, run as printed: ``python -m tests.pages`` rewrites them with the current output.

Read the changes before you commit them: after rewriting, the tests pass, whether the output is right or not.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from tests.commands import on_a_terminal

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
COLUMNS = 96
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^`([\w.-]+)`[^\n]*:\n\n```(?:yaml|sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Step(NamedTuple):
    """One command of a session and its output on the page, in which a line ``…`` stands for any lines."""

    command: str
    expected: str


def files(text: str) -> dict[str, str]:
    """Return the files that a page shows, by name."""
    return dict(_FILE.findall(text))


def sessions(text: str) -> Iterator[list[Step]]:
    """Return a page's sessions: blocks of commands behind ``$`` with their output."""
    for block in _BLOCK.findall(text):
        steps = []
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, expected = [], part.split("\n")
            while expected:
                command.append(expected.pop(0).removeprefix("> "))
                if not command[-1].endswith("\\"):
                    break
            steps.append(Step("\n".join(command), "\n".join(expected)))
        yield steps


def run(command: str, folder: Path) -> str:
    """Run a command in bash, on a terminal without colours, and return the terminal's text."""
    tools = folder / ".tools"
    if not tools.exists():
        tools.mkdir()
        script = tools / "cnncalc"
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cnncalc "$@"\n')
        script.chmod(0o755)
    return on_a_terminal(
        ["bash", "-c", command],
        folder,
        COLUMNS,
        PATH=f"{tools}:{os.environ['PATH']}",
        PYTHONPATH=str(ROOT),
        NO_COLOR="1",
        LC_ALL="C.UTF-8",
    )


def runnable(command: str) -> bool:
    """Return whether this machine has the tools that a command pipes into, and the engine that it names."""
    if "--against" in command and find_spec("onnxruntime") is None:
        return False
    return all(shutil.which(tool) for tool in ("jq",) if re.search(rf"\b{tool}\b", command))


def matches(expected: str, actual: str) -> bool:
    """Return whether an output is the expected one, in which a line ``…`` stands for any lines."""
    pattern = re.escape(expected).replace("…\\\n", "(?:.*\n)*?")
    return re.fullmatch(pattern, actual) is not None


def write_files(text: str, folder: Path) -> None:
    """Write the files that README shows into a folder, and then those that the page shows."""
    for name, body in (files(README.read_text(encoding="utf-8")) | files(text)).items():
        (folder / name).write_text(body, encoding="utf-8")


def rewritten(text: str) -> str:
    """Return a page with the current output of its sessions."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(text, folder)
        for steps in sessions(text):
            for step in steps:
                if not runnable(step.command):
                    continue
                actual = run(step.command, folder)
                if not matches(step.expected, actual):
                    prompt = "$ " + step.command.replace("\n", "\n> ")
                    text = text.replace(f"{prompt}\n{step.expected}", f"{prompt}\n{actual}", 1)
    return text


def main() -> None:
    chosen = [Path(name).resolve() for name in sys.argv[1:]] or PAGES
    for page in chosen:
        text = page.read_text(encoding="utf-8")
        page.write_text(rewritten(text), encoding="utf-8")


if __name__ == "__main__":
    main()
