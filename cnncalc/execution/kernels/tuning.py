"""Every tuning constant of the kernels, with the measurement that it came from.

``python benchmarks/tune.py`` measures them again.  The figures are of one core of an AMD EPYC (Zen 4, AVX-512) and of
an Intel Xeon (Skylake-SP), NumPy 2 with OpenBLAS 0.3; none changes a result, all change how long it takes.
"""

from __future__ import annotations

BLOCK = 1 << 17
"""Elements of a block that is worked on while it stays in the second-level cache: half a megabyte of float32.  Blocks
of 2¹⁵ elements are 8 % slower (calls), of 2¹⁹ 15 % (cache misses) over the five networks of benchmarks/executor.py."""

GEMM_FROM_ROWS = 64
"""Rows from which a linear layer is multiplied as a convolution is, by packed filters; below, the product reads the
weight once as it lies, and memory, not arithmetic, is what it takes."""

MOST_WORK_UNPACKED = 10**6
"""Rows · depth · columns up to which OpenBLAS multiplies without packing: SMALL_MATRIX_OPT in its interface/gemm.c."""

WIDEST_PANEL = 128
"""Columns of a panel of filters; wider ones leave room for fewer rows than the kernel takes at a time."""

ROWS_UNROLLED = 6
"""Rows that OpenBLAS' kernel for small matrices takes at a time."""

BEST_ROWS = (49, 4 * ROWS_UNROLLED, 2 * ROWS_UNROLLED)
"""Rows for which a panel should leave room, the best first: 49 are a map of 7×7."""

ROW_OPERATION = 4200
"""Elements from which NumPy reads a repeated row where it lies; a shorter one it copies first (its buffer has 8,192
elements, of two operands)."""

DEPTHWISE_RUN = 1 << 12
"""Elements of a depthwise run, or somewhat less: for them the filter is repeated, and should stay in the cache."""

DEPTHWISE_LANES_BELOW = 128
"""Channels below which the run of a single column is too short, so that a stride is taken in lanes."""

SHALLOW_UP_TO = 4
"""Channels of an input whose windows are unrolled once for each of its lines: a picture's."""

SHALLOW_FROM_COLUMNS = 8
"""Columns of an output from which that pays."""

WINOGRAD_TILES = 64
"""Tiles of a block: as many rows has each of its matrix products."""

WINOGRAD_PACKED = 1 << 13
"""Channels of filters that are transformed at a time, so that packing takes little memory."""

WINOGRAD_SMALLEST = 7
"""Positions along the shorter axis below which most of a tile would hang over."""

WINOGRAD_WIDE_MAP = 12
WINOGRAD_CHANNELS = {True: 32, False: 128}
"""Channels (in and out) from which the products outweigh the transforms: on maps of WINOGRAD_WIDE_MAP positions and
more, and on smaller ones."""

WINOGRAD_LARGE_TILES = 24
"""Positions from which F(4×4, 3×3) beats F(2×2, 3×3)."""

MACS_PER_MICROSECOND = 40_000
ELEMENTS_PER_MICROSECOND = 2_000
"""What one core does in a microsecond: multiply-accumulates, and elements that it reads, changes and writes."""

WAKING = 150.0
"""Microseconds until another thread has begun."""

WORTH_SHARING = 500.0
"""Microseconds of work from which another thread is woken."""

BLOCKS_A_THREAD = 3
"""Blocks for each thread where work is shared, so that the faster thread can take more of them."""

OUR_THREADS_FROM = 10**7
"""Multiply-accumulates of a network's mean contraction from which our threads beat those of a BLAS that packs."""

MOST_KEPT = 512
"""Blocks of a stage whose calls are kept for the next pass; more are bound anew, which costs them little."""

ERF_STEPS = 1024
"""Grid points of one unit in the table of the error function: cubic terms are below a float32's last bit."""

ERF_CHUNK = 1 << 15
"""Elements of which erf is evaluated at a time, so that what comes between stays in the cache."""
