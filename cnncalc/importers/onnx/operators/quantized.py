"""Quantised forms: what they stand for, in real numbers."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.call import Call, UnfitError
from cnncalc.importers.onnx.operators.contraction import convolution, feature_map, linear, product
from cnncalc.importers.onnx.operators.elementwise import merged
from cnncalc.importers.onnx.proto import FLOAT
from cnncalc.importers.onnx.values import Value, alias, literal


def dequantized(build: Builder, value: Value, scale: Value | None, zero: Value | None, axis: int = 1) -> Value:
    """Return a quantised constant as real numbers, which are its own elements in another form; or what is live."""
    if value.is_live:
        return value
    given = [value, scale or literal((1.0,), (), FLOAT), zero or literal((0,), ())]
    real = build.derived("DequantizeLinear", *given, axis=axis)
    real.leaves, real.dtype = value.leaves, FLOAT
    if (
        value.fill is not None
        and scale is not None
        and scale.fill is not None
        and (zero is None or zero.fill is not None)
    ):
        real.fill = (value.fill - (zero.fill or 0 if zero else 0)) * scale.fill
    return real


@operator("QuantizeLinear", "DequantizeLinear")
@operator("QuantizeLinear", "DequantizeLinear", domain="com.microsoft")
def _quantize(build: Builder, call: Call) -> Value:
    x = call.input(0)
    if x.is_live:
        return alias(x, x.shape, x.axis)
    if call.op == "DequantizeLinear":
        return dequantized(build, x, call.given(1), call.given(2), call.integer("axis", 1))
    value = build.derived(
        "QuantizeLinear", *[value for value in call.inputs if value is not None], axis=call.integer("axis", 1)
    )
    value.leaves = x.leaves
    return value


@operator("DynamicQuantizeLinear")
def _dynamic(build: Builder, call: Call) -> Sequence[Value | None]:
    x = call.input(0)  # its scale is 1 where nothing is rounded
    return [alias(x, x.shape, x.axis), literal((1.0,), (), FLOAT), literal((0,), ())][: len(call.operator.outputs)]


@operator("ConvInteger")
def _conv_integer(build: Builder, call: Call) -> Value:
    weight = dequantized(build, call.input(1), None, call.given(3), 0)
    return convolution(build, call, feature_map(call.input(0)), weight, None)


@operator("QLinearConv")
def _qlinear_conv(build: Builder, call: Call) -> Value:
    weight = dequantized(build, call.input(3), call.input(4), call.input(5), 0)
    bias = call.given(8)
    if bias is not None:
        scale = build.derived("Mul", call.input(4), call.input(1))
        stored = bias
        bias = build.derived("Mul", stored, scale)
        bias.leaves = stored.leaves
    return convolution(build, call, feature_map(call.input(0)), weight, bias)


@operator("MatMulInteger")
def _matmul_integer(build: Builder, call: Call) -> Value:
    return product(build, call.input(0), dequantized(build, call.input(1), None, call.given(3)))


@operator("MatMulIntegerToFloat", "DynamicQuantizeMatMul", domain="com.microsoft")
def _matmul_to_float(build: Builder, call: Call) -> Value:
    dynamic = call.op == "DynamicQuantizeMatMul"
    scale, zero, bias = [call.given(index) for index in ((2, 3, 4) if dynamic else (3, 5, 6))]
    y = product(build, call.input(0), dequantized(build, call.input(1), scale, zero))
    return merged(build, "add", [y, bias]) if bias is not None and bias.is_live else _biased(build, y, bias)


def _biased(build: Builder, y: Value, bias: Value | None) -> Value:
    if bias is None:
        return y
    from cnncalc.importers.onnx.steps import ConstantInput

    shape = (1,) * (len(y.shape) - 1) + bias.shape
    weight = bias if bias.shape == shape else build.derived("Reshape", bias, shape=shape)
    return build.step("shift", [y], y.axis, {"weight": ConstantInput(weight)}, shape=shape)


@operator("QLinearMatMul")
def _qlinear_matmul(build: Builder, call: Call) -> Value:
    return product(build, call.input(0), dequantized(build, call.input(3), call.input(4), call.input(5)))


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
    return linear(build, call.input(0), weight, bias=bias)


@operator("QLinearAdd", "QLinearMul", domain="com.microsoft")
def _qlinear_merge(build: Builder, call: Call) -> Value:
    values = [dequantized(build, call.input(i), call.given(i + 1), call.given(i + 2)) for i in (0, 3)]
    return merged(build, "add" if call.op == "QLinearAdd" else "multiply", values)


@operator("QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax", domain="com.microsoft")
def _qlinear_activation(build: Builder, call: Call) -> Value:
    x = call.input(0)
    if call.op == "QLinearLeakyRelu":
        return build.step("leaky_relu", [x], negative_slope=float(f"{call.number('alpha', 0.01):.7g}"))
    return build.step("sigmoid" if call.op == "QLinearSigmoid" else "softmax", [x])


@operator("QLinearGlobalAveragePool", "QLinearAveragePool", domain="com.microsoft")
def _qlinear_pool(build: Builder, call: Call) -> Value:
    if call.integer("channels_last") or call.op == "QLinearAveragePool":
        raise UnfitError("a quantised pool of this kind is not known")
    x = feature_map(call.input(0))
    return build.step("global_avgpool", [x], x.axis)


@operator("QLinearConcat", domain="com.microsoft")
def _qlinear_concat(build: Builder, call: Call) -> Value:
    from cnncalc.importers.onnx.builder import HANDLERS

    plain = Call(call.operator, [call.inputs[i] for i in range(2, len(call.inputs), 3)], 13, call.scopes)
    made = HANDLERS[("", "Concat")](build, plain)
    assert isinstance(made, Value)
    return made
