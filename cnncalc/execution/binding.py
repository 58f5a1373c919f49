"""Bind a step to memory: run its kernel for the first time, and keep the calls that repeat it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cnncalc.execution.fold import Folded
from cnncalc.execution.kernels import Kernels
from cnncalc.execution.kernels.convolution import PointConvolution, Prepared
from cnncalc.execution.kernels.elementwise import Merge, PerElement, ScaleAndShift
from cnncalc.execution.kernels.kernel import (
    NOTHING_BEFORE,
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
)  # fmt: skip
from cnncalc.execution.kernels.team import Performed, Team
from cnncalc.execution.layout import may_alias
from cnncalc.execution.plan import Step, is_contraction
from cnncalc.layers.merge._elementwise import ElementwiseMerge

if TYPE_CHECKING:
    from cnncalc.layers.base import Layer
    from cnncalc.layers.ops import Array

Place = Callable[[Shape, Any], Any]
"""place(shape, dtype) is memory (N, *out, C) for a step's output."""


class BoundStep(NamedTuple):
    """A step that has run once.

    Attributes:
        output: the array that it made, channels first.
        calls: what makes it again, on the same memory; empty where nothing is to be kept.
        tally: what was multiplied.
        seconds: how long the calls took, without binding them.
    """

    output: Array
    calls: list[Call]
    tally: Tally
    seconds: float


class _Once(Kernels):
    """The operations for one step: its kernel works on given memory, and its calls are kept.

    A layer's `forward` gets what the kernel made as an array that can't be written to: only where it returns that
    very array is the step a matter of the kernel alone.
    """

    def __init__(self, team: Team, place: Place, room: Any, before: Before, then: Then, keep: bool) -> None:
        super().__init__(team)
        self.place, self.room, self.before, self.then, self.keep = place, room, before, then, keep
        self.made: list[tuple[Array, Performed]] = []

    def perform(
        self, kernel: Kernel, inputs: Sequence[Array], weight: HeldWeight | None = None, bias: HeldWeight | None = None
    ) -> Array:
        """Run a kernel; return what it made as (N, *out, C), not to be written to."""
        if self.made:  # not the only one of its layer
            return super().perform(kernel, inputs, weight, bias)
        if self.before.operations and not isinstance(kernel, PointConvolution):
            kernel = Prepared(kernel, inputs[0].shape)
        out: Array = self.place(kernel.shape, inputs[0].dtype)
        task = Task(tuple(inputs), out, self.room, weight, bias, self.before, self.then)
        done = self.team.perform(kernel, task, self.keep)
        self.count(done.products, kernel)
        self.made.append((out, done))
        shown = out.view()
        shown.flags.writeable = False
        return shown

    @property
    def is_fused(self) -> bool:
        """Whether the kernel is to do more than the layer."""
        return self.before is not NOTHING_BEFORE or self.then is not NOTHING_THEN


def bind(
    step: Step, folded: Folded, arrays: Sequence[Array], team: Team, place: Place, room: Any, keep: bool, fuse: bool,
    view: bool,
) -> BoundStep:  # fmt: skip
    """Run a step for the first time.

    Args:
        step: the step.
        folded: its weights.
        arrays: what it reads, channels first, a residual last.
        team: who works.
        place: gives memory for the output.
        room: bytes for what a kernel makes of a whole input, or None.
        keep: whether the calls are wanted again.
        fuse: whether factors and constants for each channel may be worked out as such.
        view: whether the output may be a view of the input.

    Raises:
        ValueError, IndexError, LayerError: where the arrays don't fit.
    """
    layer = step.carrier.layer
    eager = Kernels(team)
    inputs = arrays[: len(step.inputs)]
    residual = arrays[-1] if step.residual is not None else None
    ops = _Once(team, place, room, folded.before, _then(folded, residual, eager), keep)
    kernel = None if is_contraction(layer) else _kernel(layer, inputs, folded.weights, eager, fuse)
    if kernel is not None:
        ops.perform(kernel, [channels_last(array) for array in inputs])
        ((out, done),) = ops.made
        return BoundStep(channels_first(out), done.calls, ops.tally(), done.seconds)
    begun = perf_counter()
    result = layer.forward(ops, *inputs, **folded.weights)
    if ops.made and _is(result, ops.made[0][0]):
        out, done = ops.made[0]
        return BoundStep(out.transpose(_axes(result, out)), done.calls, ops.tally(), done.seconds)
    if ops.is_fused:
        raise ValueError(f"'{step.carrier.name}' does not leave its output to its kernel")
    if view and may_alias(step) and np.may_share_memory(result, inputs[0]):
        return BoundStep(result, [], ops.tally(), perf_counter() - begun)
    last = channels_last(result)
    out = place(last.shape, result.dtype)
    out[...] = last
    seconds = perf_counter() - begun
    again: list[Call] = [(_again, (partial(layer.forward, eager, *inputs, **folded.weights), eager, out), {})]
    return BoundStep(channels_first(out), again if keep else [], ops.tally(), seconds)


def _again(forward: Callable[[], Array], eager: Kernels, out: Array) -> None:
    """Run a whole layer once more."""
    out[...] = channels_last(forward())
    eager.tally()


def _is(result: Array, out: Array) -> bool:
    """Return whether a layer returned what its kernel made, perhaps with its axes in another order."""
    return not result.flags.writeable and result.size == out.size and np.may_share_memory(result, out)


def _axes(result: Array, out: Array) -> tuple[int, ...]:
    """Return the axes of `out` in the order in which `result`, a transposed view of it, has them."""
    if result.shape == channels_first(out).shape and result.strides == channels_first(out).strides:
        rank = out.ndim
        return (0, rank - 1, *range(1, rank - 1)) if rank > 1 else (0,)
    for moved in range(out.ndim):  # a linear layer moves its axis from the end to where it was
        order = [*range(out.ndim - 1)]
        order.insert(moved, out.ndim - 1)
        turned = out.transpose(order)
        if turned.shape == result.shape and turned.strides == result.strides:
            return tuple(order)
    raise ValueError(f"a layer turned its kernel's output {out.shape} into {result.shape}")


def _then(folded: Folded, residual: Array | None, eager: Kernels) -> Then:
    activation = folded.activation
    if residual is None and folded.clip is None and activation is None:
        return NOTHING_THEN
    return Then(residual, folded.clip, partial(activation.layer.forward, eager) if activation is not None else None)


def _kernel(
    layer: Layer, inputs: Sequence[Array], weights: dict[str, Any], eager: Kernels, fuse: bool
) -> Kernel | None:
    """Return the kernel of a layer that NumPy computes element by element; None for all others."""
    if not inputs or inputs[0].ndim < 2:
        return None
    shapes = [channels_last(array).shape for array in inputs]
    if layer.pointwise and not weights:
        return PerElement(shapes[0], partial(layer.forward, eager), layer.clamps())
    if isinstance(layer, ElementwiseMerge) and layer.ufunc and len({array.ndim for array in inputs}) == 1:
        return Merge(shapes, getattr(np, layer.ufunc))
    if fuse and layer.is_affine():
        scale, shift = layer.as_affine(weights)
        return ScaleAndShift(shapes[0], Before(((np.multiply, scale), (np.add, shift))))
    return None
