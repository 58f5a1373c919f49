"""How far rounding may move a network's outputs, found by disturbing every tensor a little, not only the inputs.

A sum is rounded in proportion to the terms that were summed, not to what is left of them: the mean of a normalised
map is 0 but for rounding. So every output of a layer is disturbed by a share of the magnitude of its terms, and
what the layers behind make of that is computed as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnncalc.execution.kernels import Kernels
from cnncalc.execution.weights import node_weights
from cnncalc.graph import Graph, Node
from cnncalc.layers.normalization.instancenorm import InstanceNorm
from cnncalc.layers.normalization.layernorm import LayerNorm

SUMS = {"sum", "mean", "cumsum", "avgpool", "adaptive_avgpool", "global_avgpool", "add", "conv", "conv_transpose"} | {
    "linear", "locally_connected", "matmul", "einsum", "upsample", "fold"
}  # fmt: skip
"""Layer types whose output for the magnitudes of inputs and weights is the magnitude of their terms."""

Arrays = dict[str, Any]


def disturbed(network: Graph, weights: Arrays, inputs: Arrays, share: float, every: bool = False) -> Arrays:
    """Return the outputs, or what ``every`` layer gives by its name, when each input and each layer's output is off by up to a share of its terms' magnitude.

    Args:
        network: what is run, layer by layer.
        weights: its tensors in float64.
        inputs: arrays in float64.
        share: of the magnitude; 0 disturbs nothing.
        every: whether the outputs of all layers are wanted.
    """
    values: dict[Any, Any] = {}
    for name, tensor in network.inputs.items():
        values[tensor] = _off(inputs[name], np.abs(inputs[name]), share)
    for node in network.nodes:
        incoming = [values[tensor] for tensor in node.inputs]
        own = node_weights(node, weights)
        out = np.array(node.layer.forward(Kernels(), *incoming, **own))
        values[node] = _off(out, _terms(node, out, incoming, own), share)
    wanted = {node.name: node for node in network.nodes} if every else network.outputs
    return {name: values[tensor] for name, tensor in wanted.items()}


def _off(array: Any, terms: Any, share: float) -> Any:
    return array + share * terms * (0.5 + np.cos(np.arange(array.size))).reshape(array.shape)


def _terms(node: Node, out: Any, incoming: list[Any], weights: Arrays) -> Any:
    """Return the magnitude of the terms of each output element, or the element's own without a sum."""
    layer = node.layer
    if layer.type == "subtract":
        return sum(np.abs(array) for array in incoming)
    if layer.is_affine():
        scale, shift = (figure.reshape(-1, *(1,) * (out.ndim - 2)) for figure in layer.as_affine(weights))
        return np.abs(scale) * np.abs(incoming[0]) + np.abs(shift)
    if layer.kind == "recurrent":  # (1 − z)·n of a gate that is 1 but for rounding is 0
        return np.maximum(np.abs(out), 1.0)
    if layer.kind == "norm" and layer.type != "lrn":  # the mean is subtracted before the rest is enlarged
        (x,) = incoming
        if isinstance(layer, (InstanceNorm, LayerNorm)):  # constant elements become nothing but rounding
            over = layer.over(x.shape[1:]) if isinstance(layer, LayerNorm) else range(1, x.ndim - 1)
            axes = tuple([axis + 1 for axis in over])
            gain = 1 / np.sqrt(x.var(axes, keepdims=True) + layer.eps)
            return np.abs(out) + np.abs(x).max(axes, keepdims=True) * gain * np.abs(weights.get("weight", 1.0)).max()
        return np.abs(out) + np.abs(x).max() * out.std() / max(x.std(), 1e-30)
    if layer.type in SUMS:
        magnitudes = {name: np.abs(array) for name, array in weights.items()}
        return np.maximum(np.abs(out), layer.forward(Kernels(), *map(np.abs, incoming), **magnitudes))
    return np.abs(out)
