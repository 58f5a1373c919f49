"""A network of ours as a Keras model, for the converter: channels last, random weights and running statistics.

Zeros would mislead: the converter drops an add of zeros, and a batchnorm that does nothing.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from device_layers import MADE, Call

from cnncalc.deployment.axes import ANY_ORDER, Axes, channels_last, laid
from cnncalc.graph import Graph


def keras_model(network: Graph, seed: int = 0) -> keras.Model:
    """Return the network in Keras' words.  Raises KeyError for a layer type that has none here."""
    rng = np.random.default_rng(seed)
    axes = Axes(network)
    values: dict[Any, Any] = {}
    for tensor in network.inputs.values():
        values[tensor] = keras.Input(laid(tensor.shape, axes.of(tensor)), batch_size=1, name=tensor.name)
    sources = list(values.values())
    for node in network.nodes:
        call = Call(node, [values[one] for one in node.inputs], axes)
        if node.layer.type not in ANY_ORDER:
            orders = [channels_last(len(one.shape)) for one in node.inputs]
            call = call._replace(xs=[call.turned(number, order) for number, order in enumerate(orders)])
        if node.shares is None:
            values[node] = MADE[node.layer.type](call)
        else:  # a layer that pads by another one is not called again
            values[node] = values[node.shares]._keras_history.operation(call.x)
    model = keras.Model(sources, [values[one] for one in network.outputs.values()])
    for variable in model.variables:
        if variable.dtype == "float32":
            variable.assign(_values(variable, rng))
    return model


def _values(variable: Any, rng: np.random.Generator) -> Any:
    shape = variable.shape
    if "variance" in variable.path or "gamma" in variable.path:
        return rng.uniform(0.5, 1.5, shape)
    if len(shape) < 2:
        return rng.uniform(-0.5, 0.5, shape)
    fan_in = np.prod(shape[:-1]) if "depthwise" not in variable.path else np.prod(shape[:2])
    return rng.normal(0, max(fan_in, 1) ** -0.5, shape)
