"""Plan a run before there are weights or inputs: the steps, their kernels, and the layout of memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from cnncalc.execution.kernels.blas import blas
from cnncalc.execution.kernels.kernel import Kernel, Shape
from cnncalc.execution.kernels.team import Team
from cnncalc.execution.layout import layout
from cnncalc.execution.plan import Step, steps
from cnncalc.execution.work import FAULTS, Finder, find
from cnncalc.graph import Graph, Node, Tensor
from cnncalc.layers.interfaces import Array, DType


class RunPlan:
    """The plan of a run of a network on a batch.

    Attributes:
        network: the network to run.
        batch: number of samples.
        dtype: float32 or float64.
        keep: layers whose outputs are kept, too.
        fuse: whether several layers may be one step.
        pieces: whether matrix products are split, see `Filters`.
        steps: the steps, in order.
        kernels: the kernel of each step; None for a view, and for a layer that runs as a whole.
        certain: number of steps before the first whose output shape is known only once it has run.  Their kernels are
            those that the run itself will find, even if the shape rule of a layer is wrong.
        plain: the kernel of each of these whose layer does nothing else (see `StepWork.plain`); None for all others.
        layout: the place of every tensor.
    """

    def __init__(
        self, network: Graph, batch: int = 1, dtype: DType | type[np.float32] = np.float32,
        keep: Collection[Node] = (), fuse: bool = True, pieces: bool | None = None, made: Sequence[Step] = (),
    ) -> None:  # fmt: skip
        """Plan a run; `pieces` depends on BLAS unless given, and `made` are the steps if they are known already.

        Raises:
            CnncalcError: if the network is for one sample alone, or has too many layers.
        """
        network.check_count("run")
        network.check_batch(batch)
        self.network, self.batch, self.keep, self.fuse = network, batch, keep, fuse
        self.dtype: DType = np.dtype(dtype)
        self.pieces = blas().unpacked if pieces is None else pieces
        self.steps = made or steps(network, keep, fuse)
        self.certain = len(self.steps)
        with np.errstate(all="ignore"):
            found = list(self._found())
        self.kernels = [kernel for kernel, _ in found]
        self.plain = [kernel if plain and i < self.certain else None for i, (kernel, plain) in enumerate(found)]
        rooms = [kernel.room if kernel else 0 for kernel in self.kernels]
        self.layout = layout(network, self.steps, {*keep}, batch, self.dtype.itemsize, rooms)

    def of(self, batch: int) -> RunPlan:
        """Return the plan for a batch size."""
        if batch == self.batch:
            return self
        return RunPlan(self.network, batch, self.dtype, self.keep, self.fuse, self.pieces, self.steps)

    @property
    def scratch(self) -> int:
        """The bytes of scratch memory that each thread needs."""
        return max((kernel.places(self.dtype.itemsize).size for kernel in self.kernels if kernel), default=0)

    def _found(self) -> Iterator[tuple[Kernel | None, bool]]:
        """Find the kernel of each step on arrays that take no memory, and `StepWork.plain`."""
        team, kept = Team(1, self.pieces, self.network.model.is_exact), {*self.keep}
        found: dict[Tensor, Array] = {}
        for number, step in enumerate(self.steps):
            try:
                reads = [found[tensor] if tensor in found else self._stretched(tensor) for tensor in step.reads]
                uses = step.carrier.use.weights.items()
                weights = {name: zeros_without_memory(weight.shape, self.dtype) for name, weight in uses}
                finder = Finder(team, zeros_without_memory, step.prepares)
                work = find(step, weights, reads, finder, self.fuse, step.output not in kept)
            except FAULTS:  # a wrong shape rule, which the run will report, or a size that NumPy can't index
                work = None
            if work is None or work.output is None:
                self.certain = min(self.certain, number)
                yield None, False
            else:
                found[step.output] = work.output
                yield work.kernel, work.plain

    def _stretched(self, tensor: Tensor) -> Array:
        return zeros_without_memory((tensor.copies(self.batch), *tensor.shape), self.dtype)


def zeros_without_memory(shape: Shape, dtype: DType) -> Array:
    """Return an array whose elements all share one zero in memory."""
    return np.ndarray(shape, dtype, np.zeros(1, dtype), 0, (0,) * len(shape))
