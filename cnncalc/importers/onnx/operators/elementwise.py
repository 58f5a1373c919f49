"""Operators that work element by element: on one tensor, on a tensor and a constant, or on several tensors."""

from __future__ import annotations

import math
from typing import Any

from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.proto import FLOATS
from cnncalc.importers.onnx.provenance import is_attribute
from cnncalc.importers.onnx.steps import channel_axis
from cnncalc.importers.onnx.values import Call, ConstantInput, UnfitError, Value, alias, before_moves
from cnncalc.layers.shapes import Shape

LARGEST = 3.4e38
"""A bound of at least this size clips no finite float32, or next to none: it counts as no bound."""

LAYER_TYPES = {
    "Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Softplus": "softplus", "HardSwish": "hardswish",
    "Mish": "mish", "Abs": "abs", "Ceil": "ceil", "Cos": "cos", "Erf": "erf", "Exp": "exp", "Floor": "floor",
    "Log": "log", "Neg": "neg", "Reciprocal": "reciprocal", "Round": "round", "Sign": "sign", "Sin": "sin",
    "Sqrt": "sqrt", "Softsign": "softsign", "Atan": "atan",
}  # fmt: skip
"""The layer types of operators with one input and no attributes."""


@operator(*LAYER_TYPES)
def _one_input(build: Builder, call: Call) -> Value:
    return build.step(LAYER_TYPES[call.op], [call.input(0)])


@operator("Identity", "Dropout", "OptionalGetElement")
def _identity(build: Builder, call: Call) -> Value:
    value, training = call.input(0), call.given(2)
    if call.op == "Dropout" and training is not None and training.number != 0:
        build.training.append(call.op)
    return value.copy() if value.is_live else build.derived("Identity", value)


@operator("Gelu")
def _gelu(build: Builder, call: Call) -> Value:
    return build.step("gelu", [call.input(0)], approximate=call.text("approximate", "none"))


@operator("LeakyRelu")
def _leaky_relu(build: Builder, call: Call) -> Value:
    return build.step("leaky_relu", [call.input(0)], negative_slope=decimal(call.number("alpha", 0.01)))


@operator("Elu")
def _elu(build: Builder, call: Call) -> Value:
    return build.step("elu", [call.input(0)], alpha=decimal(call.number("alpha", 1.0)))


@operator("Selu")
def _selu(build: Builder, call: Call) -> Value:
    x, alpha, gamma = call.input(0), call.number("alpha", 1.67326319), call.number("gamma", 1.05070102)
    if math.isclose(alpha, 1.67326319, rel_tol=1e-6) and math.isclose(gamma, 1.05070102, rel_tol=1e-6):
        return build.step("selu", [x])
    return build.step("affine", [build.step("elu", [x], alpha=decimal(alpha))], mul=decimal(gamma))


@operator("HardSigmoid")
def _hardsigmoid(build: Builder, call: Call) -> Value:
    x, alpha, beta = call.input(0), call.number("alpha", 0.2), call.number("beta", 0.5)
    if math.isclose(alpha, 1 / 6, rel_tol=1e-3) and beta == 0.5:
        return build.step("hardsigmoid", [x])
    return build.step("hardtanh", [build.step("affine", [x], mul=decimal(alpha), add=beta)], min_val=0.0, max_val=1.0)


@operator("Clip")
def _clip(build: Builder, call: Call) -> Value:
    x = call.input(0)
    if call.opset < 11:
        bounds: list[Any] = [call.number("min", -math.inf), call.number("max", math.inf)]
    else:
        bounds = [
            given.number if given is not None else edge
            for given, edge in ((call.given(1), -math.inf), (call.given(2), math.inf))
        ]
    for number, name in enumerate(("maximum", "minimum")):
        given = call.given(number + 1)
        if bounds[number] is None and given is not None:
            x, bounds[number] = merged(build, name, [x, given]), math.inf if number else -math.inf
    low, high = bounds
    if low < high:
        return clipped(build, x, low, high)
    return clipped(build, clipped(build, x, low, math.inf), -math.inf, high)  # of crossed bounds, the upper one wins


def clipped(build: Builder, x: Value, low: float, high: float) -> Value:
    """Return a value clipped to bounds, of which infinite ones have no effect."""
    low, high = decimal(low), decimal(high)
    if (low, high) == (0, 6):
        return build.step("relu6", [x])
    if low == 0 and high >= LARGEST:
        return build.step("relu", [x])
    if low <= -LARGEST and high >= LARGEST:
        return x.copy() if x.is_live else build.derived("Identity", x)
    return build.step(
        "hardtanh", [x], min_val=low if low > -LARGEST else NO_BOUND, max_val=high if high < LARGEST else NO_BOUND
    )


NO_BOUND = "none"


# --- several tensors -----------------------------------------------------------------------------------------


def aligned(build: Builder, values: list[Value]) -> tuple[list[Value], list[Shape], int | None]:
    """Return values that broadcast with each other, brought to one rank; each one's sample shape; and the batch axis.

    Raises:
        UnfitError: if their batches stand on different axes.
    """
    if len({(value.axis, len(value.shape)) for value in values}) == 1:
        return values, [value.shape for value in values], values[0].axis
    ranks = [value.rank for value in values]
    rank = max(ranks)
    places = {own - value.axis for value, own in zip(values, ranks, strict=True) if value.axis is not None}
    if len(places) > 1:  # different samples would be combined with each other
        if build.file_batch > 1 or any(value.times > 1 for value in values):
            raise UnfitError("the batch stands on different axes of its inputs")
        build.one_sample_only.append(build.call.operator.label)
        return aligned(build, [value if value.axis is None else build.unbatched(value) for value in values])
    axis = rank - places.pop() if places else None
    if axis is not None and meets_the_batch(build, values, rank - axis):
        return aligned(build, without_batch(build, values))
    found, shapes = [], []
    for value, own in zip(values, ranks, strict=True):
        shape = (1,) * (rank - own) + value.shape
        if value.axis is None and axis is not None:
            if shape[axis] != 1:
                raise UnfitError(f"a constant has {shape[axis]} on the axis of the batch")
            shape = (*shape[:axis], *shape[axis + 1 :])
        if value.is_live and (value.axis is None or rank > own):
            value = build.view(value, shape, None if value.axis is None else axis)
        found.append(value)
        shapes.append(shape)
    return found, shapes, axis


def meets_the_batch(build: Builder, values: list[Value], place: int) -> bool:
    """Whether the arrays of one sample, merged with the batch in some values, are an axis of their own in the others.

    ``place`` is the position of the batch axis, counted from the end.
    """
    counts = {value.times for value in values if value.axis is not None} - {1}
    if not counts or build.file_batch > 1:
        return False
    return counts == {value.shape[-place] for value in values if value.axis is None and value.rank >= place} - {1}


def without_batch(build: Builder, values: list[Value]) -> list[Value]:
    """Return values of the one sample for which a file was made, whose arrays are an axis in place of the batch."""
    build.one_sample_only.append(build.call.operator.label)
    return [build.unbatched(value) for value in values]


def aligned_tensors(build: Builder, values: list[Value]) -> tuple[list[Value], int | None]:
    """Return values as tensors of one rank that layers can read, and the batch axis in the file's shapes."""
    found, shapes, axis = aligned(build, values)
    pairs = list(zip(found, shapes, strict=True))
    if not any(value.is_live for value in values):
        return [build.view(value, shape, None) for value, shape in pairs], axis
    return [value if value.is_live else build.parameter(value, shape) for value, shape in pairs], axis


def merged(build: Builder, name: str, values: list[Value], **arguments: object) -> Value:
    """Return the output of a layer that computes with several values, which broadcast with each other."""
    tensors, axis = aligned_tensors(build, values)
    return build.step(name, tensors, axis, **arguments)


def is_learned(value: Value) -> bool:
    """Whether a constant is a learned tensor, not a number in a formula: size, metadata or dotted name show it."""
    if value.elements > 1 or value.dtype not in FLOATS or len(value.leaves) != 1:
        return value.elements > 1
    return bool(value.leaves[0].was_learned) or is_attribute(value.leaves[0].name)


def _with_constant(build: Builder, x: Value, constant: Value, kind: str) -> Value | None:
    """Return a value scaled or shifted by a constant; None if the result would have a larger shape."""
    number, is_bias = constant.number, kind == "shift" and _is_bias_of_one_output(build, x, constant)
    build.require_equal_samples([constant])
    if number is not None and not (is_bias or is_learned(constant)) and constant.rank <= x.rank:
        if not math.isfinite(number):
            return None
        return affine(build, x, **{"mul" if kind == "scale" else "add": float(number)})
    _, (_, shape), axis = aligned(build, [x, constant])
    if len(shape) != len(x.shape) or any(size not in (1, have) for size, have in zip(shape, x.shape, strict=True)):
        return None
    held = build.parameters.get((build.equal.number(constant), x.shape))
    if held is not None and shape == x.shape:  # a class token that is also joined with others, as in CaiT, exists once
        return build.step("multiply" if kind == "scale" else "add", [x, held], axis)
    tensors = {"weight": ConstantInput(build.view(constant, shape, None), is_bias)}
    return build.step(kind, [x], axis, tensors, shape=shape or None)


def _is_bias_of_one_output(build: Builder, x: Value, constant: Value) -> bool:
    """Whether a constant is the bias of a linear layer with one output; a number in code has no axes."""
    if x.step is None or x.step.layer.type != "linear" or x.step["bias"] or x.step["out_features"] != 1:
        return False
    (leaf, *others), is_number = constant.leaves or (None,), not 0 < constant.rank <= x.rank or constant.elements > 1
    return not (leaf is None or others or is_number) and leaf.dtype in FLOATS and id(leaf) not in build.constants


def affine(build: Builder, x: Value, mul: float = 1.0, add: float = 0.0) -> Value:
    """Return ``mul · x + add``, which adds no layer if it is x."""
    if mul == 1 and add == 0:
        return x.copy()
    return build.step("affine", [x], mul=mul, add=add)


def counted_from_start(build: Builder, indices: Value, size: int) -> Value:
    """Return computed indices of an axis, those below 0 counted from its start: −1 stands for the last one."""
    step = before_moves(indices).step
    if step is not None and (
        step.layer.type == "argmax" or (step.layer.type == "topk" and step["output"] == "indices")
    ):
        return indices
    below = build.step("compare", [indices], by="less", number=0.0)
    return merged(build, "add", [indices, affine(build, below, mul=float(size))])


@operator("Add", "Sub", "Mul", "Div")
def _arithmetic(build: Builder, call: Call) -> Value:
    op, a, b = call.op, call.input(0), call.input(1)
    if op == "Div" and a.dtype not in FLOATS and b.dtype not in FLOATS:  # the quotient of integers is truncated
        return build.step("trunc", [merged(build, "divide", [a, b])])
    found = _indices_of_samples(build, op, a, b) or _indices_of_samples(build, op, b, a)
    if found is not None:
        return found
    if a.is_live and not b.is_live:
        found = _tensor_and_constant(build, op, a, b)
    elif b.is_live and not a.is_live:
        found = _constant_and_tensor(build, op, a, b)
    if found is not None:
        return found
    if op == "Mul":  # a product with a reciprocal becomes a quotient
        for one, other in ((a, b), (b, a)):
            if other.step is not None and other.step.layer.type == "reciprocal" and one.is_live:
                divisor = other.step.inputs[0]
                return merged(build, "divide", [one, alias(divisor, other.shape, other.axis)])
    kind = {"Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide"}[op]
    return merged(build, kind, [a, b])


def _indices_of_samples(build: Builder, op: str, rows: Value, other: Value) -> Value | None:
    """Return indices of the first sample added to other indices; None for any other case."""
    is_first = rows.shape[:1] == (1,) and other.is_live and other.axis == 0 and other.rank == rows.rank
    if op != "Add" or rows.sample_step is None or rows.is_live or not is_first:
        return None
    y = _with_constant(build, other, of_first_sample(rows), "shift")
    if y is not None:
        y.sample_step = rows.sample_step
    return y


def of_first_sample(indices: Value) -> Value:
    """Return a copy of constant indices, to which nothing is added for the next sample."""
    first = indices.copy()
    first.sample_step = None
    return first


def _tensor_and_constant(build: Builder, op: str, x: Value, constant: Value) -> Value | None:
    """Return x + c, x − c, x · c or x / c."""
    if op in ("Sub", "Div"):
        opposite = "Neg" if op == "Sub" else "Reciprocal"
        is_one = constant.elements == 1  # the elements of larger ones are computed when they are needed
        constant = build.output_of(opposite, [constant]) if is_one else build.step(LAYER_TYPES[opposite], [constant])
    if op in ("Add", "Sub"):
        return _with_constant(build, x, constant, "shift")
    moved = None if build.rounds else _scaled_integer_product(build, x, constant)
    return moved or _with_constant(build, x, constant, "scale")


def _scaled_integer_product(build: Builder, x: Value, scale: Value) -> Value | None:
    """Return the scaled output of an integer convolution or matrix product; the scale is moved into its weights.

    None if x is not such an output, or is read by other operators as well, or differs along another axis.
    """
    step, item = x.step, build.call.operator
    if step is None or step.calls[0].op not in ("ConvInteger", "MatMulInteger") or "weight" not in step.tensors:
        return None
    names = [name for name in item.inputs if getattr(build.scope.find(name), "step", None) is step]
    if item.op not in ("Mul", "Div") or not build.readers.are_alone(step.calls[0].operator, names[0]):
        return None
    weight = step.tensors["weight"].value
    place = len(step.output.shape) - channel_axis(step)
    is_along = x.shape == step.output.shape and x.axis in (None, 0) and scale.shape[-place:][:1] == weight.shape[:1]
    if scale.elements != 1 and not (is_along and scale.elements == weight.shape[0] and scale.rank >= place):
        return None
    factor = build.derived("Reshape", scale, shape=(scale.elements, *(1,) * (len(weight.shape) - 1)))
    scaled = build.derived("Mul", weight, factor, shape=weight.shape)
    scaled.leaves = weight.leaves
    step.tensors["weight"] = ConstantInput(scaled)
    return x.copy()


def _constant_and_tensor(build: Builder, op: str, constant: Value, x: Value) -> Value | None:
    """Return c + x, c − x, c · x or c / x; None if they take a layer with two inputs."""
    if op in ("Add", "Mul"):
        return _tensor_and_constant(build, op, x, constant)
    if constant.number is None or is_learned(constant) or constant.rank > x.rank:
        return None
    if op == "Sub":
        return affine(build, x, -1.0, float(constant.number))
    return affine(build, build.step("reciprocal", [x]), float(constant.number))


@operator("Pow")
def _pow(build: Builder, call: Call) -> Value:
    x, exponent = call.input(0), call.input(1)
    if x.is_live and not exponent.is_live and exponent.number is not None:
        return build.step("power", [x], exponent=float(exponent.number))
    return merged(build, "power", [x, exponent])


@operator("Max", "Min")
def _max_min(build: Builder, call: Call) -> Value:
    values = [value for value in call.inputs if value is not None]
    if len(values) == 1:
        return values[0].copy()
    live = [value for value in values if value.is_live]
    numbers = [value.number for value in values if not value.is_live and value.number is not None]
    if len(live) == 1 and len(numbers) == len(values) - 1 and all(value.rank <= live[0].rank for value in values):
        low, high = (max(numbers), math.inf) if call.op == "Max" else (-math.inf, min(numbers))
        return clipped(build, live[0], low, high)
    return merged(build, "maximum" if call.op == "Max" else "minimum", values)


@operator("Sum", "Mean")
def _sum(build: Builder, call: Call) -> Value:
    values = [value for value in call.inputs if value is not None]
    total = merged(build, "add", values) if len(values) > 1 else values[0]
    return affine(build, total, mul=1 / len(values)) if call.op == "Mean" else total


def decimal(number: float) -> float:
    """Return the decimal of seven digits that a float32 stands for: 0.1 for 0.10000000149."""
    return float(f"{number:.7g}")
