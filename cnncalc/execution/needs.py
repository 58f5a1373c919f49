"""Predict the memory of a run before it starts: each kernel declares what it holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cnncalc.execution.kernels import Kernels
from cnncalc.execution.kernels.kernel import HeldWeight, Kernel
from cnncalc.execution.kernels.team import Team
from cnncalc.execution.kernels.tuning import BLOCK, GEMM_FROM_ROWS, MOST_AHEAD, MOST_KEPT, ROW_OPERATION
from cnncalc.execution.layout import joins_channels, layout
from cnncalc.execution.machine import available, resident
from cnncalc.execution.plan import Step, is_contraction, steps
from cnncalc.ground.errors import ArgumentError, CnncalcError
from cnncalc.ground.numbers import bytes_text
from cnncalc.layers.base import LayerError
from cnncalc.layers.merge._elementwise import ElementwiseMerge

if TYPE_CHECKING:
    from cnncalc.execution.kernels.kernel import Shape
    from cnncalc.graph import Graph, Node
    from cnncalc.layers.ops import Array, DType

OWN = 4 << 20  # bytes of the executor's objects, and overhead of the allocator
BLAS = 3 << 20  # bytes of its buffer that OpenBLAS touches, for each thread
KEPT = 1 << 20  # bytes of freed memory that the allocator keeps for each thread
CALL = 1500  # bytes of a call that is kept, its views included
CALLS = 12  # of a block, at most
TEMPORARIES = 4  # arrays as large as its output that a layer makes if NumPy computes it as a whole


class Needs(NamedTuple):
    """Bytes that a run takes.

    Attributes:
        process: bytes used before the run: Python and NumPy.
        inputs: the input arrays, including unread ones, and memory for reading and converting them.
        weights: parameters and buffers, and the constants they are computed from, if those take more than everything
            after them.
        packing: additional bytes of packed filters: 3 times their plain size more for Winograd's
            F(4×4, 3×3) and 0.8 times for F(2×2, 3×3), a run of columns for a depthwise filter; and the largest
            filters once more, which are there twice while they are packed.
        activations: the memory layout of tensors, and tensors that outlive the run.
        scratch: blocks in progress, for all threads, and temporary arrays of a layer while it runs.
    """

    process: int
    inputs: int
    weights: int
    packing: int
    activations: int
    scratch: int

    @property
    def total(self) -> int:
        """The predicted peak."""
        return sum(self)


def needs(
    network: Graph, batch: int, dtype: DType, threads: int, *, inputs: int | None = None, keep: Collection[Node] = (),
    fuse: bool = True, repeats: bool = False, pieces: bool = False,
) -> Needs:  # fmt: skip
    """Predict the memory of a run from the inferred shapes.

    Args:
        network: what is run.
        batch: samples.
        dtype: float32 or float64.
        threads: how many work.
        inputs: bytes that reading and converting given inputs takes; None for random ones.
        keep: layers whose outputs are kept, too.
        fuse: whether several layers may be one step.
        repeats: whether calls are kept for another pass.
        pieces: whether matrix products are split, see `Filters`.
    """
    if inputs is None:  # drawn in float32, then converted
        elements = sum(tensor.elements(batch) for tensor in network.inputs.values())
        inputs = elements * (dtype.itemsize + (4 if dtype.itemsize != 4 else 0))
    plan = steps(network, keep, fuse)
    kernels = kernels_of(plan, batch, dtype, pieces)
    rooms = [kernel.room if kernel else 0 for kernel in kernels]
    laid = layout(network, plan, set(keep), batch, dtype.itemsize, rooms)
    outside = sum(node.elements(batch) for node in {*keep}) + sum(t.elements(batch) for t in network.outputs.values())
    weights = sum(node.params + node.buffers for node in network.nodes)
    most = MOST_KEPT if repeats else MOST_AHEAD
    blocks = sum(min(_blocks(kernel), most) for kernel in kernels if kernel)
    scratch = threads * (most_scratch(kernels, dtype.itemsize) + BLAS + KEPT) + OWN + blocks * CALL * CALLS
    pairs = zip(plan, kernels, strict=True)
    activated = max((_activated(step, kernel) for step, kernel in zip(plan, kernels, strict=True)), default=0)
    scratch += threads * activated * dtype.itemsize
    scratch += max((_beside(step, batch, fuse) for step, kernel in pairs if not kernel), default=0) * dtype.itemsize
    packing, activations = _packing(plan, kernels) * dtype.itemsize, laid.size + outside * dtype.itemsize
    computing = max(0, network.beside_stored() - packing - activations - scratch)  # before those are there
    return Needs(resident(), inputs, weights * dtype.itemsize + computing, packing, activations, scratch)


class _Probe(Kernels):
    """Operations on arrays without memory, to find the kernel that a layer uses."""

    def perform(
        self, kernel: Kernel, inputs: Sequence[Array], weight: HeldWeight | None = None, bias: HeldWeight | None = None
    ) -> Array:
        """Raise the kernel as an exception."""
        raise _FoundError(kernel)


class _FoundError(Exception):
    """Carries the kernel that a layer uses."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__()
        self.kernel = kernel


def kernels_of(plan: Sequence[Step], batch: int, dtype: DType, pieces: bool) -> list[Kernel | None]:
    """Return the kernel of each step, if the inferred shapes determine it, or else None."""
    probe = _Probe(Team(1, pieces))
    return [_kernel_of(step, batch, dtype, probe) for step in plan]


def _kernel_of(step: Step, batch: int, dtype: DType, probe: _Probe) -> Kernel | None:
    node = step.carrier
    if not node.layer.one_kernel:
        return None
    zero = np.zeros(1, dtype)
    try:
        inputs = [
            _stretched(zero, (tensor.copies(batch), *shape))
            for tensor, shape in zip(step.carrier.inputs, node.use.inputs, strict=True)
        ]
        weights = {name: _stretched(zero, weight.shape) for name, weight in node.use.weights.items()}
        node.layer.forward(probe, *inputs, **weights)
    except _FoundError as found:
        kernel = found.kernel
    except (
        ValueError,
        IndexError,
        LayerError,
    ):  # a wrong shape rule, which the run will report, or a size that NumPy can't index
        return None
    else:
        return None
    if is_contraction(node.layer) and step.before and step.before[0].layer.is_affine():
        from cnncalc.execution.kernels.convolution import PointConvolution, Prepared

        if not isinstance(kernel, PointConvolution):
            channels_last = (inputs[0].shape[0], *inputs[0].shape[2:], inputs[0].shape[1])
            return Prepared(kernel, channels_last)
    return kernel


def _stretched(zero: Array, shape: Shape) -> Array:
    """Return an array of a shape whose elements all share one element of memory."""
    return np.ndarray(shape, zero.dtype, zero, 0, (0,) * len(shape))


def most_scratch(kernels: Sequence[Kernel | None], itemsize: int) -> int:
    """Return the bytes of scratch memory that each thread needs."""
    return max((kernel.places(itemsize).size for kernel in kernels if kernel), default=0)


def _packing(plan: Sequence[Step], kernels: Sequence[Kernel | None]) -> int:
    """Return the additional elements of packed weights, the plain ones being freed one by one."""
    packed = 0
    largest = 0  # a weight is in memory twice while it is packed
    for step, kernel in zip(plan, kernels, strict=True):
        node = step.carrier
        if kernel is None or (not is_contraction(node.layer) and node.layer.type != "conv_transpose"):
            continue
        plain = prod(node.use.weights["weight"].shape)
        packed += kernel.more + (plain if node.shares else 0)
        scaled = any(other.layer.is_affine() for other in step.after)
        if node.layer.type == "linear" and prod(kernel.shape[:-1]) < GEMM_FROM_ROWS and not scaled:
            continue  # not packed
        largest = max(largest, plain)
        if "bias" in node.use.weights or step.after:
            packed += min(2 * ROW_OPERATION, prod(kernel.shape)) + kernel.shape[-1]
    return packed + largest


def _beside(step: Step, batch: int, fuse: bool) -> int:
    """Return the temporary elements of a layer that NumPy computes as a whole."""
    node = step.carrier
    layer = node.layer
    if layer.is_view or layer.aliases or joins_channels(node) or (fuse and layer.is_affine()):
        return 0
    if (layer.pointwise and not node.use.weights) or (isinstance(layer, ElementwiseMerge) and layer.ufunc):
        return 0
    largest = max([node.elements(batch), *(tensor.elements(batch) for tensor in step.inputs)])
    weights = sum(prod(weight.shape) for weight in node.use.weights.values())
    return TEMPORARIES * largest + weights + node.macs(batch) // max(node.shape[0], 1)


def _activated(step: Step, kernel: Kernel | None) -> int:
    """Return the temporary elements per thread for the activation of a block of a contraction's output."""
    layers = [node.layer for node in step.after]
    activations = [one for one in layers if one.pointwise and not one.is_affine() and one.clamps() is None]
    if kernel is None or not activations:
        return 0
    return TEMPORARIES * min(2 * BLOCK, prod(kernel.shape))


def _blocks(kernel: Kernel) -> int:
    """Return the approximate number of a kernel's blocks."""
    used = sum(kernel.scratch.values())
    return 1 + prod(kernel.shape) // max(used, 1 << 14)


def require(needed: Needs, limit: int | None, threads: int) -> None:
    """Refuse a run that does not fit.

    Args:
        needed: the prediction.
        limit: bytes that the whole process may take; None for what it has plus the machine's free memory.
        threads: how many work.

    Raises:
        CnncalcError: with the figures.
    """
    free = available(threads) if limit is None else None
    if limit is None and free is not None:
        limit = needed.process + free
    if limit is None or needed.total <= limit:
        return
    parts = [f"{name} {bytes_text(figure)}" for name, figure in needed._asdict().items() if figure]
    message = f"the run needs {bytes_text(needed.total)} ({', '.join(parts)}), more than "
    if free is not None:
        hint = "a smaller input or batch needs less; max_memory sets another limit"
        raise CnncalcError(f"{message}the {bytes_text(limit)} that the machine has free", hint)
    raise ArgumentError("max_memory", f"{message}{bytes_text(limit)}", "a smaller input or batch needs less")
