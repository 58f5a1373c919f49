"""A step of the plan with its weights: folded once, run as often as wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from cnncalc.execution.kernels.engine import After, Before
from cnncalc.execution.plan import CLIPS, Step, is_point, pads
from cnncalc.execution.weights import node_weights

if TYPE_CHECKING:
    from cnncalc.execution.kernels import Kernels
    from cnncalc.execution.kernels.tape import Tape
    from cnncalc.graph import Node, Tensor
    from cnncalc.layers.ops import Array


FLATTEST = 1000.0  # the largest shift, in scales, that may be taken out of a rectifier: beyond, digits would be lost


class Operation:
    """What one step computes."""

    def __init__(self, step: Step, weights: Mapping[str, Array], alone: bool = False) -> None:
        """Fold the batchnorms of a step into its carrier's weights or into one scale and shift.

        Where it is alone in using them, a convolution's are changed in place, and let go once the kernel has them
        in a form of its own.

        Raises:
            ValueError: where weights don't fit each other.
        """
        self.step = step
        self.inputs = step.inputs
        self.output = step.output
        self.reads = (*step.inputs, step.residual) if step.residual else step.inputs
        self.forward = step.carrier.layer.forward
        self.weights = node_weights(step.carrier, weights)
        self.alone = alone
        self.spares = alone and "weight" in self.weights
        self.before: Before | None = None
        self.clip: tuple[float, float] | None = None
        self.activation: Node | None = None
        if step.before:
            self.before = self._before(weights)
        for node in step.after:
            if node.layer.type == "batchnorm":
                self._fold(*_affine(node, weights))
            elif node.layer.type in CLIPS:
                self.clip = CLIPS[node.layer.type]
            elif node.layer.kind == "activation":
                self.activation = node
        self.after = After(None, self.clip) if self.clip is not None else None
        self.tape: Tape | None = None
        self.packed = False
        self.records = step.is_kernel

    def run(self, kernels: Kernels, values: Mapping[Tensor, Array]) -> Array:
        """Return the step's output, of the tensors that it reads.

        What is run again is recorded, and from then on the tape is played, as long as memory allows.
        """
        arrays = [values[tensor] for tensor in self.reads]
        result = self._played(arrays)
        if result is None and self.packed and self.records:
            self.tape = kernels.engine.record(partial(self._run, kernels), arrays)
            self.records = self.tape is not None
            result = self._played(arrays)
        if result is None:
            result = self._run(kernels, arrays)
            self.packed = True
        return result

    def _played(self, arrays: Sequence[Array]) -> Array | None:
        return None if self.tape is None else self.tape.play(arrays)

    def _run(self, kernels: Kernels, arrays: Sequence[Array]) -> Array:
        """Let the carrier's kernel do all that there is to do."""
        engine = kernels.engine
        engine.before, engine.again = self.before, self.step.again
        engine.after = self.after
        if self.step.residual is not None or self.activation is not None:
            activation = partial(self.activation.layer.forward, kernels) if self.activation else None
            residual = None if self.step.residual is None else arrays[-1]
            engine.after = After(residual, self.clip, activation)
        result = self.forward(kernels, *arrays[: len(self.inputs)], **self.weights)
        if self.spares:
            self.weights["weight"] = engine.spared(self.weights["weight"])
            self.spares = False
        if engine.refused:
            raise ValueError(f"the tensors that '{self.output.name}' joins have other shapes than inferred")
        return result

    def _fold(self, scale: Array, shift: Array) -> None:
        """Scale the rows of the carrier's weight, and shift its bias accordingly."""
        weights = self.weights
        self._scale(scale.reshape(-1, *(1,) * (weights["weight"].ndim - 1)))
        weights["bias"] = shift + weights["bias"] * scale if "bias" in weights else shift

    def _scale(self, factors: Array) -> None:
        """Multiply the carrier's weight; in place where it is a convolution's, a copy that is the run's own."""
        weight = self.weights["weight"]
        own = self.alone and weight.ndim > 2
        self.weights["weight"] = np.multiply(weight, factors, out=weight if own else None)

    def _before(self, given: Mapping[str, Array]) -> Before:
        """Return the operations that a batchnorm, a rectifier, or both before a convolution amount to.

        Where the scale is positive, max(scale · x + shift, 0) = scale · max(x, −shift / scale) + shift: if nothing
        is padded, all but the maximum is a matter of the convolution's weight and bias.
        """
        first, last = self.step.before[0], self.step.before[-1]
        if first.layer.type in CLIPS:
            return Before((), CLIPS[first.layer.type])
        scale, shift = _affine(first, given)
        rectifier = last.layer.type if last is not first else None
        if rectifier != "relu" or not _unpadded_point(self.step.carrier) or not _steep(scale, shift):
            clip = CLIPS[rectifier] if rectifier else None
            return Before(((np.multiply, scale), (np.add, shift)), clip)
        weights = self.weights
        weight = weights["weight"]
        constant = (weight.reshape(weight.shape[:2]) @ shift).astype(weight.dtype)
        weights["bias"] = constant + weights["bias"] if "bias" in weights else constant
        self._scale(scale.reshape(1, -1, *(1,) * (weight.ndim - 2)))
        return Before(((np.maximum, -shift / scale),))


def _affine(node: Node, weights: Mapping[str, Array]) -> tuple[Array, Array]:
    """Return the scale and the shift that a batchnorm with running statistics amounts to."""
    weights = node_weights(node, weights)
    variance = weights["running_var"]
    scale: Any = 1 / np.sqrt(variance.astype(np.float64) + node.layer.__dict__["eps"])
    shift = -weights["running_mean"] * scale
    if "weight" in weights:
        scale = scale * weights["weight"]
        shift = shift * weights["weight"]
    if "bias" in weights:
        shift = shift + weights["bias"]
    return scale.astype(variance.dtype), shift.astype(variance.dtype)


def _steep(scale: Array, shift: Array) -> bool:
    """Tell whether all scales are positive, and no shift would drown the digits of what it is added to."""
    return bool((FLATTEST * scale > np.abs(shift)).all())


def _unpadded_point(node: Node) -> bool:
    """Tell whether a node convolves with a kernel of one tap and pads nothing."""
    return node.layer.__dict__["groups"] == 1 and is_point(node) and not pads(node)
