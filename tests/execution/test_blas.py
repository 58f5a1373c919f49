"""What is known of NumPy's BLAS, under each of the names that its libraries are built with."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from cnncalc.execution.kernels import blas


class Function:
    """A function of a shared library."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, *given: int) -> Any:
        if given:
            (self.value,) = given
        return self.value


@pytest.mark.parametrize("pattern", ["scipy_openblas_{}64_", "openblas_{}64_", "openblas_{}"])
@pytest.mark.parametrize(("core", "unpacked"), [("SkylakeX", True), ("Cooperlake", True), ("Haswell", False)])
def test_a_library(pattern: str, core: str, unpacked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = Function(4)
    named = {"get_num_threads": threads, "set_num_threads": threads, "get_corename": Function(core.encode())}
    library = type("Library", (), {pattern.format(name): function for name, function in named.items()})
    monkeypatch.setattr(blas, "_paths", lambda: ["libopenblas.so"])
    monkeypatch.setattr(blas.ctypes, "CDLL", lambda path: library)
    known = blas.Blas()
    assert known
    assert known.unpacked is unpacked
    with known.held(1):
        assert threads.value == 1
    assert threads.value == 4


def test_another_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "_paths", list)
    assert not blas.Blas()
    assert not blas.Blas().unpacked
    monkeypatch.setattr(blas, "_paths", lambda: ["libopenblas.so"])
    monkeypatch.setattr(blas.ctypes, "CDLL", lambda path: object())
    assert not blas.Blas(), "a library that has none of the functions"
    assert not blas.Blas().unpacked


def test_a_processor_without_avx_512() -> None:
    code = "import numpy; from cnncalc.execution.kernels.blas import blas; print(blas().unpacked)"
    environment = os.environ | {"OPENBLAS_CORETYPE": "Haswell"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "False"
