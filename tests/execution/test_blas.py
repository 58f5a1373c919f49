"""NumPy's BLAS: its kind is recognised; its number of threads is set, and set back."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from typing import Any

import pytest

from cnncalc.execution.kernels import blas


class Library:
    """A BLAS as threadpoolctl shows it."""

    def __init__(self, architecture: str | None, threads: int = 4) -> None:
        if architecture:
            self.architecture = architecture
        self.threads = threads

    def get_num_threads(self) -> int:
        return self.threads

    def set_num_threads(self, threads: int) -> None:
        self.threads = threads


def found(monkeypatch: pytest.MonkeyPatch, *libraries: Library) -> blas.Blas:
    class Controller:
        def __init__(self) -> None:
            self.lib_controllers = list(libraries)

        def select(self, **_: Any) -> Any:
            return self

    monkeypatch.setattr(blas, "ThreadpoolController", Controller)
    return blas.Blas()


@pytest.mark.parametrize(
    ("core", "unpacked"), [("SkylakeX", True), ("Cooperlake", True), ("Haswell", False), (None, False)]
)
def test_a_library(core: str | None, unpacked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    library, other = Library(core), Library(core, threads=1)
    known = found(monkeypatch, library, other)
    assert known
    assert known.unpacked is unpacked
    with suppress(ZeroDivisionError), known.held(1):
        assert (library.threads, other.threads) == (1, 1)
        _ = 1 // 0
    assert (library.threads, other.threads) == (4, 1)


def test_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    known = found(monkeypatch)
    assert not known
    assert not known.unpacked


def test_a_processor_without_avx_512() -> None:
    code = "import numpy; from cnncalc.execution.kernels.blas import blas; print(bool(blas()), blas().unpacked)"
    environment = os.environ | {"OPENBLAS_CORETYPE": "Haswell"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "True False"
