"""Every tuning constant of the executor, with the measurement that supports it.

``python benchmarks/tune.py`` measures again: it gives the time of a repeated pass with other values as a multiple of
the time with ours, and the bytes behind the prediction of memory. These figures are from one shared core of an AMD EPYC
with AVX-512, NumPy 2.4 and OpenBLAS 0.3.31; differences of 2 % are noise there. Constants change results only in the
last bits.
"""

from __future__ import annotations

BLOCK = 1 << 17
"""Elements of a block that is worked on while it stays in the second-level cache: half a megabyte of float32.
ResNet-50: 2¹⁵ takes 1.04 times as long, 2¹⁶ 1.01, 2¹⁸ and 2¹⁹ 0.99, for four times the scratch memory."""

GEMM_FROM_ROWS = 64
"""Rows from which a linear layer is multiplied as a convolution is, by packed filters; below, the product reads the
unpacked weight once, and its time is that of memory, not of arithmetic.  LeNet-5, batch 32: 16 takes 1.00, 256 1.02.
"""

MOST_WORK_UNPACKED = 10**6
"""Rows · depth · columns up to which OpenBLAS multiplies without packing: SMALL_MATRIX_OPT in its interface/gemm.c.
ResNet-50: 10⁵ takes 1.20, 4 · 10⁶ 1.10."""

WIDEST_PANEL = 128
"""Columns of a panel of filters; wider ones leave room for fewer rows.  ResNet-50: 64 takes 0.98, 256 1.02."""

ROWS_UNROLLED = 6
"""Rows that OpenBLAS' kernel for small matrices takes at a time (kernel/x86_64/sgemm_small_kernel_nn_skylakex.c)."""

BEST_ROWS = (49, 4 * ROWS_UNROLLED, 2 * ROWS_UNROLLED)
"""Numbers of rows for which a panel should leave room, the best first: 49 are a map of 7×7.
ResNet-50: without 49 it takes 1.01, 49 alone 1.00."""

ROW_OPERATION = 4200
"""Elements from which NumPy reads a repeated row in place; shorter ones it copies first (its buffer has 8,192 elements,
of two operands).  MobileNetV2: 1000 takes 1.04, 16000 1.02.
"""

DEPTHWISE_RUN = 1 << 12
"""Elements of a depthwise run, or somewhat less: the filter is repeated that often, and should stay in the cache.
MobileNetV2: 2¹⁰ takes 1.03, 2¹⁴ 1.00, for filters four times as large."""

DEPTHWISE_LANES_BELOW = 128
"""Channels below which the run of a single column is too short, so that a stride is taken in lanes.
MobileNetV2: never 1.02, below 512 1.01."""

SHALLOW_UP_TO = 4
"""Most channels of an input whose windows are unrolled once per line, as for pictures.
ResNet-18: never 1.04, up to 16 1.01."""

SHALLOW_FROM_COLUMNS = 8
"""Fewest columns of an output for which that is done: fewer would make the product too narrow.
ResNet-8, whose maps are of 32×32 and less: 1 takes 1.02, 64 1.05."""

WINOGRAD_TILES = 64
"""Tiles of a block, which is the number of rows of each of its matrix products.  VGG-16: 32 takes 1.07, 128 0.98, for
twice the scratch memory.
"""

WINOGRAD_PACKED = 1 << 13
"""Channels of filters that are transformed at a time, so that packing takes a few megabytes at most."""

WINOGRAD_SMALLEST = 7
"""Positions along the shorter axis from which Winograd's algorithm is used.  ResNet-18: 14 takes 1.15."""

WINOGRAD_WIDE_MAP = 12
WINOGRAD_CHANNELS = {True: 32, False: 128}
"""Channels (in and out) from which the products outweigh the transforms: on maps of WINOGRAD_WIDE_MAP positions and
more, and on smaller ones.  ResNet-18, whose channels are many on small maps: from 6 positions it takes 1.01, from 28
1.00; with half as many channels 1.00, with three times as many 1.23."""

WINOGRAD_LARGE_TILES = 24
"""Positions from which F(4×4, 3×3) takes the place of F(2×2, 3×3).  ResNet-18: 12 takes 1.01, 56 1.04."""

MACS_PER_MICROSECOND = 40_000
ELEMENTS_PER_MICROSECOND = 2_000
"""Work of one core per microsecond: multiply-accumulates, and elements read, changed and written. Rough values are
enough to decide what is worth sharing.
"""

WAKING = 150.0
"""Microseconds until another thread starts."""

WORTH_SHARING = 500.0
"""Microseconds of work from which another thread is woken: a little more than three wakings."""

BLOCKS_A_THREAD = 3
"""Blocks for each thread where work is shared, so that the faster thread can take more of them."""

OUR_THREADS_FROM = 10**7
"""Mean multiply-accumulates of a network's contractions from which our threads share the blocks, if BLAS packs; below,
waking them is usually not worth it.
"""

MOST_KEPT = 512
"""Blocks of a stage whose calls are kept for the next pass; more are bound anew, which costs them little.
VGG-16: keeping none takes 1.08."""

MOST_AHEAD = 16
"""Blocks of a stage that are bound before they run, if there will be no other pass."""

ERF_STEPS = 1024
"""Grid points of one unit in the table of the error function; see `special.erf` for what that leaves."""

LONG_SUM = 1024
"""Places up to which the mean of a channel is one sum: its error grows with their number, or its root."""

FUNCTION_CHUNK = 1 << 15
"""Elements for which erf and others are evaluated at a time, so that intermediate results stay in the cache.
ConvNeXt-T: 2¹² takes 1.24, 2¹⁸ 0.97, for eight times the temporary memory."""

MOST_READS_AHEAD = 4096
"""Arrays that steps which are bound ahead may read.  Each takes a call of some 1.7 KB: a network with 100,000 of them
took 164 MiB more than it had announced when all were bound at once, and nothing more in portions of this size."""

MOST_SORTED = 1500
"""Pieces of memory up to which all are compared with each other when they are laid out; more take gaps in order of
birth.  That takes 1.00 times the memory for ResNet-50, 1.13 for MobileNetV2, 1.50 for DenseNet-121; comparing takes
0.15 s if all 1,500 are alive at one time, and 1.9 s for 5,000.
"""

# --- memory that a run is predicted to take -------------------------------------------------------------------------

OWN_BYTES = 4 << 20
"""Other objects of the executor, modules that are imported while it runs, and overhead of the allocator: LeNet-5
takes 1.1 MB of the 11 MB that are predicted."""

BLAS_BYTES = 5 << 20
"""What OpenBLAS touches of its buffer and of its code, for each thread: 4.7 MB for products of 2048×2048."""

KEPT_BYTES = 1 << 20
"""Freed memory that the allocator keeps, for each thread: 0.2 to 0.4 MB."""

CALL_BYTES = 1500
STEP_BYTES = 2000
HELD_BYTES = 2000
"""A call that is kept, with its views; a step's own objects; those that hold an input, or a contraction's weights.
A layer of a long chain takes 2,900 bytes of 3,500 predicted (sigmoid, one call), 6,200 of 6,600 (batchnorm, three);
3,900 of 16,000 (linear) and 9,500 of 22,800 (conv of 3×3), of whose calls most are made for large maps only."""

TEMPORARIES = 4
"""Arrays as large as its output that a layer makes if NumPy computes it as a whole: 1.25 for prelu, the most of the
types without arguments."""
