"""The command as a user runs it: the real entry point, in this process or in one of its own."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from cnncalc.__main__ import main

COLOR = {"NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"}


class Done(NamedTuple):
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


def cnncalc(*arguments: str, stdin: str | bytes = "", columns: int | None = None) -> Done:
    """Run ``cnncalc`` through its entry point, in this process."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    streams: dict[str, Any] = {
        "stdin": io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"),
        "stdout": io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True),
        "stderr": io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True),
    }
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    if columns is not None:
        environment["COLUMNS"] = str(columns)
    with (
        mock.patch.multiple(sys, argv=["cnncalc", *arguments], **streams),
        mock.patch.dict(os.environ, environment, clear=True),
    ):
        code = main()
    out, err = (streams[name].buffer.getvalue().decode() for name in ("stdout", "stderr"))
    return Done(code, out, err)


def process(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run ``cnncalc`` in a process of its own."""
    command = [sys.executable, "-m", "cnncalc", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)  # type: ignore[call-overload, no-any-return]


def on_a_terminal(command: list[str], cwd: Path | None = None, columns: int = 100, **environment: str) -> str:
    """Run a command with a terminal of some width for its output, and return what the terminal gets."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("4H", 50, columns, 0, 0))
    variables = {name: value for name, value in os.environ.items() if name not in COLOR | {"COLUMNS"}}
    with subprocess.Popen(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
        env={**variables, "TERM": "xterm-256color", **environment},
    ):
        os.close(follower)
        parts = []
        try:
            while part := os.read(leader, 65536):
                parts.append(part)
        except OSError:  # the other end is closed
            pass
        os.close(leader)
    return b"".join(parts).decode().replace("\r\n", "\n")
