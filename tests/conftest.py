"""What holds for all tests."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Let commands be interrupted: a shell starts what it puts into the background with Ctrl-C ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
