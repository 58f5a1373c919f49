"""How many threads NumPy's BLAS takes for one product: one where ours share the work, several where they don't."""

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
        """Look for them."""
        self._libraries: list[Any] = ThreadpoolController().select(user_api="blas").lib_controllers
        cores = [getattr(library, "architecture", None) for library in self._libraries]
        self.unpacked = bool(cores) and all(core in UNPACKED for core in cores)
        """Whether small matrices are multiplied where they lie, without being packed first."""

    def __bool__(self) -> bool:
        """Return whether threads can be set."""
        return bool(self._libraries)

    @contextmanager
    def held(self, threads: int) -> Iterator[None]:
        """Take so many threads for each product within, and as many as before afterwards."""
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
