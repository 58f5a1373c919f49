"""Operators on a model file's constants, by NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import erf
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from cnncalc.importers.onnx.proto import BFLOAT16, FORMATS, SMALL_FLOATS
from cnncalc.importers.onnx.values import Call, UnfitError, Value
from cnncalc.layers.activation._elementwise import hardsigmoid, sigmoid
from cnncalc.layers.base import Layer

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnncalc.layers.shapes import Shape

    Array: TypeAlias = npt.NDArray[Any]

TYPES = {code: f"<{form}" for code, form in FORMATS.items()}
"""NumPy's names of element types."""

SAME = ("Reshape", "Identity")
"""Operators that leave all elements in their order in memory."""

VIEWS = frozenset((*SAME, "Transpose", "Expand"))
"""Operators whose output is a view, which takes no memory."""

Rule = Callable[[Call, "Inputs", Value], "Array"]
"""Returns the elements of a constant, by the operator, its inputs, and the constant."""


class Inputs:
    """An operator's inputs as arrays; None for one that is left out."""

    def __init__(self, arrays: Sequence[Array | None]) -> None:
        self.arrays = arrays

    def __len__(self) -> int:
        return len(self.arrays)

    def __getitem__(self, index: int) -> Array:
        """Return an input that is there."""
        array = self.arrays[index]
        if array is None:
            raise UnfitError(f"its input {index + 1} is missing")
        return array

    def given(self, index: int, default: object) -> Array:
        """Return an input, or a default if it is left out."""
        array = self.arrays[index] if index < len(self.arrays) else None
        return np.asarray(default) if array is None else array

    def all(self) -> list[Array]:
        """Return all inputs."""
        return [self[index] for index in range(len(self))]


def _same(call: Call, x: Inputs, value: Value) -> Array:
    return x[0]


def _cast(call: Call, x: Inputs, value: Value) -> Array:
    return cast(x[0], call.integer("to"))


def cast(x: Array, to: int) -> Array:
    """Return elements cast to another type; small floats are the float32 numbers to which they are rounded."""
    if to in SMALL_FLOATS:
        from cnncalc.layers.other.quantize import Quantize

        found: Array = Quantize(scale=1.0, format=SMALL_FLOATS[to]).nearest(np, x.astype(np.float32))
        return found
    return np.asarray(x, "<f4" if to == BFLOAT16 else TYPES[to])


def _batchnorm(call: Call, x: Inputs, value: Value) -> Array:
    """Standardise weights by their own statistics in training mode, else by the stored ones."""
    data, weight, bias, mean, variance = x.all()
    where = (1, -1, *(1,) * (data.ndim - 2))
    if call.integer("training_mode"):
        others = tuple(i for i in range(data.ndim) if i != 1)
        mean, variance = data.mean(others), data.var(others)
    scale = weight / np.sqrt(variance + call.number("epsilon", 1e-5))
    return data * scale.reshape(where) + (bias - mean * scale).reshape(where)


def _per_axis(call: Call, scale: Array, shape: Shape) -> Array:
    """Return scales in a shape that broadcasts to a tensor: one for each index of an axis, or for each block."""
    scale, block = np.asarray(scale, np.float32), call.integer("block_size")
    if scale.size == 1:
        return scale.reshape(())
    axis = call.integer("axis", 1) % len(shape)
    if scale.ndim == 1 and not block:
        return scale.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return np.repeat(scale, block, axis).take(range(shape[axis]), axis) if block else scale


def _spread(call: Call, x: Inputs, value: Value) -> Array:
    return _per_axis(call, x[0], value.shape)


def _dequantize(call: Call, x: Inputs, value: Value) -> Array:
    real = x[0].astype(np.float32) - _per_axis(call, x.given(2, 0), x[0].shape)
    return np.asarray(real * _per_axis(call, x[1], x[0].shape))


def _quantize(call: Call, x: Inputs, value: Value) -> Array:
    """Quantise to the element type of the constant."""
    from cnncalc.importers.onnx.operators.quantized import RANGES

    scale, zero = [_per_axis(call, part, x[0].shape) for part in (x[1], x.given(2, 0))]
    if value.dtype in SMALL_FLOATS:
        return cast(x[0] / scale, value.dtype)
    return np.asarray(np.clip(np.rint(x[0] / scale) + zero, *RANGES[value.dtype]))


def _factors(call: Call, x: Inputs, value: Value) -> Array:
    """Return ``by · scale / to``, rounded to float32 after each operation."""
    by, to = np.float32(call.number("by")), np.float32(call.number("to"))
    return np.broadcast_to(
        (by * x[0].astype(np.float32) / to).reshape(value.shape if x[0].size > 1 else ()), value.shape
    )


def _sums(call: Call, x: Inputs, value: Value) -> Array:
    """Return a bias as a sum of integers with the scale ``by · scale``: an integer, if it was stored as one."""
    scale = call.number("by") * x[1].astype(np.float64).reshape(-1 if x[1].size > 1 else ())
    sums = np.where(scale, x[0] / scale, 0)
    near = np.rint(sums)
    return np.where(abs(sums - near) <= 2**-21 * abs(near), near, sums).astype(np.float32)


def _rows(call: Call, x: Inputs, value: Value) -> Array:
    data = x[0].astype(np.float32)
    scale = x[1].reshape(len(x[1]), 1, -1) if len(x) > 1 else np.float32(1)
    zero = x[2].astype(np.float32).reshape(len(x[2]), 1, -1) if len(x) > 2 else np.float32(0)
    return np.asarray((data - zero) * scale)


def _gates(call: Call, x: Inputs, value: Value) -> Array:
    """Return one direction's weights with the gates in PyTorch's order."""
    order = call.integers("order") or (0,)
    rows = x[0][call.integer("direction")]
    part, count = call.integer("part"), value.shape[0]
    rows = rows[part * count : (part + 1) * count]
    blocks = np.split(rows, len(order))
    return np.concatenate([blocks[i] for i in order])


def _flat_indices(call: Call, x: Inputs, value: Value) -> Array:
    sizes = np.array(call.integers("sizes"))
    steps = np.array([int(np.prod(sizes[i + 1 :])) for i in range(len(sizes))])
    return np.asarray((np.where(x[0] < 0, x[0] + sizes, x[0]) * steps).sum(-1))


def _eye(call: Call, x: Inputs, value: Value) -> Array:
    return np.eye(value.shape[0], value.shape[1], k=call.integer("k"))


def _gather_nd(call: Call, x: Inputs, value: Value) -> Array:
    data, places = x[0], x[1]
    sizes = data.shape[: call.integer("batch_dims")]
    samples = [
        np.arange(n).reshape([-1 if i == axis else 1 for i in range(places.ndim - 1)]) for axis, n in enumerate(sizes)
    ]
    return np.asarray(data[(*samples, *np.moveaxis(places, -1, 0))])


def _scatter_nd(call: Call, x: Inputs, value: Value) -> Array:
    made, places, how = x[0].copy(), tuple(np.moveaxis(x[1], -1, 0)), call.text("reduction", "none")
    if how == "none":
        made[places] = x[2]
    else:
        {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}[how].at(made, places, x[2])
    return made


def _window(call: Call, x: Inputs, value: Value) -> Array:
    """Return a window of cosines, by its first coefficients (https://onnx.ai/onnx/operators/onnx__HannWindow.html)."""
    shares = {"HannWindow": (0.5, 0.5), "HammingWindow": (25 / 46, 21 / 46), "BlackmanWindow": (0.42, 0.5, 0.08)}[
        call.op
    ]
    count = value.shape[0] - (0 if call.integer("periodic", 1) else 1)
    angles = 2 * np.pi * np.arange(value.shape[0]) / max(count, 1)
    return np.asarray(sum([share * (-1) ** k * np.cos(k * angles) for k, share in enumerate(shares)]))


def _mel_matrix(call: Call, x: Inputs, value: Value) -> Array:
    """Return triangular filters over the bins of a spectrum, evenly spaced on the mel scale, as ONNX Runtime does."""
    bins, length, rate, low, high = [float(np.asarray(part).ravel()[0]) for part in x.all()]
    edges = 2595 * np.log10(1 + np.array([low, high]) / 700)
    mels = edges[0] + np.arange(bins + 2) * (edges[1] - edges[0]) / (bins + 2)
    places = np.floor((length + 1) * (700 * (10 ** (mels / 2595) - 1)) / rate).astype(int)
    made = np.zeros(value.shape)
    for column, (start, middle, end) in enumerate(zip(places, places[1:], places[2:], strict=False)):
        made[start : middle + 1, column] = (
            (np.arange(start, middle + 1) - start) / (middle - start) if middle > start else 1
        )
        made[middle:end, column] = (end - np.arange(middle, end)) / max(end - middle, 1)
    return made


def _affine_places(call: Call, x: Inputs, value: Value) -> Array:
    """Return rows of the coordinates of a map's elements from −1 to 1, that of the last axis first, and a 1."""
    sizes = call.integers("sizes") or ()
    rows = [np.linspace(-1, 1, n) * (1 if call.integer("align") or n < 2 else 1 - 1 / n) for n in sizes]
    rows = [row if len(row) > 1 else row * 0 for row in rows]
    mesh = np.meshgrid(*rows, indexing="ij")
    return np.stack([*[axis.ravel() for axis in mesh[::-1]], np.ones(mesh[0].size)], -1)


def _causal_bias(call: Call, x: Inputs, value: Value) -> Array:
    earlier, left, right = [call.integer(name) for name in ("earlier", "left", "right")]
    apart = np.arange(value.shape[1]) - (np.arange(value.shape[0]).reshape(-1, 1) + earlier)
    seen = (apart <= right if right >= 0 else True) & (apart >= -left if left >= 0 else apart == apart)
    return np.where(seen, 0, -np.inf).astype(np.float32)


RULES: dict[str, Rule] = {
    **dict.fromkeys(SAME, _same),
    "Transpose": lambda call, x, value: np.transpose(x[0], call.integers("perm")),
    "Expand": lambda call, x, value: np.broadcast_to(x[0], value.shape),
    "Mul": lambda call, x, value: x[0] * x[1],
    "Concat": lambda call, x, value: np.concatenate(x.all(), call.integer("axis")),
    "Gather": lambda call, x, value: np.take(x[0], x[1].astype(int), axis=call.integer("axis")),
    "Range": lambda call, x, value: np.arange(x[0].item(), x[1].item(), x[2].item()),
    "Einsum": lambda call, x, value: np.einsum(call.text("equation"), *x.all()),
    "Part": lambda call, x, value: np.take(
        x[0], range(call.integer("start"), call.integer("stop"), call.integer("step", 1)), call.integer("axis")
    ),
    "MaskBias": lambda call, x, value: np.where(x[0], 0, -np.inf).astype(np.float32),
    "Twice": lambda call, x, value: (
        np.repeat(x[0], 2, -1) if call.integer("neighbours") else np.concatenate([x[0], x[0]], -1)
    ),
    "RepeatChannels": lambda call, x, value: np.repeat(x[0], call.integer("count")),
    "Cast": _cast, "EyeLike": _eye, "GatherND": _gather_nd, "ScatterND": _scatter_nd, "BatchNormalization": _batchnorm,
    "DequantizeLinear": _dequantize, "QuantizeLinear": _quantize, "DequantizeRows": _rows, "Gates": _gates,
    "RowScales": lambda call, x, value: np.broadcast_to(x[0].reshape(len(x[0]), -1), value.shape),
    "Factors": _factors, "Sums": _sums, "Spread": _spread, "FlatIndices": _flat_indices, "CausalBias": _causal_bias,
    "AffinePlaces": _affine_places, "MelWeightMatrix": _mel_matrix,
    **dict.fromkeys(("HannWindow", "HammingWindow", "BlackmanWindow"), _window),
}  # fmt: skip


class ArrayOps:
    """The operations of layers on constants; see :class:`cnncalc.layers.ops.Ops`."""

    np: Any = np

    def __getattr__(self, name: str) -> Any:
        """Refuse all that are not here."""
        raise UnfitError(f"'{name}' is not supported")

    def concat(self, arrays: Sequence[Array], axis: int) -> Array:
        """Join arrays."""
        return np.concatenate(arrays, axis)

    def erf(self, x: Array) -> Array:
        """Return the error function of each element."""
        return np.asarray(np.vectorize(erf, otypes=[float])(x), x.dtype)

    def sigmoid(self, x: Array) -> Array:
        """Return the logistic function of each element."""
        return sigmoid(self.np, x)

    def hardsigmoid(self, x: Array) -> Array:
        """Return the piecewise linear sigmoid of each element."""
        return hardsigmoid(self.np, x)

    def tanh(self, x: Array) -> Array:
        """Return the hyperbolic tangent of each element."""
        return np.tanh(x)


def _by_layer(call: Call, x: Inputs, value: Value) -> Array:
    """Return what a layer computes of its inputs and its own tensors."""
    layer, names = call.operator.attributes["layer"], call.operator.attributes["tensors"]
    assert isinstance(layer, Layer), layer
    assert isinstance(names, list), names
    arrays, count = x.all(), len(x) - len(names)
    if not layer.moves_only:  # real numbers, which an int8 or an unsigned integer may not hold
        arrays = [array.astype(np.float64) if array.dtype.kind in "iu" else array for array in arrays]
    inputs = [array.reshape(1, *call.input(i).sample) for i, array in enumerate(arrays[:count])]
    shapes = layer.weights(*[array.shape[1:] for array in inputs])
    own = {str(name): array.reshape(shapes[str(name)].shape) for name, array in zip(names, arrays[count:], strict=True)}
    return np.asarray(layer.forward(ArrayOps(), *inputs, **own))


def rule_of(call: Call) -> Rule | None:
    """Return how an operator computes a constant; None if it has no rule."""
    return RULES.get(call.op) or (_by_layer if isinstance(call.operator.attributes.get("layer"), Layer) else None)
