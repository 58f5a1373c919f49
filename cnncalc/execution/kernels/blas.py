"""How many threads NumPy's BLAS takes for one product: one where ours share the work, several where they don't."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

UNPACKED = ("SkylakeX", "Cooperlake", "SapphireRapids")  # those with AVX-512: kernel/x86_64/KERNEL.SKYLAKEX


class Blas:
    """The OpenBLAS libraries that this process has loaded; none on systems other than Linux, or with another BLAS."""

    def __init__(self) -> None:
        """Look for them."""
        libraries = [ctypes.CDLL(path) for path in _paths()]
        self._controls = [control for library in libraries if (control := _control(library))]
        self.unpacked = bool(libraries) and all(_core(library) in UNPACKED for library in libraries)
        """Whether small matrices are multiplied where they lie, without being packed first."""

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


def _control(library: ctypes.CDLL) -> tuple[Callable[[], int], Callable[[int], Any]] | None:
    """Return the functions of a library that get and set its threads."""
    get, put = _function(library, "get_num_threads"), _function(library, "set_num_threads")
    return None if get is None or put is None else (get, put)


def _core(library: ctypes.CDLL) -> str:
    """Return the name of the processor that a library's kernels are made for."""
    name = _function(library, "get_corename")
    if name is None:
        return ""
    name.restype = ctypes.c_char_p
    return str(name().decode())


def _function(library: ctypes.CDLL, name: str) -> Any:
    """Return a function under whichever name the library was built with; None where it has none."""
    for pattern in ("scipy_openblas_{}64_", "openblas_{}64_", "openblas_{}"):
        found = getattr(library, pattern.format(name), None)
        if found is not None:
            return found
    return None
