"""A network prepared for inference: its weights folded and packed once, its calls bound to memory that stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from math import prod
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from cnncalc.execution.fold import Folded, fold
from cnncalc.execution.inputs import given_inputs
from cnncalc.execution.kernels.blas import blas
from cnncalc.execution.kernels.kernel import Call, HeldWeight, Tally, make
from cnncalc.execution.kernels.team import Team
from cnncalc.execution.kernels.tuning import OUR_THREADS_FROM
from cnncalc.execution.layout import Layout, MemoryPiece, layout
from cnncalc.execution.needs import kernels_of, most_scratch
from cnncalc.execution.plan import Step, steps
from cnncalc.execution.work import FAULTS, StepWork, find
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.numbers import counted

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnncalc.execution.kernels.kernel import Bytes, Shape
    from cnncalc.graph import Graph, Node, Tensor
    from cnncalc.layers.ops import Array, DType

Note: TypeAlias = Callable[[Step], object]
"""note(step) is called before a step runs."""


class Done(NamedTuple):
    """A step that ran for the first time.

    Attributes:
        step: the step.
        arrays: what it read, by tensor; empty where it could not run.
        output: what it made; None where it could not run.
        fault: why it could not run, or "".
        tally: what was multiplied.
        seconds: how long its calls took.
    """

    step: Step
    arrays: Mapping[Tensor, Array]
    output: Array | None
    fault: str
    tally: Tally
    seconds: float


class Session:
    """A prepared network; calling it is inference.

    The first call with a batch lays out memory and binds every step; the next ones of that batch repeat the calls.
    What comes in is copied, and so is what comes out.  A session is for one thread at a time.
    """

    def __init__(
        self,
        network: Graph,
        weights: dict[str, Array],
        dtype: Any = np.float32,
        threads: int = 1,
        keep: Collection[Node] = (),
        fuse: bool = True,
        repeats: bool = True,
    ) -> None:
        """Prepare a network.

        Args:
            network: what is run.
            weights: tensors by their names in PyTorch's state_dict, in the run's type.  The session takes them
                over: it changes them, and lets go of what it has in another form.
            dtype: of inputs and weights.
            threads: how many work.
            keep: layers whose outputs are wanted, too.
            fuse: whether several layers may be one step.
            repeats: whether there will be more than one call with a batch.
        """
        self.network = network
        self.dtype = np.dtype(dtype)
        self.threads = threads
        self.closed = False
        self.keep = keep
        self.fuse = fuse
        self.repeats = repeats
        self.steps = steps(network, keep, fuse)
        ours = _our_threads_pay(network, threads)
        self.blas_threads = 1 if ours else threads
        self.team = Team(threads if ours else 1, self.blas_threads == 1 and blas().unpacked)
        self.folded = list(self._fold(weights))
        self.program: BatchProgram | None = None

    def _fold(self, weights: dict[str, Array]) -> Iterator[Folded]:
        """Yield the weights of each step; what is folded is taken out of `weights`, for it is not needed as it was."""
        sharers = Counter(node.shares or node for node in self.network.nodes)
        common = {node for node, count in sharers.items() if count > 1}
        held: dict[str, HeldWeight] = {}
        for step in self.steps:
            yield fold(step, weights, (step.carrier.shares or step.carrier) not in common, held)
            for node in step.nodes:
                owner = node.shares or node
                sharers[owner] -= 1
                if not sharers[owner]:
                    for tensor in node.use.weights:
                        del weights[f"{owner.name}.{tensor}"]

    def __call__(self, x: npt.ArrayLike | Mapping[str, npt.ArrayLike]) -> Array:
        """Return the output (N, …) of an input (N, *shape), or of one sample without its batch axis.

        Several inputs are a mapping by name.  A network of several outputs returns them as :meth:`outputs` does.

        Raises:
            CnncalcError: where the input does not fit the network, or the session is closed.
        """
        outputs = self.outputs(x)
        if len(outputs) > 1:
            return outputs  # type: ignore[return-value]  # the declared type is that of one output, which is usual
        return next(iter(outputs.values()))

    def outputs(self, x: npt.ArrayLike | Mapping[str, npt.ArrayLike]) -> dict[str, Array]:
        """Return the outputs by name, of what calling the session takes.  Raises CnncalcError as that does."""
        if self.closed:
            raise CnncalcError(f"{self!r} can't be called any more", "network.prepare() makes another one")
        inputs = given_inputs(self.network, x, self.dtype).read()
        batch = len(next(iter(inputs.values())))
        if self.program is None or self.program.batch != batch or not self.program.complete:
            for done in self.first(inputs):
                if done.fault:
                    raise CnncalcError(f"'{done.step.output.name}' can't be run: {done.fault}")
        else:
            for _ in self.again(inputs):
                pass
        return self.results()

    def first(self, inputs: Mapping[str, Array], note: Note | None = None) -> Iterator[Done]:
        """Lay out memory for a batch and run every step once; yield each as it is done.

        `note` is called with each step before it runs.
        """
        self.program = None  # its memory makes room
        program = BatchProgram(self, len(next(iter(inputs.values()))))
        self.program = program
        with blas().held(self.blas_threads), np.errstate(all="ignore"):
            yield from program.first(inputs, note)

    def again(self, inputs: Mapping[str, Array], note: Note | None = None) -> Iterator[float]:
        """Run every step once more, on other inputs of the same batch; yield the seconds of each."""
        assert self.program is not None
        with blas().held(self.blas_threads), np.errstate(all="ignore"):
            yield from self.program.again(inputs, note)

    def results(self) -> dict[str, Array]:
        """Return copies of the network's outputs after a pass, of those that could be made."""
        values = self.program.values if self.program else {}
        made = {name: values[tensor] for name, tensor in self.network.outputs.items() if tensor in values}
        return {name: np.array(array, order="C") for name, array in made.items()}

    def kept(self) -> dict[str, Array]:
        """Return the outputs of the layers that were to be kept, by name."""
        values = self.program.values if self.program else {}
        return {node.name: values[node] for node in self.keep if node in values}

    def close(self) -> None:
        """End the threads and let go of the memory; nothing can be run any more."""
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


class BatchProgram:
    """The calls of a session for one batch, and the memory that they work on.

    Attributes:
        preparation: seconds that the layout, packing and binding took.
        packing: those among them that packing took.
    """

    def __init__(self, session: Session, batch: int) -> None:
        begun = perf_counter()
        self.session, self.batch = session, batch
        self.complete = False
        network, dtype = session.network, session.dtype
        kernels = kernels_of(session.steps, batch, dtype, session.team.pieces)
        rooms = [kernel.room if kernel else 0 for kernel in kernels]
        self.kept: set[Tensor] = set(session.keep)
        self.layout: Layout = layout(network, session.steps, self.kept, batch, dtype.itemsize, rooms)
        self.memory: Bytes = np.empty(self.layout.size, np.uint8)
        session.team.reserve(most_scratch(kernels, dtype.itemsize))
        self.values: dict[Tensor, Array] = {}
        self.inputs: dict[str, Array] = {}
        self.calls: list[list[Call]] = []
        self.packing = 0.0
        self.preparation = perf_counter() - begun

    def first(self, inputs: Mapping[str, Array], note: Note | None) -> Iterator[Done]:
        """Run every step once.

        Steps wait until one asks for values: all of them are packed, then all are bound, then their calls are made.
        Bound one by one, each would find its code driven out of the processor's caches by the one before.
        """
        session = self.session
        for name, tensor in session.network.inputs.items():
            own = self._array(self.layout.homes.get(tensor), inputs[name].shape, inputs[name].dtype)
            np.copyto(own, inputs[name])
            self.values[tensor] = self.inputs[name] = own
        waiting: list[StepWork] = []
        for number, (step, folded) in enumerate(zip(session.steps, session.folded, strict=True)):
            begun = perf_counter()
            work = self._work(step, folded, self.layout.rooms[number], ahead=True)
            self.preparation += perf_counter() - begun
            if work is None:
                yield from self._made(waiting, note)
                if note is not None:
                    note(step)
                work = self._work(step, folded, None, ahead=False)
            assert work is not None
            if work.output is not None:
                self.values[step.output] = work.output
            waiting.append(work)
        yield from self._made(waiting, note)
        self.complete = len(self.calls) == len(session.steps)

    def _work(self, step: Step, folded: Folded, room: MemoryPiece | None, ahead: bool) -> StepWork | None:
        """Return what makes a step's output; None where that takes its inputs' values, and they may not be there."""
        session, values = self.session, self.values
        arrays = [values[tensor] for tensor in step.reads if tensor in values]
        if len(arrays) < len(step.reads):
            return StepWork(step, arrays)
        try:
            if not ahead:
                return StepWork(step, arrays).by_layer(folded, session.team, self._placed(step))
            return find(
                step, folded, arrays, session.team, self._placed(step),
                None if room is None else self.memory[room.start : room.start + room.size], session.fuse,
                step.output not in self.kept,
            )  # fmt: skip
        except FAULTS as error:
            return StepWork(step, arrays, fault=str(error))

    def _made(self, waiting: list[StepWork], note: Note | None) -> Iterator[Done]:
        """Pack, bind and make what waits."""
        session = self.session
        begun = perf_counter()
        for work in waiting:
            try:
                work.pack()
            except FAULTS as error:
                work.fail(str(error))
        packed = perf_counter()
        for work in waiting:
            try:
                work.bind(session.team, session.repeats)
            except FAULTS as error:
                work.fail(str(error))
        self.packing += packed - begun
        self.preparation += perf_counter() - begun
        for work in waiting:
            yield self._done(work, note)
        waiting.clear()

    def _done(self, work: StepWork, note: Note | None) -> Done:
        """Make a step's output, unless that is done."""
        step, seconds = work.step, 0.0
        for tensor in step.reads:
            if tensor not in self.values:
                work.fail(f"its input '{tensor.name}' was not made")
        if work.output is not None and work.seconds is not None:
            seconds = work.seconds
        elif work.output is not None:
            if note is not None:
                note(step)
            begun = perf_counter()
            try:
                make(work.calls)
            except FAULTS as error:
                work.fail(str(error))
            seconds = perf_counter() - begun
        if work.output is None:
            self.values.pop(step.output, None)
            return Done(step, {}, None, work.fault, Tally(), 0.0)
        if self.session.repeats:
            self.calls.append(work.calls)
        return Done(step, dict(zip(step.reads, work.arrays, strict=True)), work.output, "", work.tally(), seconds)

    def again(self, inputs: Mapping[str, Array], note: Note | None) -> Iterator[float]:
        """Make all calls once more."""
        for name, own in self.inputs.items():
            np.copyto(own, inputs[name])
        for step, calls in zip(self.session.steps, self.calls, strict=True):
            if note is not None:
                note(step)
            begun = perf_counter()
            make(calls)
            yield perf_counter() - begun

    def _placed(self, step: Step) -> Callable[[Shape, DType], Array]:
        """Return what gives a step's output (N, *out, C) its memory."""
        return partial(self._array, self.layout.homes.get(step.output))

    def _array(self, piece: MemoryPiece | None, shape: Shape, dtype: DType) -> Array:
        """Return an array in a piece of the memory, or in memory of its own where it has none or does not fit."""
        if piece is None:
            return np.empty(shape, dtype)
        if piece.width > shape[-1]:
            return self._array(piece, (*shape[:-1], piece.width), dtype)[..., : shape[-1]]
        if prod(shape) * dtype.itemsize > piece.size:
            return np.empty(shape, dtype)
        return np.ndarray(shape, dtype, self.memory, piece.start)


def _our_threads_pay(network: Graph, threads: int) -> bool:
    """Return whether our threads share the blocks of each operation, or BLAS's its matrix products; never both.

    Ours share all of the work, but need some 150 microseconds to wake up; both at once are in each other's way.
    What BLAS multiplies without packing it multiplies in one thread.
    """
    if threads == 1 or not blas() or blas().unpacked:
        return threads > 1
    products = [node.macs() for node in network.nodes if node.use.macs]
    return sum(products) > OUR_THREADS_FROM * len(products)
