"""The calls of a session for one batch size: kernels are found, packed and bound before the calls run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import prod
from time import perf_counter
from typing import NamedTuple, TypeAlias

import numpy as np

from cnncalc.execution.fold import Folded
from cnncalc.execution.kernels.kernel import Bytes, Call, HeldWeight, Shape, Tally, run_all
from cnncalc.execution.kernels.team import Team, mapped
from cnncalc.execution.layout import MemoryPiece
from cnncalc.execution.plan import Step
from cnncalc.execution.planning import RunPlan
from cnncalc.execution.tuning import MOST_READS_AHEAD
from cnncalc.execution.work import FAULTS, Finder, StepWork, find, plainly, then
from cnncalc.graph import Tensor
from cnncalc.layers.interfaces import Array, DType

Note: TypeAlias = Callable[[Step], object]
"""note(step) is called before a step runs."""


class Done(NamedTuple):
    """A step that ran for the first time.

    Attributes:
        step: the step.
        arrays: its inputs, by tensor; empty if it could not run.
        output: its output; None if it could not run.
        fault: the reason why it could not run, or "".
        tally: the products that were summed.
        seconds: duration of its calls.
    """

    step: Step
    arrays: Mapping[Tensor, Array]
    output: Array | None
    fault: str
    tally: Tally
    seconds: float


class BatchProgram:
    """The calls of a session for one batch size, and their memory.

    Attributes:
        plan: the plan of the run.
        begun: whether the first pass has started.
        complete: whether it computed all outputs, so that its calls can be repeated.
        memory: the memory of tensors and of copies of whole inputs.
        values: the array of each tensor, channels first.
        calls: calls of each step, in order.
        preparation: seconds that laying out memory, packing and binding took.
    """

    def __init__(self, plan: RunPlan, folded: Sequence[Folded], team: Team, repeats: bool) -> None:
        """Give memory to a plan; see `Session` for the arguments."""
        begun = perf_counter()
        self.plan, self.steps, self.folded, self.team, self.repeats = plan, plan.steps, folded, team, repeats
        self.kept: set[Tensor] = {*plan.keep}
        self.memory: Bytes = mapped(plan.layout.size)
        team.reserve(plan.scratch)
        self.values: dict[Tensor, Array] = {
            tensor: self._array(plan.layout.homes.get(tensor), (tensor.copies(plan.batch), *tensor.shape), plan.dtype)
            for tensor in plan.network.inputs.values()
        }
        self.calls: list[list[Call]] = []
        self.begun = self.complete = False
        self._number = 0  # number of the next step
        self._packed = 0  # number of the first step whose weights are not packed
        self._waiting: list[StepWork] = []
        self.preparation = perf_counter() - begun

    def bind(self) -> None:
        """Pack the weights of the next steps, up to one that needs the values of its inputs; find and bind them.

        Each phase is done for all of them in turn: step by step, the code of one phase would drive the others' out of
        the processor's caches.
        """
        begun = perf_counter()
        if self._number >= self._packed:
            self._pack()
        found: list[StepWork] = []
        reads = 0
        while self._number < len(self.steps) and reads < MOST_READS_AHEAD:
            work = self._work(ahead=True)
            if work is None:
                break
            found.append(self._taken(work))
            reads += len(work.arrays)
        for work in found:
            work.bind(self.team, self.repeats)
        self._waiting += found
        self.preparation += perf_counter() - begun

    def _pack(self) -> None:
        """Pack the weights of the next steps."""
        end, reads = self._number, 0
        while end < self.plan.certain and reads < MOST_READS_AHEAD:
            reads += len(self.steps[end].reads)
            end += 1
        for kernel, folded in zip(self.plan.kernels[self._number : end], self.folded[self._number : end], strict=True):
            weight = folded.weights.get("weight")
            if kernel is not None and isinstance(weight, HeldWeight):
                kernel.prepare(weight, folded.weights.get("bias"), folded.before)
        self._packed = end

    def first(self, inputs: Mapping[str, Array], note: Note | None) -> Iterator[Done]:
        """Run every step once."""
        self.begun = True
        self._take_in(inputs)
        while self._waiting or self._number < len(self.steps):
            self.bind()
            if not self._waiting:  # the next step needs values, which exist now
                if note is not None:
                    note(self.steps[self._number])
                run = self._work(ahead=False)
                assert run is not None
                self._waiting.append(self._taken(run))
            for work in self._waiting:
                yield self._done(work, note)
            self._waiting.clear()
        self.complete = len(self.calls) == len(self.steps)

    def again(self, inputs: Mapping[str, Array], note: Note | None) -> Iterator[float]:
        """Run all calls again; yield the seconds of each step."""
        self._take_in(inputs)
        for step, calls in zip(self.steps, self.calls, strict=True):
            if note is not None:
                note(step)
            begun = perf_counter()
            run_all(calls)
            yield perf_counter() - begun

    def _take_in(self, inputs: Mapping[str, Array]) -> None:
        for name, tensor in self.plan.network.inputs.items():
            np.copyto(self.values[tensor], inputs[name])

    def _work(self, ahead: bool) -> StepWork | None:
        """Return the work of the next step; None if it needs values that may not exist yet."""
        step, folded, values = self.steps[self._number], self.folded[self._number], self.values
        arrays = [values[tensor] for tensor in step.reads if tensor in values]
        if len(arrays) < len(step.reads):
            return StepWork(step, arrays)
        home, piece = self.plan.layout.homes.get(step.output), self.plan.layout.rooms[self._number]
        room = None if piece is None else self.memory[piece.start : piece.start + piece.size]
        kernel = self.plan.plain[self._number]
        place = partial(self._array, home)
        try:
            if kernel is not None:
                out = self._array(home, kernel.shape, self.plan.dtype)
                return plainly(step, kernel, arrays, out, folded, room, self.team)
            if not ahead:
                return StepWork(step, arrays).by_layer(folded, self.team, place)
            after = then(folded, arrays, step, self.team)
            finder = Finder(self.team, place, step.prepares, room, folded.before, after)
            return find(step, folded.weights, arrays, finder, self.plan.fuse, step.output not in self.kept)
        except FAULTS as error:
            return StepWork(step, arrays, fault=str(error))

    def _taken(self, work: StepWork) -> StepWork:
        """Record a step's work, so that later steps find its output."""
        self._number += 1
        if work.output is not None:
            self.values[work.step.output] = work.output
        return work

    def _done(self, work: StepWork, note: Note | None) -> Done:
        """Compute a step's output, unless that is done."""
        step, seconds = work.step, work.seconds
        for tensor in step.reads:
            if tensor not in self.values:
                work.fail(f"its input '{tensor.name}' was not computed")
        if work.output is not None and seconds is None:
            if note is not None:
                note(step)
            begun = perf_counter()
            work.make()
            seconds = perf_counter() - begun
        if work.output is None:
            self.values.pop(step.output, None)
            return Done(step, {}, None, work.fault, Tally(), 0.0)
        if self.repeats:
            self.calls.append(work.calls)
        arrays = dict(zip(step.reads, work.arrays, strict=True))
        return Done(step, arrays, work.output, "", work.tally(), seconds or 0.0)

    def _array(self, piece: MemoryPiece | None, shape: Shape, dtype: DType) -> Array:
        """Return an array in a piece of the memory, or in separate memory if it has no piece or does not fit."""
        if piece is None:
            return np.empty(shape, dtype)
        if piece.width > shape[-1]:
            return self._array(piece, (*shape[:-1], piece.width), dtype)[..., : shape[-1]]
        if prod(shape) * dtype.itemsize > piece.size:
            return np.empty(shape, dtype)
        return np.ndarray(shape, dtype, self.memory, piece.start)
