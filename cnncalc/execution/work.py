"""The work of one step: a kernel on its arrays, or its layer as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from cnncalc.execution.fold import Folded
from cnncalc.execution.kernels import Kernels
from cnncalc.execution.kernels.convolution import PointConvolution, Prepared
from cnncalc.execution.kernels.elementwise import Merge, PerElement, ScaleAndShift
from cnncalc.execution.kernels.kernel import (
    NOTHING_THEN,
    Before,
    Call,
    HeldWeight,
    Kernel,
    Shape,
    Tally,
    Task,
    Then,
    channels_first,
    channels_last,
    make,
)  # fmt: skip
from cnncalc.execution.layout import may_alias
from cnncalc.execution.plan import Step, is_contraction
from cnncalc.layers.base import LayerError
from cnncalc.layers.merge._elementwise import ElementwiseMerge

if TYPE_CHECKING:
    from cnncalc.execution.kernels.kernel import Bytes
    from cnncalc.execution.kernels.team import Team
    from cnncalc.layers.base import Layer
    from cnncalc.layers.ops import Array, DType

    Place: TypeAlias = Callable[[Shape, DType], Array]
    """place(shape, dtype) is memory (N, *out, C) for a step's output."""


FAULTS = (ValueError, IndexError, LayerError)
"""Errors for arrays that do not fit each other because of a wrong shape rule."""


class StepWork:
    """The work of one step: a kernel on its arrays, its layer as a whole, or nothing if the output is a view.

    Attributes:
        step: the step.
        arrays: what it reads, channels first, a residual last.
        output: its output, channels first, not yet filled; None if it can't run.
        fault: the reason why it can't run, or "".
        calls: the calls that compute the output, once bound.
        seconds: duration of the computation, if it is done; else None.
    """

    __slots__ = "_kernel", "_products", "_tally", "_task", "arrays", "calls", "fault", "output", "seconds", "step"

    def __init__(
        self, step: Step, arrays: Sequence[Array], output: Array | None = None, kernel: Kernel | None = None,
        task: Task | None = None, fault: str = "",
    ) -> None:  # fmt: skip
        """Take a step and its output: a view of the kernel's result, or of an input if there is no kernel."""
        self.step, self.arrays, self.output, self.fault = step, arrays, output, fault
        self.calls: list[Call] = []
        self.seconds: float | None = None
        self._kernel, self._task = kernel, task
        self._products: list[int] = []
        self._tally = Tally()

    def pack(self) -> None:
        """Pack the weights for the kernel."""
        if self._kernel is not None and self._task is not None:
            try:
                self._kernel.prepare(self._task)
            except FAULTS as error:
                self.fail(str(error))

    def bind(self, team: Team, again: bool) -> None:
        """Bind the calls; `again` if they will run more than once."""
        if self._kernel is not None and self._task is not None and self.output is not None:
            try:
                self.calls, self._products = team.bind(self._kernel, self._task, again)
            except FAULTS as error:
                self.fail(str(error))

    def make(self) -> None:
        """Make the calls."""
        try:
            make(self.calls)
        except FAULTS as error:
            self.fail(str(error))

    def fail(self, fault: str) -> None:
        """Give up the output."""
        self.output, self.fault = None, fault

    def tally(self) -> Tally:
        """Return the products that were summed, once the calls have run."""
        return self._kernel.tally(sum(self._products)) if self._kernel is not None else self._tally

    def by_layer(self, folded: Folded, team: Team, place: Place) -> StepWork:
        """Compute the output by running the layer on the values of its arrays, again on each call."""
        eager = Kernels(team)
        forward = partial(self.step.carrier.layer.forward, eager, *self.arrays, **folded.weights)
        begun = perf_counter()
        last = channels_last(forward())
        out = place(last.shape, last.dtype)
        out[...] = last
        self.seconds = perf_counter() - begun
        self._tally = eager.tally()
        self.output, self.calls = channels_first(out), [(_again, (forward, eager, out))]
        return self


class Finder(Kernels):
    """Operations for one step that record the first kernel, with memory for its output, and compute nothing.

    A layer's `forward` gets an unfilled read-only array: only if it returns that array, perhaps with its axes in
    another order, can one kernel do the step.
    """

    def __init__(self, team: Team, place: Place, room: Bytes | None, before: Before, then: Then) -> None:
        super().__init__(team)
        self.place, self.room, self.before, self.then = place, room, before, then
        self.kernel: Kernel | None = None
        self.task: Task | None = None

    def perform(
        self, kernel: Kernel, inputs: Sequence[Array], weight: HeldWeight | None = None, bias: HeldWeight | None = None
    ) -> Array:
        """Record a kernel; return its future output as a read-only (N, *out, C)."""
        if self.before.operations and not isinstance(kernel, PointConvolution):
            kernel = Prepared(kernel, inputs[0].shape)
        out = self.place(kernel.shape, inputs[0].dtype)
        self.kernel = kernel
        self.task = Task(tuple(inputs), out, self.room, weight, bias, self.before, self.then)
        shown = out.view()
        shown.flags.writeable = False
        return shown

    def makes(self, result: Array) -> bool:
        """Return whether the layer returned the kernel's output, and make it writable."""
        if self.task is None or result.flags.writeable or result.size != self.task.out.size:
            return False
        if not np.may_share_memory(result, self.task.out):
            return False
        result.flags.writeable = True
        return True


def find(
    step: Step, folded: Folded, arrays: Sequence[Array], team: Team, place: Place, room: Bytes | None, fuse: bool,
    view: bool,
) -> StepWork | None:  # fmt: skip
    """Return the work of a step, before its input arrays have been computed.

    Args:
        step: the step.
        folded: its weights.
        arrays: what it reads, channels first, a residual last.
        team: the threads.
        place: gives memory for the output.
        room: bytes for a copy of the whole input, or None.
        fuse: whether factors and constants per channel may be computed as such.
        view: whether the output may be a view of the input.

    Returns:
        The work; None if the layer has to be run on the values of its inputs (`StepWork.by_layer`).

    Raises:
        ValueError, IndexError, LayerError: if the arrays don't fit.
    """
    layer = step.carrier.layer
    inputs = arrays[: len(step.inputs)]
    finder = Finder(team, place, room, folded.before, _then(folded, arrays, step, team))
    kernel = None
    if layer.one_kernel:
        output = layer.forward(finder, *inputs, **folded.weights)
        if finder.kernel is not None and finder.task is not None and finder.makes(output):
            return StepWork(step, arrays, output, finder.kernel, finder.task)
        if is_contraction(layer):
            raise ValueError(f"'{step.carrier.name}' does not return the output of its kernel")
    else:
        kernel = _kernel(layer, inputs, folded, team, fuse)
    if kernel is not None:
        out = place(kernel.shape, inputs[0].dtype)
        task = Task(tuple([channels_last(array) for array in inputs]), out, room)
        return StepWork(step, arrays, channels_first(out), kernel, task)
    if view and may_alias(step):
        output = layer.forward(finder, *inputs)
        if np.may_share_memory(output, inputs[0]):
            return StepWork(step, arrays, output)
    return None


def _again(forward: Callable[[], Array], eager: Kernels, out: Array) -> None:
    """Run a whole layer once more."""
    out[...] = channels_last(forward())
    eager.tally()


def _then(folded: Folded, arrays: Sequence[Array], step: Step, team: Team) -> Then:
    residual = arrays[-1] if step.residual is not None else None
    activation = folded.activation
    if residual is None and folded.clip is None and activation is None:
        return NOTHING_THEN
    function = partial(activation.layer.forward, Kernels(team)) if activation is not None else None
    return Then(residual, folded.clip, function)


def _kernel(layer: Layer, inputs: Sequence[Array], folded: Folded, team: Team, fuse: bool) -> Kernel | None:
    """Return the kernel of a layer that NumPy computes element by element; None for all others."""
    if not inputs or inputs[0].ndim < 2:
        return None
    shapes = [channels_last(array).shape for array in inputs]
    if layer.pointwise and not folded.weights:
        return PerElement(shapes[0], partial(layer.forward, Kernels(team)), layer.clamps())
    if isinstance(layer, ElementwiseMerge) and layer.ufunc and len({array.ndim for array in inputs}) == 1:
        return Merge(shapes, getattr(np, layer.ufunc))
    if fuse and layer.is_affine():
        scale, shift = layer.as_affine(folded.weights)
        return ScaleAndShift(shapes[0], scale, shift)
    return None
