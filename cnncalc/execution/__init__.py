"""Real tensors: run a network in NumPy and hold every actual shape against the inferred one."""

from __future__ import annotations

import os

BLAS_VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def hold_blas() -> None:
    """Hold the BLAS that NumPy will load to one thread: ours share the work.  Only before NumPy is imported."""
    os.environ.update(dict.fromkeys(BLAS_VARIABLES, "1"))
