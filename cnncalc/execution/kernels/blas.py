"""How many threads NumPy's BLAS takes for one product: one where ours share the work, several where they don't."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


class Blas:
    """The OpenBLAS libraries that this process has loaded; none on systems other than Linux, or with another BLAS."""

    def __init__(self) -> None:
        """Look for them."""
        self._controls = [control for path in _paths() if (control := _control(path))]

    def __bool__(self) -> bool:
        """Tell whether threads can be set."""
        return bool(self._controls)

    @contextmanager
    def held(self, threads: int) -> Iterator[None]:
        """Take so many threads for each product within, and as many as before afterwards."""
        before = [get() for get, _ in self._controls]
        for _, put in self._controls:
            put(threads)
        try:
            yield
        finally:
            for (_, put), count in zip(self._controls, before, strict=True):
                put(count)


@cache
def blas() -> Blas:
    """Return the process's BLAS."""
    return Blas()


def _paths() -> list[str]:
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            return sorted({line.split(maxsplit=5)[5].strip() for line in maps if "openblas" in line})
    except OSError:
        return []


def _control(path: str) -> tuple[Callable[[], int], Callable[[int], Any]] | None:
    """Return the functions of a library that get and set its threads, under whichever name it was built with."""
    library = ctypes.CDLL(path)
    for name in ("scipy_openblas_{}_num_threads64_", "openblas_{}_num_threads64_", "openblas_{}_num_threads"):
        get, put = (getattr(library, name.format(verb), None) for verb in ("get", "set"))
        if get is not None and put is not None:
            return get, put
    return None
