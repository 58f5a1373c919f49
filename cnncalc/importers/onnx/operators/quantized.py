"""Quantised forms: what they stand for, in real numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose

from cnncalc.importers.onnx.builder import HANDLERS, Builder, operator
from cnncalc.importers.onnx.model import Attribute
from cnncalc.importers.onnx.operators.contraction import convolution, feature_map, linear, product
from cnncalc.importers.onnx.operators.elementwise import affine, merged
from cnncalc.importers.onnx.proto import FLOAT, INT4, INT8, INT16, UINT4, UINT8, UINT16
from cnncalc.importers.onnx.values import Call, ConstantInput, LayerStep, UnfitError, Value, alias, literal
from cnncalc.layers.base import Layer


def dequantized(build: Builder, value: Value, scale: Value | None, zero: Value | None, axis: int = 1) -> Value:
    """Return a quantised constant as real numbers, which are its own elements in another form; or what is live."""
    if value.is_live:
        return in_numbers(build, value, scale, zero)
    given = [value, scale or literal((1.0,), (), FLOAT), zero or literal((0,), ())]
    real = build.derived("DequantizeLinear", *given, axis=axis)
    real.leaves, real.dtype = value.leaves, FLOAT
    build.dequantized |= dict.fromkeys([id(leaf) for leaf in value.leaves])
    if (
        value.fill is not None
        and scale is not None
        and scale.fill is not None
        and (zero is None or zero.fill is not None)
    ):
        real.fill = (value.fill - (zero.fill or 0 if zero else 0)) * scale.fill
    return real


def in_numbers(build: Builder, value: Value, scale: Value | None, zero: Value | None) -> Value:
    """Return a tensor that is computed as real numbers: as it is, unless its elements are a file's own integers."""
    first = value
    while first.step is not None and first.step.inputs and _keeps_numbers(first.step.layer):
        first = first.step.inputs[0]
    table = first.step.held.get("weight") if first.step is not None else None
    real = alias(value, value.shape, value.axis)
    if first.step is not None and table is not None and table.value.dtype in RANGES:
        first.step.held["weight"] = ConstantInput(dequantized(build, table.value, scale, zero), table.is_certain)
    elif first.step is None and first.dtype in RANGES:
        step, offset = _number(scale, 1.0), _number(zero, 0.0)
        real = affine(build, value, mul=step, add=-offset * step)
    real.dtype = FLOAT
    return real


def _keeps_numbers(layer: Layer) -> bool:
    """Whether a layer's elements are its first input's."""
    return layer.moves_only or layer.type == "maxpool"


def _number(value: Value | None, default: float) -> float:
    """Return a scale or a zero point.  Raises UnfitError if it is not one number that the file has."""
    if value is None:
        return default
    if value.number is None:
        raise UnfitError("its input has a scale for each channel, or one that is computed")
    return float(value.number)


@operator("QuantizeLinear", "DequantizeLinear")
@operator("QuantizeLinear", "DequantizeLinear", domain="com.microsoft")
def _quantize(build: Builder, call: Call) -> Value:
    x, scale, zero = call.input(0), call.given(1), call.given(2)
    if x.is_live and call.op == "QuantizeLinear":
        return clipped_by_range(build, x, scale, zero)
    if call.op == "DequantizeLinear":
        return dequantized(build, x, scale, zero, call.integer("axis", 1))
    value = build.derived(
        "QuantizeLinear", *[value for value in call.inputs if value is not None], axis=call.integer("axis", 1)
    )
    value.leaves = x.leaves
    number, step, offset = x.fill, scale and scale.fill, 0 if zero is None else zero.fill
    if number is not None and step and offset is not None:
        least, most = RANGES.get(zero.dtype if zero else UINT8, RANGES[UINT8])
        value.fill = min(max(round(number / step) + offset, least), most)
    return value


RANGES = {UINT8: (0, 255), INT8: (-128, 127), UINT16: (0, 65535), INT16: (-32768, 32767), UINT4: (0, 15), INT4: (-8, 7)}
"""The least and the largest number of each type of quantised tensors."""

SIX = 6.0


def clipped_by_range(build: Builder, x: Value, scale: Value | None, zero: Value | None) -> Value:
    """Return what quantising makes of a tensor in real numbers: a relu where the numbers begin at 0, else the same.

    Quantisers leave out a relu, or relu6, whose bounds are those of the numbers behind it.  Where the network is to run
    the numbers are rounded, too.
    """
    build.quantizes = True
    if scale is None or scale.number is None or (zero is not None and zero.number is None):
        return alias(x, x.shape, x.axis)
    least, most = RANGES.get(zero.dtype if zero else UINT8, RANGES[UINT8])
    offset, step = int(zero.number or 0) if zero else 0, float(scale.number)
    if offset == least and not is_positive(x):
        x = build.step("relu6" if isclose((most - offset) * step, SIX, rel_tol=1e-3) else "relu", [x])
    if build.rounds and step > 0:
        x = build.step("quantize", [x], scale=step, zero_point=offset, quant_min=least, quant_max=most)
    made = alias(x, x.shape, x.axis)
    made.quantum = (step, offset)
    return made


def in_integers(build: Builder, x: Value, dtype: int) -> Value:
    """Return the integers that stand for a quantised tensor, as a model's output has them."""
    assert x.quantum is not None
    (step, offset), (least, most) = x.quantum, RANGES[dtype]
    whole = build.step("round", [affine(build, x, mul=1 / step, add=0.0)])
    return build.step("hardtanh", [affine(build, whole, add=float(offset))], min_val=least, max_val=most)


POSITIVE = frozenset(("relu", "relu6", "sigmoid", "hardsigmoid", "softmax", "exp", "abs", "sqrt"))
"""Layers that make no negative number."""

SIGNED = frozenset(
    (
        "conv", "conv_transpose", "linear", "matmul", "einsum", "subtract", "neg", "shift", "scale", "batchnorm",
        "layernorm", "groupnorm", "instancenorm", "rmsnorm", "lstm", "gru", "rnn", "attention", "log", "sin", "cos",
    )
)  # fmt: skip
"""Layers that may make negative numbers whatever comes in; all others do where negative numbers come in."""

MOST_LAYERS_BACK = 64


def is_positive(value: Value) -> bool:
    """Whether a tensor has no negative element: as what makes it says, and inputs are taken to have none."""
    waiting = [value]
    for _ in range(MOST_LAYERS_BACK):
        if not waiting:
            return True
        step = waiting.pop().step
        if step is None or step.layer.type in POSITIVE or _is_raised(step):
            continue
        if step.layer.type in SIGNED or (step.layer.type == "affine" and min(step["mul"], step["add"]) < 0):
            return False
        waiting += step.inputs
    return True


def _is_raised(step: LayerStep) -> bool:
    """Whether a layer's least number is known not to be negative: 1 + erf(x), a clip from 0 on."""
    if step.layer.type == "hardtanh":
        return not isinstance(step["min_val"], str) and step["min_val"] >= 0
    before = step.inputs[0].step if step.layer.type == "affine" else None
    return before is not None and before.layer.type in ("erf", "tanh") and step["add"] >= abs(step["mul"])


@operator("DynamicQuantizeLinear")
def _dynamic(build: Builder, call: Call) -> Sequence[Value | None]:
    x = call.input(0)
    build.quantizes = True
    if build.rounds and x.is_live:
        made = [build.step("quantize", [x], output="integers")]
        for what in ("scale", "zero_point"):
            one = build.step("quantize", [x], None, output=what)
            made.append(alias(one, (), None))
        return made
    # its scale is 1, since its numbers are real ones
    return [alias(x, x.shape, x.axis), literal((1.0,), (), FLOAT), literal((0,), ())][: len(call.operator.outputs)]


@operator("Floor")
def _floor(build: Builder, call: Call) -> Value:
    x = call.input(0)
    if x.is_live or not build.quantizes:
        return build.step("floor", [x])
    return alias(x, x.shape, None)  # a bias in parts of a scale that is known when it runs alone


def _centred(build: Builder, value: Value, zero: Value | None) -> Value:
    """Return integers without the one that stands for 0."""
    if zero is not None and zero.is_live:
        return merged(build, "subtract", [value, zero])
    return dequantized(build, value, None, zero)


@operator("ConvInteger")
def _conv_integer(build: Builder, call: Call) -> Value:
    weight = dequantized(build, call.input(1), None, call.given(3), 0)
    x = _centred(build, call.input(0), call.given(2))
    return convolution(build, call, feature_map(x), weight, None)


@operator("QLinearConv")
def _qlinear_conv(build: Builder, call: Call) -> Value:
    weight = dequantized(build, call.input(3), call.input(4), call.input(5), 0)
    bias = call.given(8)
    if bias is not None:
        scale = build.derived("Mul", call.input(4), call.input(1))
        stored = bias
        bias = build.derived("Mul", stored, scale)
        bias.leaves = stored.leaves
    x = dequantized(build, call.input(0), call.input(1), call.input(2))
    y = convolution(build, call, feature_map(x), weight, bias)
    return clipped_by_range(build, y, call.given(6), call.given(7))


@operator("MatMulInteger")
def _matmul_integer(build: Builder, call: Call) -> Value:
    x = _centred(build, call.input(0), call.given(2))
    return product(build, x, dequantized(build, call.input(1), None, call.given(3)))


@operator("MatMulIntegerToFloat", "DynamicQuantizeMatMul", domain="com.microsoft")
def _matmul_to_float(build: Builder, call: Call) -> Value:
    dynamic = call.op == "DynamicQuantizeMatMul"
    scale, zero, bias = [call.given(index) for index in ((2, 3, 4) if dynamic else (3, 5, 6))]
    x = call.input(0)
    if dynamic and build.rounds and x.is_live:
        x = build.step("quantize", [x])
    build.quantizes = True
    x = x if dynamic else dequantized(build, x, call.given(2), call.given(4))
    y = product(build, x, dequantized(build, call.input(1), scale, zero))
    return merged(build, "add", [y, bias]) if bias is not None and bias.is_live else _biased(build, y, bias)


def _biased(build: Builder, y: Value, bias: Value | None) -> Value:
    if bias is None:
        return y
    shape = (1,) * (len(y.shape) - 1) + bias.shape
    weight = bias if bias.shape == shape else build.derived("Reshape", bias, shape=shape)
    return build.step("shift", [y], y.axis, {"weight": ConstantInput(weight)}, shape=shape)


@operator("QLinearMatMul")
def _qlinear_matmul(build: Builder, call: Call) -> Value:
    a = dequantized(build, call.input(0), call.given(1), call.given(2))
    y = product(build, a, dequantized(build, call.input(3), call.input(4), call.input(5)))
    return clipped_by_range(build, y, call.given(6), call.given(7)) if y.is_live else y


@operator("QGemm", domain="com.microsoft")
def _qgemm(build: Builder, call: Call) -> Value:
    weight = dequantized(build, call.input(3), call.given(4), call.given(5), 0)
    if not call.integer("transB"):
        weight = build.derived("Transpose", weight, shape=weight.shape[::-1], perm=[1, 0])
    bias = call.given(6)
    if bias is not None:
        stored, scale = bias, build.derived("Mul", call.input(4), call.input(1))
        bias = build.derived("Mul", stored, scale)
        bias.leaves = stored.leaves
    x = dequantized(build, call.input(0), call.given(1), call.given(2))
    return clipped_by_range(build, linear(build, x, weight, bias=bias), call.given(7), call.given(8))


def _as_plain(
    build: Builder, call: Call, op: str, inputs: list[Value | None], scale: int, **attributes: Attribute
) -> Value:
    """Return what the operator makes that a quantised one stands for; its output's scale is the input ``scale``."""
    item = call.operator._replace(op=op, domain="", attributes={**call.operator.attributes, **attributes})
    made = HANDLERS["", op](build, Call(item, inputs, PLAIN_OPSET, call.scopes))
    value = made if isinstance(made, Value) else made[0]
    assert value is not None, op
    return clipped_by_range(build, value, call.given(scale), call.given(scale + 1)) if value.is_live else value


PLAIN_OPSET = 17
"""The operator set of what a quantised operator of com.microsoft stands for."""


@operator("QLinearAdd", "QLinearMul", domain="com.microsoft")
def _qlinear_merge(build: Builder, call: Call) -> Value:
    values = [dequantized(build, call.input(i), call.given(i + 1), call.given(i + 2)) for i in (0, 3)]
    return _as_plain(build, call, "Add" if call.op == "QLinearAdd" else "Mul", [*values], 6)


@operator("QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax", domain="com.microsoft")
def _qlinear_activation(build: Builder, call: Call) -> Value:
    x = dequantized(build, call.input(0), call.given(1), call.given(2))
    return _as_plain(build, call, call.op.removeprefix("QLinear"), [x], 3)


@operator("QLinearGlobalAveragePool", "QLinearAveragePool", "QLinearReduceMean", domain="com.microsoft")
def _qlinear_pool(build: Builder, call: Call) -> Value:
    if call.integer("channels_last"):
        raise UnfitError("a quantised pool with the channels last is not known")
    op = call.op.removeprefix("QLinear")
    return _as_plain(build, call, op, [dequantized(build, call.input(0), call.given(1), call.given(2))], 3)


@operator("QLinearWhere", domain="com.microsoft")
def _qlinear_where(build: Builder, call: Call) -> Value:
    values = [dequantized(build, call.input(i), call.given(i + 1), call.given(i + 2)) for i in (1, 4)]
    return _as_plain(build, call, "Where", [call.input(0), *values], 7)


@operator("QLinearConcat", domain="com.microsoft")
def _qlinear_concat(build: Builder, call: Call) -> Value:
    places = range(2, len(call.inputs), 3)
    values = [dequantized(build, call.input(i), call.given(i + 1), call.given(i + 2)) for i in places]
    return _as_plain(build, call, "Concat", [*values], 0)
