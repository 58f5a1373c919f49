"""Fold the weights of a step's nodes into the weights of its main node, so that one kernel does the work of several
layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from cnncalc.execution.kernels.kernel import NOTHING_BEFORE, Before, Clip, HeldWeight
from cnncalc.execution.kernels.rows import RowOperation
from cnncalc.execution.plan import Step, is_contraction, is_padded, is_point
from cnncalc.execution.weights import node_weights
from cnncalc.graph import Node
from cnncalc.layers.interfaces import Array

FLATTEST = 1000.0
"""The largest shift, in multiples of the scale, that may be moved out of a rectifier; a larger one would lose digits.
"""


class Folded(NamedTuple):
    """The folded weights of a step, and what remains to be done around its kernel.

    Attributes:
        weights: what the carrier's `forward` takes: `HeldWeight` ones of a contraction, plain arrays of all others.
        before: operations on the carrier's input.
        clip: bounds to which its output is clipped at the end; None if it is not, or if `activation` does it.
        activation: the node that is applied to the output at the end, if it is not a clip.
    """

    weights: dict[str, Any]  # a layer's `forward` passes a HeldWeight to `ops` in place of an array
    before: Before = NOTHING_BEFORE
    clip: Clip | None = None
    activation: Node | None = None


NOT_FOLDED = Folded({})


def fold(step: Step, given: Mapping[str, Array], owned: bool, shared: dict[str, HeldWeight]) -> Folded:
    """Fold the factors and constants of a step into its carrier's weights, or into operations on its input.

    Args:
        step: the step.
        given: all weights of the network.
        owned: whether only this step needs the carrier's weights: they are then changed in place, and freed once a
            kernel has packed them.
        shared: unfolded weights that several steps use, by name; the first use adds them.

    Raises:
        ValueError: if weights don't fit each other.
    """
    weights = node_weights(step.carrier, given)
    if not is_contraction(step.carrier.layer):
        return Folded(weights)
    plain = dict(weights)
    before = _before(step, weights, given, owned) if step.before else NOTHING_BEFORE
    clip: Clip | None = None
    activation = None
    for node in step.after:
        if node.layer.is_affine():
            scale, shift = node.layer.as_affine(node_weights(node, given))
            weight = weights["weight"]
            weights["weight"] = _scaled(weight, scale.reshape(-1, *(1,) * (weight.ndim - 1)), owned)
            weights["bias"] = shift + weights["bias"] * scale if "bias" in weights else shift
        elif (clamps := node.layer.clamps()) is not None:
            clip = clamps
        elif node.layer.pointwise:
            activation = node
    owner = (step.carrier.shares or step.carrier).name
    held: dict[str, HeldWeight] = {}
    for name, array in weights.items():
        own = owned or array is not plain.get(name)
        held[name] = HeldWeight(array, owned=True) if own else shared.setdefault(f"{owner}.{name}", HeldWeight(array))
    return Folded(held, before, clip, activation)


def _scaled(weight: Array, factors: Array, owned: bool) -> Array:
    """Multiply a weight; in place if only the convolution uses it, for it is the run's own copy."""
    in_place = owned and weight.ndim > 2
    return np.multiply(weight, factors, out=weight if in_place else None)


def _before(step: Step, weights: dict[str, Array], given: Mapping[str, Array], owned: bool) -> Before:
    """Return the operations that a factor and a constant, a rectifier, or both before a convolution amount to.

    Where the scale is positive, max(scale · x + shift, 0) = scale · max(x, −shift / scale) + shift: without padding,
    everything but the maximum can be folded into the convolution's weight and bias.
    """
    first, last = step.before[0], step.before[-1]
    if not first.layer.is_affine():
        return Before((), first.layer.clamps())
    scale, shift = first.layer.as_affine(node_weights(first, given))
    clip = last.layer.clamps() if last is not first else None
    if clip != (0.0, np.inf) or not _unpadded_point(step.carrier) or not _keeps_digits(scale, shift):
        return Before((RowOperation(scale, np.multiply), RowOperation(shift, np.add)), clip)
    weight = weights["weight"]
    constant = (weight.reshape(weight.shape[:2]) @ shift).astype(weight.dtype)
    weights["bias"] = constant + weights["bias"] if "bias" in weights else constant
    weights["weight"] = _scaled(weight, scale.reshape(1, -1, *(1,) * (weight.ndim - 2)), owned)
    return Before((RowOperation(-shift / scale, np.maximum),))


def _keeps_digits(scale: Array, shift: Array) -> bool:
    """Return whether all scales are positive and no shift is so large that digits would be lost."""
    return bool((FLATTEST * scale > np.abs(shift)).all())


def _unpadded_point(node: Node) -> bool:
    """Return whether a node is a 1×1 convolution in one group without padding."""
    channels = node.use.inputs[0][0]
    return node.use.weights["weight"].shape[1] == channels and is_point(node) and not is_padded(node)
