"""What a run needs, what the machine has, and what was used in the end."""

from __future__ import annotations

import os
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.execution.kernels.depthwise import run_columns
from cnncalc.execution.kernels.rows import LONG
from cnncalc.execution.kernels.winograd import tile_outputs
from cnncalc.figures.memory import peak_elements
from cnncalc.ground.errors import ArgumentError, CnncalcError
from cnncalc.ground.numbers import size

if TYPE_CHECKING:
    from cnncalc.graph import Graph, Node

BUFFER = 32 << 20  # bytes that OpenBLAS maps for each thread
SCRATCH = 10 << 20  # bytes a thread, for the blocks that kernels work on and BLAS's own


class Needs(NamedTuple):
    """Bytes that a run takes.

    Attributes:
        process: what the process took before: Python and NumPy.
        inputs: the arrays that go in, those that nothing reads included, and what reading and converting them takes.
        weights: parameters and buffers.
        packing: what filters take more in the forms that kernels hold: 3 times their plain size more for Winograd's
            F(4×4, 3×3) and 0.8 times for F(2×2, 3×3), a run of columns for a depthwise filter; and the largest
            filters once more, which are there twice while they are packed.
        activations: the largest sum of tensors alive at one step.
        scratch: blocks in work, for all threads.
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


def needs(network: Graph, batch: int, itemsize: int, threads: int, inputs: int | None = None) -> Needs:
    """Predict what a run takes, from the inferred shapes.

    Args:
        network: what is run.
        batch: samples.
        itemsize: bytes of an element.
        threads: how many work.
        inputs: bytes that reading and converting given inputs takes; None for random ones.
    """
    if inputs is None:  # drawn in float32, then converted
        elements = batch * sum(prod(tensor.shape) for tensor in network.inputs.values())
        inputs = elements * (itemsize + (4 if itemsize != 4 else 0))
    owned = [node for node in network.nodes if node.shares is None]
    weights = sum(node.use.params + node.use.buffers for node in owned)
    elements, _ = peak_elements(network, batch)
    return Needs(
        resident(),
        inputs,
        weights * itemsize,
        _packing(network, itemsize),
        elements * itemsize,
        threads * SCRATCH,
    )


def _packing(network: Graph, itemsize: int) -> int:
    """Return what the forms that kernels hold take more than the plain weights, which are let go one by one."""
    packed = 0
    largest = 0  # while it is packed, a weight is there twice
    for node in network.nodes:
        if node.layer.type == "conv":
            plain = prod(node.use.weights["weight"].shape)
            packed += max(_held(node, itemsize) - (0 if node.shares else plain), 0)
            largest = max(largest, plain)
        if "bias" in node.use.weights:
            packed += min(2 * LONG, prod(node.shape))  # repeated, see RowOperation
    return (packed + largest) * itemsize


def _held(node: Node, itemsize: int) -> int:
    """Return the elements of a convolution's weight in the form that its kernel holds, 0 if that is the plain one."""
    arguments = node.layer.__dict__
    shape = node.use.weights["weight"].shape
    if len(node.shape) != 3 or set(arguments["stride"]) != {1}:
        return 0
    if len(shape) == 4 and arguments["groups"] == shape[0] and shape[1] == 1:  # depthwise: repeated along a run
        return prod(shape) * run_columns(node.shape[-1], shape[0])
    if itemsize != 4 or set(arguments["dilation"]) != {1} or arguments["groups"] != 1:
        return 0
    outputs = tile_outputs(shape, node.shape[1:])
    return (outputs + shape[2] - 1) ** 2 * prod(shape[:2]) if outputs else 0


def require(needed: Needs, limit: int | None) -> None:
    """Refuse a run that does not fit.

    Args:
        needed: what it takes.
        limit: bytes that the whole process may take; None for what it has and what the machine has free.

    Raises:
        CnncalcError: with the figures.
    """
    free = available(needed.scratch // SCRATCH) if limit is None else None
    if limit is None and free is not None:
        limit = needed.process + free
    if limit is None or needed.total <= limit:
        return
    parts = [f"{name} {size(figure)}" for name, figure in needed._asdict().items() if figure]
    message = f"the run needs {size(needed.total)} ({', '.join(parts)}), more than "
    if free is not None:
        hint = "a smaller input or batch needs less; max_memory sets another limit"
        raise CnncalcError(f"{message}the {size(limit)} that the machine has free", hint)
    raise ArgumentError("max_memory", f"{message}{size(limit)}", "a smaller input or batch needs less")


def available(threads: int = 1) -> int | None:
    """Return the bytes that the machine, the container or the shell leaves free; None where it does not say.

    Of what the shell's limit leaves, each thread's BLAS takes a buffer, most of which it never touches.
    """
    free = _free()
    if free is None:
        return None
    import resource

    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY:
        return free
    return max(0, min(free, most - _status("VmSize") - threads * BUFFER))


def _free() -> int | None:
    """Return the bytes that the machine or the container has free; None on systems other than Linux."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
        free = int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
    quota, used = _number("/sys/fs/cgroup/memory.max"), _number("/sys/fs/cgroup/memory.current")
    return free if quota is None or used is None else max(0, min(free, quota - used))


def _number(path: str) -> int | None:
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def resident() -> int:
    """Return the bytes of memory that the process takes now; 0 where the system does not say."""
    return _status("VmRSS")


def peak_resident() -> int:
    """Return the most bytes that the process ever took; 0 where the system does not say."""
    known = _status("VmHWM")
    if known or os.name == "nt":
        return known
    import resource
    import sys

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _status(key: str) -> int:
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith(key):
                    return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0
