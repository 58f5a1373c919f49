"""Expected activation scale per tensor, estimated by pushing a small sample through the network.

Random weights are scaled by it, as He et al. 2015 (arXiv:1502.01852) do for chains of rectifiers: a residual
that is added or a gate that multiplies changes the scale too, and 150 layers must not make it infinite.
"""

from __future__ import annotations

import math
from collections import Counter
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from cnncalc.execution.kernels import Kernels
from cnncalc.graph import Graph, Node, Tensor
from cnncalc.layers.interfaces import Array
from cnncalc.layers.merge._elementwise import ElementwiseMerge

if TYPE_CHECKING:
    import numpy.typing as npt

SAMPLES = 512
MEAN_SQUARES = (1e-6, 1e6)  # mean squares that weights are scaled by
MOST_ELEMENTS = 1 << 14  # elements of a tensor that a sample is made into
LONGEST_EDGE = 1 << 10  # largest number of elements of a window that are compared
SPREAD = 0.25  # scales and variances are drawn from 1 ± this
NEAR_ZERO = 0.1  # biases and means from 0 ± this
WIDENED = 8  # silu lets a larger share of large numbers through: ignoring that, they would grow from layer to layer
NORM_GAIN = (1 + SPREAD**2 / 3) * (1 + NEAR_ZERO**2 / 3) * math.log((1 + SPREAD) / (1 - SPREAD)) / (
    2 * SPREAD
) + NEAR_ZERO**2 / 3
"""Mean square after a normalisation whose scales, shifts and statistics are drawn from these intervals."""


def mean_squares(network: Graph) -> dict[Tensor, float]:
    """Return the expected mean square of every tensor, inputs being standard normal."""
    stream = np.random.default_rng(0)
    samples: dict[Tensor, Array] = {tensor: stream.standard_normal(SAMPLES) for tensor in network.inputs.values()}
    squares = {tensor: _mean_square(sample) for tensor, sample in samples.items()}
    readings = Counter(tensor for node in network.nodes for tensor in node.inputs)
    with np.errstate(all="ignore"):  # a logarithm has no value below 0
        for node in network.nodes:
            sample = _sample_of(node, [samples[tensor] for tensor in node.inputs], stream)
            samples[node], squares[node] = sample, _mean_square(sample)
            readings.subtract(node.inputs)
            for tensor in node.inputs:
                if not readings[tensor]:
                    samples.pop(tensor, None)
    return squares


def _mean_square(sample: Array) -> float:
    """Return the mean square of a sample's finite elements, within bounds: a logarithm has no value below 0."""
    mean = np.add.reduce(np.square(sample)) / len(sample)
    if not math.isfinite(mean):
        finite = sample[np.isfinite(sample)]
        mean = np.mean(finite**2) if finite.size else 1.0
    least, most = MEAN_SQUARES
    return float(min(max(mean, least), most))


def _sample_of(node: Node, incoming: list[Array], stream: np.random.Generator) -> Array:
    """Return a sample of a node's output; by default the sample of its first input."""
    layer, kind = node.layer, node.layer.kind
    if not incoming or kind in ("conv", "fc", "recurrent"):
        return stream.standard_normal(SAMPLES)  # their weights are scaled for it
    if kind == "norm" and node.use.weights:
        scaled: Array = stream.standard_normal(SAMPLES) * NORM_GAIN**0.5
        return scaled
    if isinstance(layer, ElementwiseMerge):
        merged: Array = layer.forward(Kernels(), *(sample[None] for sample in incoming))[0]
        return merged
    if kind == "activation" and not layer.pointwise and not node.use.weights:
        return _whole(node, incoming[0], stream)
    if kind == "activation" and not node.use.weights:
        near, far = (layer.forward(Kernels(), factor * incoming[0][None])[0] / factor for factor in (1, WIDENED))
        likeliest: Array = near if np.square(near).sum() >= np.square(far).sum() else far
        return likeliest
    if layer.type == "concat":
        shares = np.cumsum([prod(tensor.shape) for tensor in node.inputs], dtype=float)
        chosen: npt.NDArray[np.intp] = np.searchsorted(shares / shares[-1], np.arange(SAMPLES) / SAMPLES, side="right")
        return np.choose(stream.permutation(chosen), incoming) if len(incoming) < 32 else incoming[-1]
    if kind == "pool" and "max" in layer.type:  # neighbours are correlated: take as many as an edge is long
        taps = prod(node.inputs[0].shape) / max(prod(node.shape), 1)
        joined: Array = stream.choice(incoming[0], (min(math.ceil(taps**0.5), LONGEST_EDGE), SAMPLES)).max(axis=0)
        return joined
    return incoming[0]


def _whole(node: Node, sample: Array, stream: np.random.Generator) -> Array:
    """Return a sample of the output of a layer whose elements depend on each other, such as softmax. The layer is
    applied to a tensor with all axes of the node's input; the longest is shortened if there are very many elements.
    """
    shape = list(node.inputs[0].shape)
    while prod(shape) > MOST_ELEMENTS:
        shape[shape.index(max(shape))] //= 2
    out = node.layer.forward(Kernels(), stream.choice(sample, (1, *shape)))
    return stream.choice(out.reshape(-1), SAMPLES)
