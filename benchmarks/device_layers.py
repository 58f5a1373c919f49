"""How each layer type is written in Keras, for the converter: :data:`MADE`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from keras import layers as kl

from cnncalc.deployment.axes import Axes, Order, laid, rows_last
from cnncalc.graph import Node
from cnncalc.layers.reduction._reduction import axis_indices
from cnncalc.layers.shapes import axis_index
from cnncalc.layers.window import same_pad


class Call(NamedTuple):
    """A layer, Keras' tensors or constant arrays that it reads, and the order of the axes of the network's tensors."""

    node: Node
    xs: list[Any]
    axes: Axes

    @property
    def layer(self) -> Any:
        """The layer's definition."""
        return self.node.layer

    @property
    def x(self) -> Any:
        """The first tensor."""
        return self.xs[0]

    @property
    def order(self) -> Order:
        """The order of the axes of the layer's output."""
        return self.axes.of(self.node)

    def place(self, axis: int) -> int:
        """Return an axis of the first tensor of the network, counted in Keras' tensor."""
        tensor = self.node.inputs[0]
        return self.axes.of(tensor).index(axis_index(axis, tensor.shape)) + len(self.x.shape) - len(tensor.shape)

    def turned(self, number: int, order: Order) -> Any:
        """Return a tensor with its axes in an order."""
        x, lies = self.xs[number], self.axes.of(self.node.inputs[number])
        places = [lies.index(axis) + 1 for axis in order]
        if isinstance(x, np.ndarray):
            return x.transpose([0, *places])
        return x if lies == order else kl.Permute(places)(x)

    def random(self, low: float, high: float, shape: tuple[int, ...]) -> Any:
        """Return a constant array, the same for each call."""
        return np.random.default_rng(self.node.index).uniform(low, high, shape).astype("float32")


Maker = Callable[[Call], Any]


def _applied(function: Callable[..., Any], *xs: Any) -> Any:
    """Return a function's value; constants become part of the function that Keras gets."""
    flows = [x for x in xs if not isinstance(x, np.ndarray)]
    if not flows:
        return function(*xs)

    def of_flows(given: Any) -> Any:
        rest = iter(given if len(flows) > 1 else [given])
        return function(*[x if isinstance(x, np.ndarray) else next(rest) for x in xs])

    return kl.Lambda(of_flows)(flows if len(flows) > 1 else flows[0])


def _each(function: Callable[[Any, Any], Any]) -> Maker:
    """Return the maker of a function of the layer and its one tensor."""
    return lambda call: _applied(lambda x: function(call.layer, x), call.x)


def _function(function: Callable[[Any], Any]) -> Maker:
    return lambda call: _applied(function, call.x)


def _activation(name: str) -> Maker:
    return lambda call: kl.Activation(name)(call.x)


# --- windows -------------------------------------------------------------------------------------------------


def _padded(call: Call, count: bool = True) -> tuple[Any, str]:
    """Return the input, padded where TensorFlow's own padding is another, and the padding's word for the layer."""
    node = call.node
    found = node.layer.described(*node.use.inputs)
    sizes, kernel, stride = node.use.inputs[0][1:], found["kernel_size"], found["stride"]
    dilation = found.get("dilation") or (1,) * len(kernel)
    pads, whole, same = [], [], []
    axes = zip(sizes, kernel, stride, dilation, found["padding"], node.shape[1:], strict=True)
    for size, k, s, d, (before, after), out in axes:
        reach = (out - 1) * s + d * (k - 1) + 1
        pads.append((before, max(reach - size - before, 0)))
        whole.append((before, max(after, pads[-1][1])))
        same.append(same_pad(size, k, s, d))
    if not any(map(sum, pads)):
        return call.x, "valid"
    if pads == same and (count or not any(map(sum, found["padding"]))):
        return call.x, "same"
    return _zero_padded(call.x, whole), "valid"


def _zero_padded(x: Any, pads: Any) -> Any:
    return kl.ZeroPadding2D(tuple(pads))(x) if len(pads) == 2 else kl.ZeroPadding1D(pads[0])(x)


def _pad(call: Call) -> Any:
    layer = call.layer
    if layer.mode == "constant" and not layer.value and layer.channels == (0, 0):
        return _zero_padded(call.x, layer.padding)
    borders = [(0, 0), *layer.padding, layer.channels]
    mode = "REFLECT" if layer.mode == "reflect" else "CONSTANT"
    return _applied(lambda x: tf.pad(x, borders, mode, layer.value), call.x)


def _conv(call: Call) -> Any:
    layer, channels, rank = call.layer, call.node.use.inputs[0][0], len(call.node.shape) - 1
    x, padding = _padded(call)
    options: dict[str, Any] = {
        "kernel_size": layer.kernel_size, "strides": layer.stride, "dilation_rate": layer.dilation,
        "padding": padding, "use_bias": layer.bias,
    }  # fmt: skip
    if 1 < layer.groups == channels and rank < 3:
        depthwise = kl.DepthwiseConv2D if rank == 2 else kl.DepthwiseConv1D
        return depthwise(depth_multiplier=layer.out_channels // channels, **options)(x)
    of_rank = {1: kl.Conv1D, 2: kl.Conv2D, 3: kl.Conv3D}[rank]
    return of_rank(layer.out_channels, groups=layer.groups, **options)(x)


def _conv_transpose(call: Call) -> Any:
    """Return Keras' layer, with TensorFlow's SAME if it ends at in·stride and starts where that does, or cut out."""
    layer, node = call.layer, call.node
    starts, shape = [before for before, _ in node.layer.described(*node.use.inputs)["padding"]], node.shape[1:]
    axes = zip(shape, node.use.inputs[0][1:], layer.stride, layer.kernel_size, starts, strict=True)
    same = all(out == size * s and start == max(k - s, 0) // 2 for out, size, s, k, start in axes)
    word = "same" if same else "valid"
    y = kl.Conv2DTranspose(layer.out_channels, layer.kernel_size, layer.stride, word, use_bias=layer.bias)(call.x)
    return y if y.shape[1:3] == shape else y[_window(starts, shape)]


def _window(starts: Any, sizes: Any) -> tuple[slice, ...]:
    return (slice(None), *[slice(start, start + size) for start, size in zip(starts, sizes, strict=True)])


def _crop(call: Call) -> Any:
    sizes = call.node.shape[1:]
    return call.x[_window([(have - n) // 2 for have, n in zip(call.node.use.inputs[0][1:], sizes, strict=True)], sizes)]


def _pool(one: Any, two: Any, counted: Callable[[Any], bool]) -> Maker:
    """Return the maker of a pooling along one or two axes; ``counted`` says whether padding may be TensorFlow's."""

    def made(call: Call) -> Any:
        x, padding = _padded(call, counted(call.layer))
        return (two if len(call.node.shape) == 3 else one)(call.layer.kernel_size, call.layer.stride, padding)(x)

    return made


def _global(one: Any, two: Any) -> Maker:
    return lambda call: (two if len(call.node.shape) == 3 else one)(keepdims=True)(call.x)


def _adaptive(call: Call) -> Any:
    sizes, out = call.node.use.inputs[0][1:], call.node.shape[1:]
    if sizes == out:
        return call.x
    if any(size % o for size, o in zip(sizes, out, strict=True)):
        raise KeyError("adaptive_avgpool with bins of several sizes")
    steps = tuple([size // o for size, o in zip(sizes, out, strict=True)])
    return kl.AveragePooling2D(steps, steps)(call.x)


# --- axes ----------------------------------------------------------------------------------------------------


def _slice(call: Call) -> Any:
    layer = call.layer
    cut: list[Any] = [slice(None)] * len(call.x.shape)
    cut[call.place(layer.axis)] = layer.index if layer.type == "select" else slice(layer.start, layer.stop, layer.step)
    return call.x[tuple(cut)]


def _reduced(reduce: Callable[..., Any]) -> Maker:
    """Return the maker of a reduction over any axes."""

    def made(call: Call) -> Any:
        axes = sorted(map(call.place, axis_indices(call.layer.axis, call.node.inputs[0].shape)))
        return _applied(lambda x: reduce(x, axes, keepdims=call.layer.keepdims), call.x)

    return made


def _gather(call: Call) -> Any:
    return _applied(lambda x: tf.gather(x, call.layer.indices, axis=call.place(call.layer.axis)), call.x)


def _expand(call: Call) -> Any:
    return _applied(lambda x: tf.broadcast_to(x, (1, *laid(call.node.shape, call.order))), call.x)


def _reshape(call: Call) -> Any:
    return kl.Reshape(laid(call.node.shape, call.order))(call.turned(0, call.axes.needed[call.node]))


def _shuffle(call: Call) -> Any:
    channels, *sizes = call.node.shape
    groups, turned = call.layer.groups, [*range(1, len(sizes) + 1), len(sizes) + 2, len(sizes) + 1]
    y = kl.Reshape((*sizes, groups, channels // groups))(call.x)
    return kl.Reshape((*sizes, channels))(kl.Permute(turned)(y))


def _upsample(call: Call) -> Any:
    size, aligned = call.node.shape[1:], call.layer.align_corners

    def resized(x: Any) -> Any:
        if call.layer.mode == "linear":
            return tf.compat.v1.image.resize_bilinear(x, size, align_corners=aligned, half_pixel_centers=not aligned)
        return tf.image.resize(x, size, "nearest")

    return _applied(resized, call.x)


# --- products and sums ---------------------------------------------------------------------------------------


def _merged(function: Callable[..., Any], make: Any = None) -> Maker:
    """Return the maker of a merge: Keras' layer, or TensorFlow's operation where there is none, or a constant."""

    def made(call: Call) -> Any:
        xs = call.xs
        if all(len(one.shape) == len(call.node.shape) for one in call.node.inputs):
            xs = [call.turned(number, call.order) for number in range(len(xs))]
        if make is None or any(isinstance(x, np.ndarray) for x in xs):
            return _applied(function, *xs)
        return make()(xs)

    return made


def _concat(call: Call) -> Any:
    node, place = call.node, call.order.index(axis_index(call.layer.axis, call.node.shape))
    axis = place + len(call.x.shape) - len(node.shape)
    return _merged(lambda *xs: tf.concat(xs, axis), lambda: kl.Concatenate(axis=axis))(call)


def _scaled(x: Any, scale: float) -> Any:
    return _applied(lambda y: y * scale, x)


def _attention(call: Call) -> Any:
    layer, rank = call.layer, len(call.node.shape)
    q, k, v = [call.turned(number, rows_last(rank, layer.features_first)) for number in range(3)]
    scale = q.shape[-1] ** -0.5 if layer.scale is None else layer.scale
    q = _scaled(q, scale) if layer.scaled in ("queries", "both") else q
    k = _scaled(k, scale) if layer.scaled == "both" else k
    logits = _applied(lambda a, b: tf.matmul(a, b, transpose_b=True), q, k)
    logits = _scaled(logits, scale) if layer.scaled == "logits" else logits
    for number in range(3, len(call.xs)):
        bias = call.turned(number, tuple(range(rank)))
        is_constant = isinstance(bias, np.ndarray)
        logits = _applied(lambda a, b: a + b, logits, bias) if is_constant else kl.Add()([logits, bias])
    return _applied(tf.matmul, kl.Softmax()(logits), v)


def _matmul(call: Call) -> Any:
    layer = call.layer
    a, b = [call.turned(number, tuple(range(len(call.node.shape)))) for number in range(2)]
    return _applied(lambda a, b: tf.matmul(a, b, layer.transpose_a, layer.transpose_b), a, b)


def _affine(layer: Any, x: Any) -> Any:
    mul, add = layer.mul, layer.add
    if mul == -1:
        return add - x if add else -x
    x = x * mul if mul != 1 else x
    return x + add if add > 0 else x - -add if add else x


def _scale(call: Call) -> Any:
    """Return a map with factors, and perhaps a shift: constants, as own layers don't convert."""
    layer, node = call.layer, call.node
    shape = laid(layer.shape or (node.shape[0], *(1,) * (len(node.shape) - 1)), call.order)
    while shape and shape[0] == 1:
        shape = shape[1:]
    shift = call.random(0.1, 0.5, shape)
    if layer.type == "shift":
        return _applied(lambda x: x + shift, call.x)
    factor = call.random(0.5, 1.5, shape)
    return _applied(lambda x: x * factor + shift if layer.bias else x * factor, call.x)


def _prelu(call: Call) -> Any:
    single = call.node.use.weights["weight"].shape == (1,)
    return kl.PReLU(shared_axes=list(range(1, len(call.node.shape) + single)))(call.x)


MADE: dict[str, Maker] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "linear": lambda call: kl.Dense(call.layer.out_features, use_bias=call.layer.bias)(call.x),
    "batchnorm": lambda call: kl.BatchNormalization(epsilon=call.layer.eps)(call.x),
    "layernorm": lambda call: kl.LayerNormalization(epsilon=call.layer.eps)(call.x),
    "groupnorm": lambda call: kl.GroupNormalization(call.layer.num_groups, epsilon=call.layer.eps)(call.x),
    "scale": _scale,
    "shift": _scale,
    "affine": _each(_affine),
    "attention": _attention,
    "matmul": _matmul,
    "parameter": lambda call: call.random(0.1, 0.5, (1, *laid(call.node.shape, call.order))),
    "expand": _expand,
    "gather": _gather,
    "select": _slice,
    "power": _each(lambda layer, x: x**layer.exponent),
    "relu": lambda call: kl.ReLU()(call.x),
    "relu6": lambda call: kl.ReLU(6.0)(call.x),
    "leaky_relu": lambda call: kl.LeakyReLU(negative_slope=call.layer.negative_slope)(call.x),
    "prelu": _prelu,
    "elu": lambda call: kl.ELU()(call.x),
    "hardswish": lambda call: call.x * kl.ReLU(6.0)(call.x + 3.0) * (1 / 6),
    "hardsigmoid": lambda call: kl.ReLU(6.0)(call.x + 3.0) * (1 / 6),
    "hardtanh": _each(lambda layer, x: tf.clip_by_value(x, layer.min_val, layer.max_val)),
    "softmax": lambda call: kl.Softmax(axis=call.place(call.layer.axis))(call.x),
    "maxpool": _pool(kl.MaxPooling1D, kl.MaxPooling2D, lambda layer: True),
    "avgpool": _pool(kl.AveragePooling1D, kl.AveragePooling2D, lambda layer: not layer.count_include_pad),
    "global_avgpool": _global(kl.GlobalAveragePooling1D, kl.GlobalAveragePooling2D),
    "global_maxpool": _global(kl.GlobalMaxPooling1D, kl.GlobalMaxPooling2D),
    "adaptive_avgpool": _adaptive,
    "flatten": lambda call: kl.Flatten()(call.x),
    "reshape": _reshape,
    "add": _merged(lambda a, b: a + b, kl.Add),
    "multiply": _merged(lambda a, b: a * b, kl.Multiply),
    "subtract": _merged(lambda a, b: a - b, kl.Subtract),
    "divide": _merged(lambda a, b: a / b),
    "maximum": _merged(tf.maximum, kl.Maximum),
    "minimum": _merged(tf.minimum, kl.Minimum),
    "concat": _concat,
    "pad": _pad,
    "slice": _slice,
    "center_crop": _crop,
    "channel_shuffle": _shuffle,
    "upsample": _upsample,
    "pixel_shuffle": _each(lambda layer, x: tf.nn.depth_to_space(x, layer.upscale_factor)),
    "pixel_unshuffle": _each(lambda layer, x: tf.nn.space_to_depth(x, layer.downscale_factor)),
    **dict.fromkeys(("permute", "dropout", "identity"), lambda call: call.x),
    **{name: _function(getattr(tf, name)) for name in ("abs", "sin", "cos", "exp", "sqrt")},
    **{name: _reduced(getattr(tf, f"reduce_{name}")) for name in ("mean", "max", "min", "sum")},
    **{name: _activation(name) for name in ("sigmoid", "tanh", "silu", "gelu", "mish", "selu", "softplus")},
    "log_softmax": _activation("log_softmax"),
}
"""The maker of each layer type's output."""
