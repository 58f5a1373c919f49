"""Operators on a model file's constants, by NumPy."""

from __future__ import annotations

from collections.abc import Callable
from math import erf
from typing import Any

from cnncalc.importers.onnx.elements import FORMATS
from cnncalc.importers.onnx.evaluator_moves import python_slice, slices, split_sizes
from cnncalc.importers.onnx.values import Call, Value
from cnncalc.layers.shape.upsample import Upsample

TYPES = {code: f"<{form}" for code, form in FORMATS.items()}
"""NumPy's names of element types."""

Rule = Callable[[Any, Call, "list[Any]", Value], Any]


def _plain(name: str, count: int) -> Rule:
    """Return a rule that is a function of NumPy's on the first inputs."""

    def apply(np: Any, call: Call, x: list[Any], value: Value) -> Any:
        return getattr(np, name)(*[item if count > 1 else _real(np, item) for item in x[:count]])

    return apply


def _reduction(name: str) -> Rule:
    """Return a rule that summarises axes with a function of NumPy's."""

    def apply(np: Any, call: Call, x: list[Any], value: Value) -> Any:
        return _reduced(np, call, x, name)

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
        "Sign": "sign", "Round": "rint", "IsNaN": "isnan", "IsInf": "isinf",
    }  # fmt: skip
    reductions = {
        "ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "max", "ReduceMin": "min", "ReduceProd": "prod"
    }  # fmt: skip
    same = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout")
    return {
        **{op: _plain(name, 2) for op, name in pairs.items()},
        **{op: _plain(name, 1) for op, name in single.items()},
        **{op: _reduction(name) for op, name in reductions.items()},
        **dict.fromkeys(same, _same),
        **MORE,
    }


def _same(np: Any, call: Call, x: list[Any], value: Value) -> Any:
    return x[0]


def _real(np: Any, x: Any) -> Any:
    return x if x.dtype.kind in "fb" else x.astype(np.float32)


def _reduced(np: Any, call: Call, x: list[Any], name: str) -> Any:
    axes = call.integers("axes") or (tuple(int(i) for i in x[1]) if len(x) > 1 and x[1] is not None else None)
    return getattr(np, name)(x[0], axis=axes, keepdims=bool(call.integer("keepdims", 1)))


def _softmax(np: Any, x: Any, axis: int) -> Any:
    powers = np.exp(x - x.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def _cast(np: Any, call: Call, x: list[Any], value: Value) -> Any:
    return x[0].astype(TYPES.get(call.integer("to"), "<f4"))


def _cast_like(np: Any, call: Call, x: list[Any], value: Value) -> Any:
    return x[0].astype(x[1].dtype)


def _slice(np: Any, call: Call, x: list[Any], value: Value) -> Any:
    cut: list[slice] = [slice(None)] * x[0].ndim
    for axis, start, stop, step in slices(call, x[0].ndim):
        cut[axis] = python_slice(int(start), int(stop), int(step), x[0].shape[axis])
    return x[0][tuple(cut)]


def _split(np: Any, call: Call, x: list[Any], value: Value) -> Any:
    axis = call.integer("axis")
    sizes = split_sizes(call, x[0].shape[axis])
    start = sum(sizes[: value.index])
    return np.take(x[0], range(start, start + sizes[value.index]), axis=axis)


def _clip(np: Any, call: Call, x: list[Any], value: Value) -> Any:
    low = call.number("min", -np.inf) if call.opset < 11 else (x[1] if len(x) > 1 and x[1] is not None else -np.inf)
    high = call.number("max", np.inf) if call.opset < 11 else (x[2] if len(x) > 2 and x[2] is not None else np.inf)
    return np.clip(x[0], low, high)


def _batchnorm(np: Any, call: Call, x: list[Any], value: Value) -> Any:
    """Standardise weights by their own statistics, as an export in training mode does, or by those that are stored."""
    data, weight, bias, mean, variance = x
    where = (1, -1, *(1,) * (data.ndim - 2))
    if call.integer("training_mode"):
        others = tuple(i for i in range(data.ndim) if i != 1)
        mean, variance = data.mean(others), data.var(others)
    scale = weight / np.sqrt(variance + call.number("epsilon", 1e-5))
    return data * scale.reshape(where) + (bias - mean * scale).reshape(where)


def _per_axis(np: Any, scale: Any, x: Any, axis: int) -> Any:
    scale = np.asarray(scale, np.float32)
    return (
        scale.reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])
        if scale.size > 1 and scale.ndim == 1
        else scale
    )


def _dequantize(np: Any, call: Call, x: list[Any], value: Value) -> Any:
    data, axis = x[0], call.integer("axis", 1)
    zero = x[2] if len(x) > 2 and x[2] is not None else np.zeros(())
    return (data.astype(np.float32) - _per_axis(np, zero, data, axis)) * _per_axis(np, x[1], data, axis)


def _quantize(np: Any, call: Call, x: list[Any], value: Value) -> Any:
    data, axis = x[0], call.integer("axis", 1)
    kind = x[2].dtype if len(x) > 2 and x[2] is not None else np.dtype(np.uint8)
    zero = x[2].astype(np.float32) if len(x) > 2 and x[2] is not None else np.zeros(())
    whole = np.rint(data / _per_axis(np, x[1], data, axis)) + _per_axis(np, zero, data, axis)
    return whole.clip(np.iinfo(kind).min, np.iinfo(kind).max).astype(kind)


def _rows(np: Any, call: Call, x: list[Any], value: Value) -> Any:
    data = x[0].astype(np.float32)
    scale = x[1].reshape(len(x[1]), 1, -1) if len(x) > 1 else 1.0
    zero = x[2].astype(np.float32).reshape(len(x[2]), 1, -1) if len(x) > 2 else 0.0
    return (data - zero) * scale


def _gates(np: Any, call: Call, x: list[Any], value: Value) -> Any:
    """Return one direction's weights with the gates in PyTorch's order."""
    order = call.integers("order") or (0,)
    rows = x[0][call.integer("direction")]
    part, count = call.integer("part"), value.shape[0]
    rows = rows[part * count : (part + 1) * count]
    blocks = np.split(rows, len(order))
    return np.concatenate([blocks[i] for i in order])


def _flat_indices(np: Any, call: Call, x: list[Any], value: Value) -> Any:
    sizes = np.array(call.integers("sizes"))
    steps = np.array([int(np.prod(sizes[i + 1 :])) for i in range(len(sizes))])
    return (np.where(x[0] < 0, x[0] + sizes, x[0]) * steps).sum(-1)


def _upsample(np: Any, call: Call, x: list[Any], value: Value) -> Any:
    """Return a map that a layer resizes by NumPy alone."""
    layer = call.operator.attributes["layer"]
    assert isinstance(layer, Upsample), layer
    return layer.interpolated(np, x[0])


def _trilu(np: Any, call: Call, x: list[Any], value: Value) -> Any:
    cut = np.triu if call.integer("upper", 1) else np.tril
    return cut(x[0], int(x[1]) if len(x) > 1 and x[1] is not None else 0)


def _mod(np: Any, call: Call, x: list[Any], value: Value) -> Any:
    return np.fmod(x[0], x[1]) if call.integer("fmod") else np.mod(x[0], x[1])


def _eye(np: Any, call: Call, x: list[Any], value: Value) -> Any:
    return np.eye(*value.shape, k=call.integer("k"))


def _erf(np: Any, call: Call, x: list[Any], value: Value) -> Any:
    return np.vectorize(erf)(x[0]).astype(x[0].dtype)


def _scatter_nd(np: Any, call: Call, x: list[Any], value: Value) -> Any:
    made = x[0].copy()
    places = tuple(np.moveaxis(x[1], -1, 0))
    if call.text("reduction", "none") == "add":
        np.add.at(made, places, x[2])
    else:
        made[places] = x[2]
    return made


def _causal_bias(np: Any, call: Call, x: list[Any], value: Value) -> Any:
    return np.where(np.tri(*value.shape, call.integer("earlier")), 0, -np.inf).astype(np.float32)


MORE: dict[str, Rule] = {
    "Transpose": lambda np, call, x, value: np.transpose(x[0], call.integers("perm")),
    "Expand": lambda np, call, x, value: np.broadcast_to(x[0], value.shape),
    "Tile": lambda np, call, x, value: np.tile(x[0], x[1]),
    "Relu": lambda np, call, x, value: np.maximum(x[0], 0),
    "Sigmoid": lambda np, call, x, value: 1 / (1 + np.exp(-_real(np, x[0]))),
    "Div": lambda np, call, x, value: np.trunc(x[0] / x[1]) if x[0].dtype.kind in "iu" else x[0] / x[1],
    "Where": lambda np, call, x, value: np.where(x[0], x[1], x[2]),
    "Concat": lambda np, call, x, value: np.concatenate(x, call.integer("axis")),
    "Gather": lambda np, call, x, value: np.take(x[0], x[1].astype(int), axis=call.integer("axis")),
    "Softmax": lambda np, call, x, value: _softmax(np, x[0], call.integer("axis", -1)),
    "Range": lambda np, call, x, value: np.arange(x[0], x[1], x[2]),
    "CumSum": lambda np, call, x, value: np.cumsum(x[0], int(x[1])),
    "Einsum": lambda np, call, x, value: np.einsum(call.text("equation"), *x),
    "ReduceL2": lambda np, call, x, value: np.sqrt(_reduced(np, call, [x[0] * x[0], *x[1:]], "sum")),
    "Part": lambda np, call, x, value: np.take(
        x[0], range(call.integer("start"), call.integer("stop")), call.integer("axis")
    ),
    "MaskBias": lambda np, call, x, value: np.where(x[0], 0, -np.inf).astype(np.float32), "Upsample": _upsample,
    "Twice": lambda np, call, x, value: (
        np.repeat(x[0], 2, -1) if call.integer("neighbours") else np.concatenate([x[0], x[0]], -1)
    ),
    "RepeatChannels": lambda np, call, x, value: np.repeat(x[0], call.integer("count")),
    "Cast": _cast, "CastLike": lambda np, call, x, value: x[0].astype(x[1].dtype), "Mod": _mod,
    "Sum": lambda np, call, x, value: sum(x[1:], x[0]), "EyeLike": _eye, "Erf": _erf,
    "GatherElements": lambda np, call, x, value: np.take_along_axis(x[0], x[1], call.integer("axis")),
    "ScatterND": _scatter_nd, "Slice": _slice, "Split": _split, "Clip": _clip, "BatchNormalization": _batchnorm,
    "DequantizeLinear": _dequantize, "QuantizeLinear": _quantize, "DequantizeRows": _rows, "Gates": _gates,
    "Trilu": _trilu, "FlatIndices": _flat_indices, "CausalBias": _causal_bias,
}  # fmt: skip

RULES = _rules()
