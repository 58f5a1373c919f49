"""The time that hostile inputs may take in a test; ``benchmarks/hostile.py`` measures the time that they do take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time

PATIENCE = 20.0
"""Seconds of CPU: bounded work takes one or two, and without its bound minutes or hours."""


@contextmanager
def ends_soon() -> Iterator[None]:
    """Assert that a ``with`` block takes less than :data:`PATIENCE`."""
    began = process_time()
    yield
    assert process_time() - began < PATIENCE
