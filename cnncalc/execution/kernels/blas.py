"""Set the number of threads of NumPy's BLAS: one if our own threads share the work, several if they don't."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

UNPACKED = ("SkylakeX", "Cooperlake", "SapphireRapids")
"""OpenBLAS' kernels with AVX-512, which multiply small matrices where they lie (kernel/x86_64/KERNEL.SKYLAKEX)."""


class Blas:
    """The BLAS libraries that this process has loaded, as threadpoolctl finds them on every system."""

    def __init__(self) -> None:
        """Find the libraries."""
        self._libraries: list[Any] = ThreadpoolController().select(user_api="blas").lib_controllers
        cores = [getattr(library, "architecture", None) for library in self._libraries]
        self.unpacked = bool(cores) and all(core in UNPACKED for core in cores)
        """Whether small matrices are multiplied where they lie, without being packed first."""

    def __bool__(self) -> bool:
        """Return whether threads can be set."""
        return bool(self._libraries)

    @contextmanager
    def held(self, threads: int) -> Iterator[None]:
        """Use this many threads per product inside the block, and the previous number afterwards."""
        changed = [(library, count) for library in self._libraries if (count := library.get_num_threads()) != threads]
        for library, _ in changed:
            library.set_num_threads(threads)
        try:
            yield
        finally:
            for library, count in changed:
                library.set_num_threads(count)


@cache
def blas() -> Blas:
    """Return the process's BLAS."""
    return Blas()
