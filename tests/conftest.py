"""Settings for all tests."""

from __future__ import annotations

import signal

import pytest
from hypothesis import HealthCheck, settings

from tests.commands import COLOR

settings.register_profile("a shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("a shared machine")


def pytest_configure() -> None:
    """Let commands be interrupted: a shell starts what it puts into the background with Ctrl-C ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_wishes_about_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove variables of the user's shell or of a CI server, which would change colours."""
    for name in COLOR:
        monkeypatch.delenv(name, raising=False)
