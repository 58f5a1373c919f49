"""The work of one step: a kernel on its arrays, or its layer as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import is_
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np

from cnncalc.execution.fold import NOT_FOLDED, Folded
from cnncalc.execution.kernels import Kernels
from cnncalc.execution.kernels.convolution import PointConvolution, Prepared
from cnncalc.execution.kernels.elementwise import Merge, PerElement, ScaleAndShift
from cnncalc.execution.kernels.kernel import (
    NOTHING_BEFORE,
    NOTHING_THEN,
    Before,
    Bytes,
    Call,
    HeldWeight,
    Kernel,
    Shape,
    Tally,
    Task,
    Then,
    held,
    run_all,
)
from cnncalc.execution.kernels.parts import channels_first, channels_last
from cnncalc.execution.kernels.team import Team
from cnncalc.execution.layout import may_alias
from cnncalc.execution.plan import Step, is_contraction
from cnncalc.layers.base import Layer, LayerError
from cnncalc.layers.interfaces import Array, DType
from cnncalc.layers.merge._elementwise import ElementwiseMerge

Place: TypeAlias = "Callable[[Shape, DType], Array]"
"""place(shape, dtype) is memory (N, *out, C) for a step's output."""


FAULTS = (ValueError, IndexError, LayerError)
"""Errors for arrays that do not fit each other because of a wrong shape rule."""


class StepWork:
    """The work of one step: a kernel on its arrays, its layer as a whole, or nothing if the output is a view.

    Attributes:
        step: the step.
        kernel: the kernel that computes the output; None if there is none.
        plain: whether the layer does nothing but pass its inputs and weights to the kernel and return the result.
        arrays: what it reads, channels first, a residual last.
        output: its output, channels first, not yet filled; None if it can't run.
        fault: the reason why it can't run, or "".
        calls: the calls that compute the output, once bound.
        seconds: duration of the computation, if it is done; else None.
    """

    __slots__ = (
        "_products", "_tally", "_task", "arrays", "calls", "fault", "kernel", "output", "plain", "seconds", "step"
    )  # fmt: skip

    def __init__(
        self, step: Step, arrays: Sequence[Array], output: Array | None = None, kernel: Kernel | None = None,
        task: Task | None = None, plain: bool = False, fault: str = "",
    ) -> None:  # fmt: skip
        """Take a step and its output: a view of the kernel's result, or of an input if there is no kernel."""
        self.step, self.arrays, self.output, self.plain, self.fault = step, arrays, output, plain, fault
        self.calls: list[Call] = []
        self.seconds: float | None = None
        self.kernel, self._task = kernel, task
        self._products: list[int] = []
        self._tally = Tally()

    def bind(self, team: Team, again: bool) -> None:
        """Bind the calls; `again` if they will run more than once."""
        if self.kernel is not None and self._task is not None and self.output is not None:
            try:
                self.calls, self._products = team.bind(self.kernel, self._task, again)
            except FAULTS as error:
                self.fail(str(error))

    def make(self) -> None:
        """Make the calls."""
        try:
            run_all(self.calls)
        except FAULTS as error:
            self.fail(str(error))

    def fail(self, fault: str) -> None:
        """Give up the output."""
        self.output, self.fault = None, fault

    def tally(self) -> Tally:
        """Return the products that were summed, once the calls have run."""
        return self.kernel.tally(sum(self._products)) if self.kernel is not None else self._tally

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
        self.output, self.calls = channels_first(out), [(_run_again, (forward, eager, out))]
        return self


class Finder(Kernels):
    """Operations for one step that record its kernel, with memory for its output, and compute nothing.

    A layer's `forward` gets an unfilled read-only array: only if it returns that array, perhaps with its axes in
    another order, can one kernel do the step.
    """

    def __init__(
        self, team: Team, place: Place, prepares: bool = False, room: Bytes | None = None,
        before: Before = NOTHING_BEFORE, then: Then = NOTHING_THEN,
    ) -> None:  # fmt: skip
        """Record a kernel's task: see `Task`, and `Step.prepares`."""
        super().__init__(team)
        self.place, self.prepares, self.room, self.before, self.then = place, prepares, room, before, then
        self.kernel: Kernel | None = None
        self.task: Task | None = None
        self._took: tuple[object, ...] = ()
        self._gave: Array | None = None

    def spatial(self, kernel: Kernel, *arrays: Array, weight: Array | None = None, bias: Array | None = None) -> Array:
        """Record a kernel, and the arrays that it was given."""
        self._took = (*arrays, weight, bias)
        self._gave = super().spatial(kernel, *arrays, weight=weight, bias=bias)
        return self._gave

    def plain(self, inputs: Sequence[Array], weights: Mapping[str, Any], output: Array) -> bool:
        """Return whether a layer only passed its inputs and weights to a kernel, and returned the result."""
        wanted = (*inputs, weights.get("weight"), weights.get("bias"))
        return output is self._gave and len(wanted) == len(self._took) and all(map(is_, wanted, self._took))

    def perform(
        self, kernel: Kernel, inputs: Sequence[Array], weight: HeldWeight | None = None, bias: HeldWeight | None = None
    ) -> Array:
        """Record a kernel; return its future output as a read-only (N, *out, C)."""
        if self.prepares and not isinstance(kernel, PointConvolution):
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
    step: Step, weights: Mapping[str, Any], arrays: Sequence[Array], finder: Finder, fuse: bool, view: bool
) -> StepWork | None:
    """Return the work of a step, before its input arrays have been computed.

    Args:
        step: the step.
        weights: what its carrier's `forward` takes (see `Folded`).
        arrays: what it reads, channels first, a residual last.
        finder: records the kernel of the layer.
        fuse: whether factors and constants per channel may be computed as such.
        view: whether the output may be a view of the input.

    Returns:
        The work; None if the layer has to be run on the values of its inputs (`StepWork.by_layer`).

    Raises:
        ValueError, IndexError, LayerError: if the arrays don't fit.
    """
    layer = step.carrier.layer
    inputs = arrays[: len(step.inputs)]
    kernel = None
    if layer.one_kernel:
        output = layer.forward(finder, *inputs, **weights)
        if finder.kernel is not None and finder.task is not None and finder.makes(output):
            plain = finder.plain(inputs, weights, output)
            return StepWork(step, arrays, output, finder.kernel, finder.task, plain)
        if is_contraction(layer):
            raise ValueError(f"'{step.carrier.name}' does not return the output of its kernel")
    else:
        kernel = _kernel(layer, inputs, weights, finder.team, fuse)
    if kernel is not None:
        out = finder.place(kernel.shape, inputs[0].dtype)
        return plainly(step, kernel, arrays, out, NOT_FOLDED, None, finder.team)
    if view and may_alias(step):
        output = layer.forward(finder, *inputs)
        if np.may_share_memory(output, inputs[0]):
            return StepWork(step, arrays, output)
    return None


def plainly(
    step: Step, kernel: Kernel, arrays: Sequence[Array], out: Array, folded: Folded, room: Bytes | None, team: Team
) -> StepWork:
    """Return the work of a step whose kernel is known, and whose layer does nothing else (see `StepWork.plain`)."""
    inputs = tuple([channels_last(array) for array in arrays[: len(step.inputs)]])
    weight, bias = folded.weights.get("weight"), folded.weights.get("bias")
    task = Task(
        inputs, out, room, None if weight is None else held(weight), None if bias is None else held(bias),
        folded.before, then(folded, arrays, step, team),
    )  # fmt: skip
    return StepWork(step, arrays, channels_first(out), kernel, task, not isinstance(kernel, ScaleAndShift))


def _run_again(forward: Callable[[], Array], eager: Kernels, out: Array) -> None:
    """Run a whole layer once more."""
    out[...] = channels_last(forward())
    eager.tally()


def then(folded: Folded, arrays: Sequence[Array], step: Step, team: Team) -> Then:
    """Return the operations on the output of a step's carrier."""
    residual = arrays[-1] if step.residual is not None else None
    activation = folded.activation
    if residual is None and folded.clip is None and activation is None:
        return NOTHING_THEN
    function = partial(activation.layer.forward, Kernels(team)) if activation is not None else None
    return Then(residual, folded.clip, function)


def _kernel(
    layer: Layer, inputs: Sequence[Array], weights: Mapping[str, Array], team: Team, fuse: bool
) -> Kernel | None:
    """Return the kernel of a layer that NumPy computes element by element; None for all others."""
    if not inputs or inputs[0].ndim < 2:
        return None
    shapes = [channels_last(array).shape for array in inputs]
    if layer.pointwise and not weights:
        return PerElement(shapes[0], partial(layer.forward, Kernels(team)), layer.clamps())
    if isinstance(layer, ElementwiseMerge) and layer.ufunc and len({array.ndim for array in inputs}) == 1:
        return Merge(shapes, getattr(np, layer.ufunc))
    if fuse and layer.is_affine():
        return ScaleAndShift(shapes[0], *_affine(layer, weights))
    return None


def _affine(layer: Layer, weights: Mapping[str, Array]) -> tuple[Array, Array]:
    """Return the factor and the constant (C,) of each channel; a plan's, whose weights take no memory, take none."""
    if any(any(weight.strides) for weight in weights.values()):
        return layer.as_affine(weights)
    scale, shift = layer.as_affine({name: weight[:1] for name, weight in weights.items()})
    shape = next(iter(weights.values())).shape
    return np.broadcast_to(scale, shape), np.broadcast_to(shift, shape)
