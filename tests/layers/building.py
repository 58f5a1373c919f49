"""Layers and their uses from items as a spec writes them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from cnncalc.layers import LayerError, layer_type
from cnncalc.layers.base import Layer, Use
from cnncalc.layers.shapes import Shape

# The layer types that the specification of the language names.
# fmt: off
NAMES = [
    "conv", "conv_transpose", "locally_connected", "linear", "maxpool", "avgpool", "lppool",
    "adaptive_avgpool", "adaptive_maxpool", "global_avgpool", "global_maxpool", "batchnorm", "layernorm",
    "groupnorm", "instancenorm", "lrn", "relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "gelu",
    "silu", "mish", "hardswish", "hardsigmoid", "hardtanh", "sigmoid", "tanh", "softplus", "softmax",
    "log_softmax", "dropout", "identity", "scale", "flatten", "reshape", "permute", "pad", "center_crop",
    "slice", "upsample", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "add", "subtract",
    "multiply", "maximum", "concat",
    "abs", "ceil", "cos", "erf", "exp", "floor", "log", "neg", "reciprocal", "round", "sign", "sin", "softsign", "sqrt", "trunc", "atan",
    "divide", "minimum", "power", "where", "compare",
    "mean", "sum", "max", "min", "prod", "norm1", "norm2", "argmax", "cumsum", "topk",
    "matmul", "attention", "rotary", "einsum",
    "lstm", "gru", "rnn",
    "rmsnorm", "l2_normalize",
    "shift", "affine", "parameter", "embedding", "quantize",
    "select", "gather", "gather_elements", "scatter", "grid_sample", "expand", "tile", "trilu", "fold", "unfold", "im2col", "col2im",
]
# fmt: on


def known(name: str) -> type[Layer]:
    """Return the class of a layer type that there is."""
    cls = layer_type(name)
    assert cls is not None, name
    return cls


def make(item: str) -> Layer:
    """Return the layer of an item: ``relu``, ``linear: 10`` or ``conv: {out_channels: 8, …}``."""
    content = yaml.safe_load(item)
    name, given = (content, {}) if isinstance(content, str) else next(iter(content.items()))
    cls = known(name)
    if not isinstance(given, dict):
        given = {next(iter(cls.arguments)): given}
    return cls(**{argument: frozen(value) for argument, value in given.items()})


def use(item: str, *inputs: Shape) -> Use:
    """Return the use of an item's layer on inputs of the given shapes."""
    return make(item).apply(inputs)


def refusal(item: str, *inputs: Shape) -> LayerError:
    """Return the error that an item, or its use, gives."""
    with pytest.raises(LayerError) as caught:
        use(item, *inputs)
    return caught.value


def frozen(value: Any) -> Any:
    return tuple([frozen(part) for part in value]) if isinstance(value, list) else value
