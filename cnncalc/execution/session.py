"""A network prepared for inference: weights are folded and packed once, and calls are bound to permanent memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from cnncalc.execution.fold import Folded, fold
from cnncalc.execution.inputs import given_inputs, samples
from cnncalc.execution.kernels.blas import blas
from cnncalc.execution.kernels.kernel import HeldWeight
from cnncalc.execution.kernels.team import Team
from cnncalc.execution.planning import RunPlan
from cnncalc.execution.program import BatchProgram, Done, Note
from cnncalc.execution.tuning import OUR_THREADS_FROM
from cnncalc.graph import Graph
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.numbers import counted
from cnncalc.layers.interfaces import Array

if TYPE_CHECKING:
    import numpy.typing as npt


class Session:
    """A prepared network; calling it is inference.

    The first call with a batch size lays out memory and binds every step, unless :meth:`bind` has done so; later calls
    with it reuse them. Inputs and outputs are copied. Only one thread at a time may use a session.
    """

    def __init__(self, plan: RunPlan, weights: dict[str, Array], threads: int = 1, repeats: bool = True) -> None:
        """Prepare a network.

        Args:
            plan: the plan of the run; a call with another batch size makes another one.
            weights: tensors by their names in PyTorch's state_dict, in the run's type.  The session takes ownership: it
                changes them, and frees those that it has packed.
            threads: number of threads.
            repeats: whether there will be more than one call with a batch size.
        """
        self.plan = plan
        self.network = plan.network
        self.dtype = plan.dtype
        self.threads = threads
        self.closed = False
        self.repeats = repeats
        ours = _our_threads_pay(plan.network, threads)
        self.blas_threads = 1 if ours else threads
        self.team = Team(threads if ours else 1, plan.pieces, plan.network.model.is_exact)
        self.folded = list(self._fold(weights))
        self.program: BatchProgram | None = None

    def bind(self, batch: int = 1) -> None:
        """Prepare for a batch size: lay out memory, pack weights and bind the steps that need no values for it."""
        self.program = None  # frees its memory
        self.plan = self.plan.of(batch)
        self.program = BatchProgram(self.plan, self.folded, self.team, self.repeats)
        with blas().held(self.blas_threads):
            self.program.bind()

    def _fold(self, weights: dict[str, Array]) -> Iterator[Folded]:
        """Yield the weights of each step, and remove from `weights` those whose plain form is not needed any more."""
        sharers = Counter(node.shares or node for node in self.network.nodes)
        common = {node for node, count in sharers.items() if count > 1}
        held: dict[str, HeldWeight] = {}
        for step in self.plan.steps:
            yield fold(step, weights, (step.carrier.shares or step.carrier) not in common, held)
            for node in step.nodes:
                owner = node.shares or node
                sharers[owner] -= 1
                if not sharers[owner]:
                    for tensor in node.use.weights:
                        del weights[owner.key(tensor)]

    def __call__(self, x: npt.ArrayLike | Mapping[str, npt.ArrayLike]) -> Array:
        """Return the output (N, …) of an input (N, *shape), or of one sample without its batch axis.

        Several inputs are passed as a mapping by name; several outputs are returned as by :meth:`outputs`.

        Raises:
            CnncalcError: if the input does not fit the network, or the session is closed.
        """
        outputs = self.outputs(x)
        if len(outputs) > 1:
            return outputs  # type: ignore[return-value]  # the declared type is that of one output, which is usual
        return next(iter(outputs.values()))

    def outputs(self, x: npt.ArrayLike | Mapping[str, npt.ArrayLike]) -> dict[str, Array]:
        """Return the outputs by name; the input and the errors are those of calling the session."""
        if self.closed:
            raise CnncalcError(f"{self!r} is closed", "network.prepare() makes a new one")
        inputs = given_inputs(self.network, x, self.dtype).read()
        batch = samples(self.plan.network, inputs)
        if self.program is None or self.plan.batch != batch or not self.program.complete:
            for done in self.first(inputs):
                if done.fault:
                    raise CnncalcError(f"'{done.step.output.name}' can't be run: {done.fault}")
        else:
            for _ in self.again(inputs):
                pass
        return self.results()

    def first(self, inputs: Mapping[str, Array], note: Note | None = None) -> Iterator[Done]:
        """Run every step once, after binding to memory for the batch; yield each when it is done.

        `note` is called with each step before it runs.
        """
        batch = samples(self.plan.network, inputs)
        if self.program is None or self.plan.batch != batch or self.program.begun:
            self.bind(batch)
        assert self.program is not None
        with blas().held(self.blas_threads), np.errstate(all="ignore"):
            yield from self.program.first(inputs, note)

    def again(self, inputs: Mapping[str, Array], note: Note | None = None) -> Iterator[float]:
        """Run every step once more, on other inputs of the same batch; yield the seconds of each."""
        assert self.program is not None
        with blas().held(self.blas_threads), np.errstate(all="ignore"):
            yield from self.program.again(inputs, note)

    def results(self) -> dict[str, Array]:
        """Return copies of the network's outputs after a pass, leaving out those that could not be computed."""
        values = self.program.values if self.program else {}
        made = {name: values[tensor] for name, tensor in self.network.outputs.items() if tensor in values}
        return {name: np.array(array, order="C") for name, array in made.items()}

    def kept(self) -> dict[str, Array]:
        """Return the outputs of the kept layers, by name."""
        values = self.program.values if self.program else {}
        return {node.name: values[node] for node in self.plan.keep if node in values}

    def close(self) -> None:
        """End the threads and free the memory; the session can't run any more."""
        self.closed = True
        self.team.close()
        self.program = None
        self.folded = []

    def __repr__(self) -> str:
        end = ", closed" if self.closed else ""
        return f"<Session {self.network.title}: {self.dtype}, {counted(self.threads, 'thread')}{end}>"

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _our_threads_pay(network: Graph, threads: int) -> bool:
    """Return whether our threads share the blocks of each operation, or BLAS's its matrix products; never both.

    Ours share all of the work, but need some 150 microseconds to wake up; both at once would compete. Products that
    BLAS does not pack it computes in one thread.
    """
    if threads == 1 or not blas() or blas().unpacked:
        return threads > 1
    products = [node.macs() for node in network.nodes if node.use.macs]
    return sum(products) > OUR_THREADS_FROM * len(products)
