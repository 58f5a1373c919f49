"""Run a network on real tensors in NumPy and compare every actual shape with the inferred one."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from mmap import mmap

from cnncalc.ground.errors import CnncalcError

BLAS_VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

ADDRESSES = 128 << 20
"""Bytes that NumPy and its BLAS may map: 66 MiB measured with NumPy 2.4 and OpenBLAS 0.3.31 on Linux, and 34 MiB for
the first product. Without them the OpenBLAS of NumPy 1.24 retries for ever; `machine.THREAD` is for other threads."""


def load_numpy() -> None:
    """Import NumPy with its BLAS limited to one thread, because our own threads share the work. Call it before anything
    else imports NumPy.

    Raises:
        CnncalcError: if there is too little memory for it, or it is broken.
    """
    if "numpy" in sys.modules:
        return
    os.environ.update(dict.fromkeys(BLAS_VARIABLES, "1"))
    try:
        with mmap(-1, ADDRESSES):  # OpenBLAS ends the process if memory is too small
            pass
        with signals_wait():
            import numpy  # noqa: F401
    except (ImportError, MemoryError, OSError, SystemError) as error:  # any of them may mean too little memory
        raise CnncalcError(f"NumPy can't be loaded: {_reason(error)}", "is there too little memory?") from None


@contextmanager
def signals_wait() -> Iterator[None]:
    """Delay Ctrl-C and other signals to the end of the block: in their imports NumPy and ONNX Runtime would report one
    as a broken installation.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _reason(error: BaseException) -> str:
    """Return an error's last line, where NumPy names the cause of a failed import."""
    return (str(error).strip() or type(error).__name__).splitlines()[-1].strip()
