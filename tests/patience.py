"""How long what must end soon may take in a test; how long it does take is for ``benchmarks/hostile.py`` to measure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time

PATIENCE = 20.0
"""Seconds of CPU: what is held against it takes one or two at most, and minutes or hours without its bound."""


@contextmanager
def ends_soon() -> Iterator[None]:
    """Hold what is done in a ``with`` block against :data:`PATIENCE`."""
    began = process_time()
    yield
    assert process_time() - began < PATIENCE
