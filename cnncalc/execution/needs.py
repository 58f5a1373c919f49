"""Predict the memory of a run before it starts: each kernel declares what it holds."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from cnncalc.execution.kernels.kernel import Kernel
from cnncalc.execution.machine import available, resident
from cnncalc.execution.plan import Step, is_contraction
from cnncalc.execution.planning import RunPlan
from cnncalc.execution.tuning import (
    BLAS_BYTES,
    BLOCK,
    CALL_BYTES,
    GEMM_FROM_ROWS,
    HELD_BYTES,
    KEPT_BYTES,
    MOST_AHEAD,
    MOST_KEPT,
    MOST_READS_AHEAD,
    OWN_BYTES,
    ROW_OPERATION,
    STEP_BYTES,
    TEMPORARIES,
)
from cnncalc.ground.errors import ArgumentError, CnncalcError
from cnncalc.ground.numbers import bytes_text


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


def needs(plan: RunPlan, threads: int, *, inputs: int | None = None, repeats: bool = False) -> Needs:
    """Predict the memory of a run from the inferred shapes.

    Args:
        plan: the plan of the run.
        threads: how many work.
        inputs: bytes that reading and converting given inputs takes; None for random ones.
        repeats: whether calls are kept for another pass.
    """
    network, batch, dtype, keep = plan.network, plan.batch, plan.dtype, plan.keep
    if inputs is None:  # drawn in float32, then converted
        elements = sum(tensor.elements(batch) for tensor in network.inputs.values())
        inputs = elements * (dtype.itemsize + (4 if dtype.itemsize != 4 else 0))
    outside = sum(node.elements(batch) for node in {*keep}) + sum(t.elements(batch) for t in network.outputs.values())
    weights = sum(node.params + node.buffers for node in network.nodes)
    pairs = list(zip(plan.steps, plan.kernels, strict=True))
    scratch = threads * (plan.scratch + BLAS_BYTES + KEPT_BYTES) + OWN_BYTES + _objects(pairs, threads, repeats)
    scratch += len(network.inputs) * HELD_BYTES
    scratch += threads * max((_activated(step, kernel) for step, kernel in pairs), default=0) * dtype.itemsize
    scratch += max((_beside(step, batch) for step, kernel in pairs if not kernel), default=0) * dtype.itemsize
    packing, activations = _packing(pairs) * dtype.itemsize, plan.layout.size + outside * dtype.itemsize
    computing = max(0, network.model.bytes_computed_from() - packing - activations - scratch)  # before those are there
    return Needs(resident(), inputs, weights * dtype.itemsize + computing, packing, activations, scratch)


def _objects(pairs: Sequence[tuple[Step, Kernel | None]], threads: int, repeats: bool) -> int:
    """Return the bytes of Python's objects: those of the steps, and the calls that are there at one time."""
    most = MOST_KEPT if repeats else MOST_AHEAD
    keepers = threads if repeats else 1  # each keeps the calls of the blocks that it took in some pass
    ahead: deque[tuple[int, int]] = deque()
    reads = now = largest = objects = 0
    for step, kernel in pairs:
        objects += STEP_BYTES + HELD_BYTES * is_contraction(step.carrier.layer)
        calls = 1 if kernel is None else min(kernel.blocks, most) * kernel.calls * keepers
        ahead.append((len(step.reads), calls))
        reads, now = reads + len(step.reads), now + calls
        while not repeats and reads - ahead[0][0] >= MOST_READS_AHEAD:
            before, gone = ahead.popleft()
            reads, now = reads - before, now - gone
        largest = max(largest, now)
    return objects + largest * CALL_BYTES


def _packing(pairs: Sequence[tuple[Step, Kernel | None]]) -> int:
    """Return the additional elements of packed weights, the plain ones being freed one by one."""
    packed = 0
    largest = 0  # a weight is in memory twice while it is packed
    for step, kernel in pairs:
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


def _beside(step: Step, batch: int) -> int:
    """Return the temporary elements of a layer that NumPy computes as a whole."""
    node = step.carrier
    if node.layer.is_view or node.layer.aliases:
        return 0
    copies = 2 if node.layer.moves_only and len(step.inputs) == 1 else TEMPORARIES
    largest = max([node.elements(batch), *(tensor.elements(batch) for tensor in step.inputs)])
    weights = sum(prod(weight.shape) for weight in node.use.weights.values())
    return copies * largest + weights + node.macs(batch) // max(node.shape[0], 1)


def _activated(step: Step, kernel: Kernel | None) -> int:
    """Return the temporary elements per thread for the activation of a block of a contraction's output."""
    layers = [node.layer for node in step.after]
    activations = [one for one in layers if one.pointwise and not one.is_affine() and one.clamps() is None]
    if kernel is None or not activations:
        return 0
    return TEMPORARIES * min(2 * BLOCK, prod(kernel.shape))


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
        hint = "a smaller input or batch needs less; another limit can be set"
        raise CnncalcError(f"{message}the {bytes_text(limit)} that the machine has free", hint)
    raise ArgumentError("max_memory", f"{message}{bytes_text(limit)}", "a smaller input or batch needs less")
