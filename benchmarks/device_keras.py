"""A network of ours as a Keras model, for the converter: channels last, random weights and running statistics.

Zeros would mislead: the converter drops an add of zeros, and a batchnorm that does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers as kl

from cnncalc.deployment.axes import ANY_ORDER, Axes, channels_last, laid, rows_last
from cnncalc.graph import Graph, Node
from cnncalc.layers.reduction._reduction import axis_indices
from cnncalc.layers.shapes import axis_index
from cnncalc.layers.window import same_pad

_axes: list[Axes] = []
"""The order of the axes of the network at hand."""


def keras_model(network: Graph, seed: int = 0) -> keras.Model:
    """Return the network in Keras' words.  Raises KeyError for a layer type that has none here."""
    rng = np.random.default_rng(seed)
    values: dict[Any, Any] = {}
    _axes[:] = [Axes(network)]
    for tensor in network.inputs.values():
        values[tensor] = keras.Input(laid(tensor.shape, _order(tensor)), batch_size=1, name=tensor.name)
    sources = list(values.values())
    for node in network.nodes:
        last = node.layer.type not in ANY_ORDER
        xs = [_turned(one, values[one], channels_last(len(one.shape)) if last else _order(one)) for one in node.inputs]
        values[node] = _MADE[node.layer.type](node, xs)
    model = keras.Model(sources, [values[one] for one in network.outputs.values()])
    for variable in model.variables:
        if variable.dtype == "float32":
            variable.assign(_values(variable, rng))
    return model


def _order(tensor: Any) -> tuple[int, ...]:
    return _axes[0].of(tensor)


def _place(tensor: Any, x: Any, axis: int) -> int:
    """Return an axis of a tensor of the network, counted in Keras' tensor."""
    return _order(tensor).index(axis) + len(x.shape) - len(tensor.shape)


def _turned(tensor: Any, x: Any, order: tuple[int, ...]) -> Any:
    """Return a tensor with its axes in an order."""
    lies = _order(tensor)
    if isinstance(x, np.ndarray):
        return x.transpose([0, *[lies.index(axis) + 1 for axis in order]])
    return x if lies == order else kl.Permute([lies.index(axis) + 1 for axis in order])(x)


def _values(variable: Any, rng: np.random.Generator) -> Any:
    shape = variable.shape
    if "variance" in variable.path or "gamma" in variable.path:
        return rng.uniform(0.5, 1.5, shape)
    if len(shape) < 2:
        return rng.uniform(-0.5, 0.5, shape)
    fan_in = np.prod(shape[:-1]) if "depthwise" not in variable.path else np.prod(shape[:2])
    return rng.normal(0, max(fan_in, 1) ** -0.5, shape)


def _last(shape: Any) -> tuple[int, ...]:
    return (*shape[1:], shape[0])


def _padded(node: Node, x: Any, count: bool = True) -> tuple[Any, str]:
    """Return the input, padded where TensorFlow's own padding is another, and the padding's word for the layer."""
    found = node.layer.described(*node.use.inputs)
    sizes, kernel, stride = node.use.inputs[0][1:], found["kernel_size"], found["stride"]
    dilation = found.get("dilation") or (1,) * len(kernel)
    pads, whole = [], []
    for size, k, s, d, (before, after), out in zip(
        sizes, kernel, stride, dilation, found["padding"], node.shape[1:], strict=True
    ):
        reach = (out - 1) * s + d * (k - 1) + 1
        pads.append((before, max(reach - size - before, 0)))
        whole.append((before, max(after, pads[-1][1])))
    same = [same_pad(*axis) for axis in zip(sizes, kernel, stride, dilation, strict=True)]
    if not any(sum(pair) for pair in pads):
        return x, "valid"
    if pads == same and (count or not any(sum(pair) for pair in found["padding"])):
        return x, "same"
    return _pad(x, whole), "valid"


def _pad(x: Any, pads: Any) -> Any:
    return kl.ZeroPadding2D(tuple(pads))(x) if len(pads) == 2 else kl.ZeroPadding1D(pads[0])(x)


def _padding(node: Node, xs: list[Any]) -> Any:
    layer = node.layer
    if layer.mode == "constant" and not layer.value and layer.channels == (0, 0):
        return _pad(xs[0], layer.padding)
    borders = [(0, 0), *layer.padding, layer.channels]
    mode = "REFLECT" if layer.mode == "reflect" else "CONSTANT"
    return kl.Lambda(lambda y: tf.pad(y, borders, mode, layer.value))(xs[0])


def _conv(node: Node, xs: list[Any]) -> Any:
    layer, (x,) = node.layer, xs
    channels = node.use.inputs[0][0]
    x, padding = _padded(node, x)
    rank = len(node.shape) - 1
    options: dict[str, Any] = {
        "kernel_size": layer.kernel_size, "strides": layer.stride, "dilation_rate": layer.dilation,
        "padding": padding, "use_bias": layer.bias,
    }  # fmt: skip
    if layer.groups == channels and layer.groups > 1 and rank < 3:
        depthwise = kl.DepthwiseConv2D if rank == 2 else kl.DepthwiseConv1D
        return depthwise(depth_multiplier=layer.out_channels // channels, **options)(x)
    of_rank = {1: kl.Conv1D, 2: kl.Conv2D, 3: kl.Conv3D}[rank]
    return of_rank(layer.out_channels, groups=layer.groups, **options)(x)


def _conv_transpose(node: Node, xs: list[Any]) -> Any:
    layer = node.layer
    found = node.layer.described(*node.use.inputs)
    word = "same" if _as_tensorflow(node, found["padding"]) else "valid"
    y = kl.Conv2DTranspose(layer.out_channels, layer.kernel_size, layer.stride, word, use_bias=layer.bias)(xs[0])
    (top, _), (left, _) = found["padding"]
    h, w = node.shape[1:]
    return y if y.shape[1:3] == (h, w) else y[:, top : top + h, left : left + w, :]


def _as_tensorflow(node: Node, cuts: Any) -> bool:
    """Whether a transposed convolution ends at in·stride and starts where TensorFlow's does."""
    layer, sizes = node.layer, node.use.inputs[0][1:]
    return all(
        out == size * s and before == max(k - s, 0) // 2
        for out, size, s, k, (before, _) in zip(
            node.shape[1:], sizes, layer.stride, layer.kernel_size, cuts, strict=True
        )
    )


def _pool(make: Any, node: Node, xs: list[Any]) -> Any:
    counted = make is kl.MaxPooling2D or not node.layer.count_include_pad
    x, padding = _padded(node, xs[0], counted)
    rank = len(node.shape) - 1
    make = make if rank == 2 else {kl.MaxPooling2D: kl.MaxPooling1D, kl.AveragePooling2D: kl.AveragePooling1D}[make]
    return make(node.layer.kernel_size, node.layer.stride, padding)(x)


def _global(make: Any) -> Callable[[Node, list[Any]], Any]:
    one = {kl.GlobalAveragePooling2D: kl.GlobalAveragePooling1D, kl.GlobalMaxPooling2D: kl.GlobalMaxPooling1D}[make]
    return lambda node, xs: (make if len(node.shape) == 3 else one)(keepdims=True)(xs[0])


def _flatten(node: Node, xs: list[Any]) -> Any:
    return kl.Flatten()(xs[0])


def _adaptive(node: Node, xs: list[Any]) -> Any:
    sizes, out = node.use.inputs[0][1:], node.shape[1:]
    if sizes == out:
        return xs[0]
    steps = tuple([size // o for size, o in zip(sizes, out, strict=True)])
    if any(size % o for size, o in zip(sizes, out, strict=True)):
        raise KeyError("adaptive_avgpool with bins of several sizes")
    return kl.AveragePooling2D(steps, steps)(xs[0])


def _linear(node: Node, xs: list[Any]) -> Any:
    return kl.Dense(node.layer.out_features, use_bias=node.layer.bias)(xs[0])


def _activation(name: str) -> Callable[[Node, list[Any]], Any]:
    return lambda node, xs: kl.Activation(name)(xs[0])


def _upsample(node: Node, xs: list[Any]) -> Any:
    h, w = node.shape[1:]
    method = "bilinear" if node.layer.mode == "linear" else "nearest"
    aligned = node.layer.align_corners

    def resized(x: Any) -> Any:
        if method == "bilinear":
            return tf.compat.v1.image.resize_bilinear(x, (h, w), align_corners=aligned, half_pixel_centers=not aligned)
        return tf.image.resize(x, (h, w), method)

    return kl.Lambda(resized)(xs[0])


def _slice(node: Node, xs: list[Any]) -> Any:
    layer, (tensor,) = node.layer, node.inputs
    at = _place(tensor, xs[0], axis_index(layer.axis, tensor.shape))
    cut: list[Any] = [slice(None)] * len(xs[0].shape)
    cut[at] = layer.index if layer.type == "select" else slice(layer.start, layer.stop, layer.step)
    return xs[0][tuple(cut)]


def _reduced(name: str) -> Callable[[Node, list[Any]], Any]:
    """Return the maker of a reduction over any axes."""

    def made(node: Node, xs: list[Any]) -> Any:
        (tensor,) = node.inputs
        axes = sorted([_place(tensor, xs[0], axis) for axis in axis_indices(node.layer.axis, tensor.shape)])
        reduce = getattr(tf, f"reduce_{name}")
        return kl.Lambda(lambda x: reduce(x, axes, keepdims=node.layer.keepdims))(xs[0])

    return made


def _softmax(node: Node, xs: list[Any]) -> Any:
    return kl.Softmax(axis=_place(node.inputs[0], xs[0], axis_index(node.layer.axis, node.shape)))(xs[0])


def _gather(node: Node, xs: list[Any]) -> Any:
    axis = _place(node.inputs[0], xs[0], axis_index(node.layer.axis, node.inputs[0].shape))
    return kl.Lambda(lambda x: tf.gather(x, node.layer.indices, axis=axis))(xs[0])


def _expand(node: Node, xs: list[Any]) -> Any:
    return kl.Lambda(lambda x: tf.broadcast_to(x, (1, *laid(node.shape, _order(node)))))(xs[0])


def _merged(make: Any, function: Callable[[Any, Any], Any]) -> Callable[[Node, list[Any]], Any]:
    """Return the maker of a merge: Keras' layer, or TensorFlow's operation where an input is a constant."""

    def made(node: Node, xs: list[Any]) -> Any:
        same = [one for one in node.inputs if len(one.shape) == len(node.shape)]
        if len(same) == len(xs):
            xs = [_turned(one, x, _order(node)) for one, x in zip(node.inputs, xs, strict=True)]
        if all(isinstance(x, np.ndarray) for x in xs):
            return function(*xs)
        if not any(isinstance(x, np.ndarray) for x in xs):
            return make()(xs)
        (flow,) = [x for x in xs if not isinstance(x, np.ndarray)]
        return kl.Lambda(lambda y: function(*[x if isinstance(x, np.ndarray) else y for x in xs]))(flow)

    return made


def _joined(node: Node, xs: list[Any]) -> Any:
    xs = [_turned(one, x, _order(node)) for one, x in zip(node.inputs, xs, strict=True)]
    axis = _order(node).index(axis_index(node.layer.axis, node.shape)) + len(xs[0].shape) - len(node.shape)
    flows = [x for x in xs if not isinstance(x, np.ndarray)]
    if len(flows) == len(xs):
        return kl.Concatenate(axis=axis)(xs)
    return kl.Lambda(lambda y: tf.concat([x if isinstance(x, np.ndarray) else y for x in xs], axis))(flows[0])


def _parameter(node: Node, xs: list[Any]) -> Any:
    shape = (1, *laid(node.shape, _order(node)))
    return np.random.default_rng(node.index).uniform(0.1, 0.5, shape).astype("float32")


def _attention(node: Node, xs: list[Any]) -> Any:
    layer, rank = node.layer, len(node.shape)
    order = rows_last(rank, layer.features_first)
    q, k, v = [_turned(one, x, order) for one, x in zip(node.inputs[:3], xs[:3], strict=True)]
    scale = q.shape[-1] ** -0.5 if layer.scale is None else layer.scale
    q = kl.Lambda(lambda x: x * scale)(q) if layer.scaled in ("queries", "both") else q
    k = kl.Lambda(lambda x: x * scale)(k) if layer.scaled == "both" else k
    logits = kl.Lambda(lambda both: tf.matmul(both[0], both[1], transpose_b=True))([q, k])
    logits = kl.Lambda(lambda x: x * scale)(logits) if layer.scaled == "logits" else logits
    for one, bias in zip(node.inputs[3:], xs[3:], strict=True):
        given = _turned(one, bias, tuple(range(rank)))
        logits = _summed(logits, given)
    return kl.Lambda(lambda both: tf.matmul(both[0], both[1]))([kl.Softmax()(logits), v])


def _matmul(node: Node, xs: list[Any]) -> Any:
    layer, order = node.layer, tuple(range(len(node.shape)))
    a, b = [_turned(one, x, order) for one, x in zip(node.inputs, xs, strict=True)]
    turned = (layer.transpose_a, layer.transpose_b)
    return kl.Lambda(lambda both: tf.matmul(both[0], both[1], *turned))([a, b])


def _summed(x: Any, given: Any) -> Any:
    return kl.Lambda(lambda y: y + given)(x) if isinstance(given, np.ndarray) else kl.Add()([x, given])


def _affine(node: Node, xs: list[Any]) -> Any:
    mul, add = node.layer.mul, node.layer.add

    def made(x: Any) -> Any:
        if mul == -1:
            return add - x if add else -x
        x = x * mul if mul != 1 else x
        return x + add if add > 0 else x - -add if add else x

    return kl.Lambda(made)(xs[0])


def _crop(node: Node, xs: list[Any]) -> Any:
    shape = node.use.inputs[0]
    starts = [(have - size) // 2 for have, size in zip(shape[1:], node.shape[1:], strict=True)]
    return xs[0][(slice(None), *[slice(a, a + n) for a, n in zip(starts, node.shape[1:], strict=True)])]


def _shuffle(node: Node, xs: list[Any]) -> Any:
    *sizes, channels = _last(node.shape)
    groups, turned = node.layer.groups, [*range(1, len(sizes) + 1), len(sizes) + 2, len(sizes) + 1]
    y = kl.Reshape((*sizes, groups, channels // groups))(xs[0])
    return kl.Reshape((*sizes, channels))(kl.Permute(turned)(y))


def _reshape(node: Node, xs: list[Any]) -> Any:
    (tensor,) = node.inputs
    return kl.Reshape(laid(node.shape, _order(node)))(_turned(tensor, xs[0], _axes[0].needed[node]))


def _scale(node: Node, xs: list[Any]) -> Any:
    """Return a map with factors, and perhaps a shift: constants, as own layers don't convert."""
    rng = np.random.default_rng(node.index)
    chosen = node.layer.shape or (node.shape[0], *(1,) * (len(node.shape) - 1))
    shape = laid(chosen, _order(node))
    while len(shape) and shape[0] == 1:
        shape = shape[1:]
    if node.layer.type == "shift":
        shift = rng.uniform(0.1, 0.5, shape).astype("float32")
        return kl.Lambda(lambda x: x + shift)(xs[0])
    factor = rng.uniform(0.5, 1.5, shape).astype("float32")
    shift = rng.uniform(0.1, 0.5, shape).astype("float32")
    return kl.Lambda(lambda x: x * factor + shift if node.layer.bias else x * factor)(xs[0])


_MADE: dict[str, Callable[[Node, list[Any]], Any]] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "linear": _linear,
    "batchnorm": lambda node, xs: kl.BatchNormalization(epsilon=node.layer.eps)(xs[0]),
    "layernorm": lambda node, xs: kl.LayerNormalization(epsilon=node.layer.eps)(xs[0]),
    "groupnorm": lambda node, xs: kl.GroupNormalization(node.layer.num_groups, epsilon=node.layer.eps)(xs[0]),
    "scale": _scale,
    "shift": _scale,
    "affine": _affine,
    "attention": _attention,
    "matmul": _matmul,
    "parameter": _parameter,
    "expand": _expand,
    "gather": _gather,
    "permute": lambda node, xs: xs[0],
    "select": _slice,
    "power": lambda node, xs: kl.Lambda(lambda x: x**node.layer.exponent)(xs[0]),
    "abs": lambda node, xs: kl.Lambda(tf.abs)(xs[0]),
    "sin": lambda node, xs: kl.Lambda(tf.sin)(xs[0]),
    "cos": lambda node, xs: kl.Lambda(tf.cos)(xs[0]),
    "exp": lambda node, xs: kl.Lambda(tf.exp)(xs[0]),
    "sqrt": lambda node, xs: kl.Lambda(tf.sqrt)(xs[0]),
    "relu": lambda node, xs: kl.ReLU()(xs[0]),
    "relu6": lambda node, xs: kl.ReLU(6.0)(xs[0]),
    "leaky_relu": lambda node, xs: kl.LeakyReLU(negative_slope=node.layer.negative_slope)(xs[0]),
    "prelu": lambda node, xs: kl.PReLU(
        shared_axes=list(range(1, len(node.shape) + (node.use.weights["weight"].shape == (1,))))
    )(xs[0]),
    "elu": lambda node, xs: kl.ELU()(xs[0]),
    "sigmoid": _activation("sigmoid"),
    "tanh": _activation("tanh"),
    "silu": _activation("silu"),
    "gelu": _activation("gelu"),
    "mish": _activation("mish"),
    "selu": _activation("selu"),
    "softplus": _activation("softplus"),
    "log_softmax": _activation("log_softmax"),
    "hardswish": lambda node, xs: _hardswish(xs[0]),
    "hardsigmoid": lambda node, xs: kl.ReLU(6.0)(xs[0] + 3.0) * (1 / 6),
    "hardtanh": lambda node, xs: kl.Lambda(lambda x: tf.clip_by_value(x, node.layer.min_val, node.layer.max_val))(
        xs[0]
    ),
    "softmax": _softmax,
    "maxpool": lambda node, xs: _pool(kl.MaxPooling2D, node, xs),
    "avgpool": lambda node, xs: _pool(kl.AveragePooling2D, node, xs),
    "global_avgpool": _global(kl.GlobalAveragePooling2D),
    "mean": _reduced("mean"),
    "max": _reduced("max"),
    "min": _reduced("min"),
    "sum": _reduced("sum"),
    "global_maxpool": _global(kl.GlobalMaxPooling2D),
    "adaptive_avgpool": _adaptive,
    "flatten": _flatten,
    "reshape": _reshape,
    "dropout": lambda node, xs: xs[0],
    "identity": lambda node, xs: xs[0],
    "add": _merged(kl.Add, lambda a, b: a + b),
    "multiply": _merged(kl.Multiply, lambda a, b: a * b),
    "subtract": _merged(kl.Subtract, lambda a, b: a - b),
    "divide": _merged(lambda: kl.Lambda(lambda both: both[0] / both[1]), lambda a, b: a / b),
    "maximum": _merged(kl.Maximum, tf.maximum),
    "minimum": _merged(kl.Minimum, tf.minimum),
    "concat": _joined,
    "pad": _padding,
    "slice": _slice,
    "center_crop": _crop,
    "channel_shuffle": _shuffle,
    "upsample": _upsample,
    "pixel_shuffle": lambda node, xs: kl.Lambda(lambda x: tf.nn.depth_to_space(x, node.layer.upscale_factor))(xs[0]),
    "pixel_unshuffle": lambda node, xs: kl.Lambda(lambda x: tf.nn.space_to_depth(x, node.layer.downscale_factor))(
        xs[0]
    ),
}


def _hardswish(x: Any) -> Any:
    return x * kl.ReLU(6.0)(x + 3.0) * (1 / 6)
