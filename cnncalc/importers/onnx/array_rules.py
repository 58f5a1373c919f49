"""Operators on a model file's constants, by NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import erf
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from cnncalc.importers.onnx.elements import FORMATS
from cnncalc.importers.onnx.evaluator_moves import python_slice, slices, split_sizes
from cnncalc.importers.onnx.proto import BFLOAT16, SMALL_FLOATS
from cnncalc.importers.onnx.values import Call, UnfitError, Value
from cnncalc.layers.shape.upsample import Upsample

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnncalc.layers.shapes import Shape

    Array: TypeAlias = npt.NDArray[Any]

TYPES = {code: f"<{form}" for code, form in FORMATS.items()}
"""NumPy's names of element types."""

SAME = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout")
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


def _plain(name: str, count: int) -> Rule:
    """Return a rule that calls a function of NumPy with the first ``count`` inputs."""

    def apply(call: Call, x: Inputs, value: Value) -> Array:
        return np.asarray(getattr(np, name)(*[x[i] if count > 1 else _real(x[i]) for i in range(count)]))

    return apply


def _reduction(name: str) -> Rule:
    """Return a rule that reduces axes with a function of NumPy."""

    def apply(call: Call, x: Inputs, value: Value) -> Array:
        return _reduced(call, x, name)

    return apply


def _rules() -> dict[str, Rule]:
    pairs = {
        "Add": "add", "Sub": "subtract", "Mul": "multiply", "Pow": "power", "Max": "maximum", "Min": "minimum",
        "Equal": "equal", "Greater": "greater", "Less": "less", "And": "logical_and", "Or": "logical_or",
        "MatMul": "matmul", "GreaterOrEqual": "greater_equal", "LessOrEqual": "less_equal", "Xor": "logical_xor",
    }  # fmt: skip
    single = {
        "Neg": "negative", "Reciprocal": "reciprocal", "Sqrt": "sqrt", "Exp": "exp", "Log": "log", "Abs": "abs",
        "Sin": "sin", "Cos": "cos", "Tanh": "tanh", "Floor": "floor", "Ceil": "ceil", "Not": "logical_not",
        "Sign": "sign", "Round": "rint", "IsNaN": "isnan",
    }  # fmt: skip
    reductions = {
        "ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "max", "ReduceMin": "min", "ReduceProd": "prod"
    }  # fmt: skip
    return {
        **{op: _plain(name, 2) for op, name in pairs.items()},
        **{op: _plain(name, 1) for op, name in single.items()},
        **{op: _reduction(name) for op, name in reductions.items()},
        **dict.fromkeys(SAME, _same),
        **MORE,
    }


def _same(call: Call, x: Inputs, value: Value) -> Array:
    return x[0]


def _real(x: Array) -> Array:
    return x if x.dtype.kind in "fb" else x.astype(np.float32)


def _reduced(call: Call, x: Inputs, name: str) -> Array:
    over = x.given(1, ())
    axes = call.integers("axes") or tuple([int(i) for i in over]) or None
    return np.asarray(getattr(np, name)(x[0], axis=axes, keepdims=bool(call.integer("keepdims", 1))))


def _softmax(x: Array, axis: int) -> Array:
    powers = np.exp(x - x.max(axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis, keepdims=True))


def _cast(call: Call, x: Inputs, value: Value) -> Array:
    return cast(x[0], call.integer("to"))


def cast(x: Array, to: int) -> Array:
    """Return elements cast to another type; small floats are the float32 numbers to which they are rounded."""
    if to in SMALL_FLOATS:
        from cnncalc.layers.other.quantize import Quantize

        found: Array = Quantize(scale=1.0, format=SMALL_FLOATS[to]).nearest(np, x.astype(np.float32))
        return found
    return np.asarray(x, "<f4" if to == BFLOAT16 else TYPES[to])


def _slice(call: Call, x: Inputs, value: Value) -> Array:
    cut: list[slice] = [slice(None)] * x[0].ndim
    for axis, start, stop, step in slices(call, x[0].ndim):
        cut[axis] = python_slice(int(start), int(stop), int(step), x[0].shape[axis])
    return x[0][tuple(cut)]


def _split(call: Call, x: Inputs, value: Value) -> Array:
    axis = call.integer("axis")
    sizes = split_sizes(call, x[0].shape[axis])
    start = sum(sizes[: value.index])
    return np.take(x[0], range(start, start + sizes[value.index]), axis=axis)


def _clip(call: Call, x: Inputs, value: Value) -> Array:
    if call.opset < 11:
        return np.clip(x[0], call.number("min", -np.inf), call.number("max", np.inf))
    return np.clip(x[0], x.given(1, np.float32(-np.inf)), x.given(2, np.float32(np.inf)))


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


def _upsample(call: Call, x: Inputs, value: Value) -> Array:
    """Return a map that the layer upsample resizes."""
    layer = call.operator.attributes["layer"]
    assert isinstance(layer, Upsample), layer
    return layer.interpolated(np, x[0])


def _cumsum(call: Call, x: Inputs, value: Value) -> Array:
    """Return the sums of each element and all before it, or behind it with ``reverse``; ``exclusive`` omits itself."""
    axis, terms = int(x[1]), x[0]
    terms = np.flip(terms, axis) if call.integer("reverse") else terms
    if call.integer("exclusive"):  # a difference of sums would lose small ones beside large ones
        terms = np.insert(terms, 0, 0, axis).take(range(terms.shape[axis]), axis)
    sums = np.cumsum(terms, axis, dtype=terms.dtype)
    return np.flip(sums, axis) if call.integer("reverse") else sums


def _layernorm(call: Call, x: Inputs, value: Value) -> Array:
    axes = tuple(range(call.integer("axis", -1) % x[0].ndim, x[0].ndim))
    apart = x[0] - x[0].mean(axes, keepdims=True)
    scaled = apart / np.sqrt((apart * apart).mean(axes, keepdims=True) + call.number("epsilon", 1e-5))
    return np.asarray(scaled * x[1] + x.given(2, 0))


def _trilu(call: Call, x: Inputs, value: Value) -> Array:
    cut = np.triu if call.integer("upper", 1) else np.tril
    return cut(x[0], int(x.given(1, 0)))


def _mod(call: Call, x: Inputs, value: Value) -> Array:
    return np.fmod(x[0], x[1]) if call.integer("fmod") else np.mod(x[0], x[1])


def _is_infinite(call: Call, x: Inputs, value: Value) -> Array:
    signs = call.integer("detect_negative", 1), call.integer("detect_positive", 1)
    return np.asarray(np.isinf(x[0]) & np.where(x[0] < 0, *signs).astype(bool))


def _eye(call: Call, x: Inputs, value: Value) -> Array:
    return np.eye(value.shape[0], value.shape[1], k=call.integer("k"))


def _erf(call: Call, x: Inputs, value: Value) -> Array:
    return np.asarray(np.vectorize(erf)(x[0]), x[0].dtype)


def _gather_nd(call: Call, x: Inputs, value: Value) -> Array:
    data, places = x[0], x[1]
    sizes = data.shape[: call.integer("batch_dims")]
    samples = [
        np.arange(n).reshape([-1 if i == axis else 1 for i in range(places.ndim - 1)]) for axis, n in enumerate(sizes)
    ]
    return np.asarray(data[(*samples, *np.moveaxis(places, -1, 0))])


def _scatter_nd(call: Call, x: Inputs, value: Value) -> Array:
    made = x[0].copy()
    places = tuple(np.moveaxis(x[1], -1, 0))
    if call.text("reduction", "none") == "add":
        np.add.at(made, places, x[2])
    else:
        made[places] = x[2]
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


MORE: dict[str, Rule] = {
    "Transpose": lambda call, x, value: np.transpose(x[0], call.integers("perm")),
    "Expand": lambda call, x, value: np.broadcast_to(x[0], value.shape),
    "Tile": lambda call, x, value: np.tile(x[0], [a // b for a, b in zip(value.shape, x[0].shape, strict=True)]),
    "Relu": lambda call, x, value: np.maximum(x[0], 0),
    "Sigmoid": lambda call, x, value: 1 / (1 + np.exp(-_real(x[0]))),
    "Div": lambda call, x, value: np.trunc(x[0] / x[1]) if x[0].dtype.kind in "iu" else x[0] / x[1],
    "Where": lambda call, x, value: np.where(x[0], x[1], x[2]),
    "Concat": lambda call, x, value: np.concatenate(x.all(), call.integer("axis")),
    "Gather": lambda call, x, value: np.take(x[0], x[1].astype(int), axis=call.integer("axis")),
    "Softmax": lambda call, x, value: _softmax(x[0], call.integer("axis", -1)),
    "Range": lambda call, x, value: np.arange(x[0].item(), x[1].item(), x[2].item()),
    "CumSum": _cumsum, "IsInf": _is_infinite, "LayerNormalization": _layernorm,
    "Einsum": lambda call, x, value: np.einsum(call.text("equation"), *x.all()),
    "ReduceL2": lambda call, x, value: np.sqrt(_reduced(call, Inputs([x[0] * x[0], *x.arrays[1:]]), "sum")),
    "Part": lambda call, x, value: np.take(
        x[0], range(call.integer("start"), call.integer("stop")), call.integer("axis")
    ),
    "MaskBias": lambda call, x, value: np.where(x[0], 0, -np.inf).astype(np.float32), "Upsample": _upsample,
    "Twice": lambda call, x, value: (
        np.repeat(x[0], 2, -1) if call.integer("neighbours") else np.concatenate([x[0], x[0]], -1)
    ),
    "RepeatChannels": lambda call, x, value: np.repeat(x[0], call.integer("count")),
    "Cast": _cast, "CastLike": lambda call, x, value: x[0].astype(x[1].dtype), "Mod": _mod,
    "Sum": lambda call, x, value: np.sum(np.broadcast_arrays(*x.all()), axis=0), "EyeLike": _eye, "Erf": _erf,
    "GatherElements": lambda call, x, value: np.take_along_axis(x[0], x[1], call.integer("axis")),
    "GatherND": _gather_nd,
    "ScatterND": _scatter_nd, "Slice": _slice, "Split": _split, "Clip": _clip, "BatchNormalization": _batchnorm,
    "DequantizeLinear": _dequantize, "QuantizeLinear": _quantize, "DequantizeRows": _rows, "Gates": _gates,
    "Spread": _spread, "Trilu": _trilu, "FlatIndices": _flat_indices, "CausalBias": _causal_bias,
    "AffinePlaces": _affine_places, "MelWeightMatrix": _mel_matrix,
    **dict.fromkeys(("HannWindow", "HammingWindow", "BlackmanWindow"), _window),
}  # fmt: skip

RULES = _rules()
