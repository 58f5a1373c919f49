"""Operators on quantised tensors: they become layers on the real numbers for which the integers stand."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose

from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.evaluator_moves import position
from cnncalc.importers.onnx.operators.contraction import matrix_product
from cnncalc.importers.onnx.operators.elementwise import affine, merged
from cnncalc.importers.onnx.operators.fused import OPSET, channels_first, channels_last
from cnncalc.importers.onnx.proto import FLOAT, INT2, INT4, INT8, INT16, SMALL_FLOATS, UINT2, UINT4, UINT8, UINT16
from cnncalc.importers.onnx.values import (
    Call,
    ConstantInput,
    LayerStep,
    QuantizedGrid,
    UnfitError,
    Value,
    alias,
    literal,
)
from cnncalc.layers.base import Layer


def dequantized(
    build: Builder, value: Value, scale: Value | None, zero: Value | None, axis: int = 1, block: int = 0
) -> Value:
    """Return a quantised value as real numbers; a constant keeps the stored tensors from which it is computed."""
    if value.is_live:
        return as_real_numbers(build, value, QuantizedGrid(scale or ONE, zero, axis, block))
    real = build.derived("DequantizeLinear", value, scale or ONE, zero or ZERO, axis=axis, block_size=block)
    real.leaves, real.dtype = value.leaves, FLOAT
    build.dequantized |= dict.fromkeys([id(leaf) for leaf in value.leaves])
    offset = zero.fill if zero is not None else 0
    if value.fill is not None and offset is not None and scale is not None and scale.fill is not None:
        real.fill = (value.fill - offset) * scale.fill
    return real


ONE, ZERO = literal((1.0,), (), FLOAT), literal((0,), ())


def as_real_numbers(build: Builder, value: Value, grid: QuantizedGrid) -> Value:
    """Return a computed tensor as real numbers.

    It is one already, unless it consists of integers of an input or of a stored table, or has another scale.
    """
    first = value
    while first.step is not None and first.step.inputs and first.grid is None and keeps_numbers(first.step.layer):
        first = first.step.inputs[0]
    table = first.step.tensors.get("weight") if first.step is not None else None
    real = value.copy()
    if grid.scale.is_live:
        real = _times_scale(build, value, grid)
    elif first.step is not None and table is not None and table.value.dtype in RANGES:
        weight = dequantized(build, table.value, grid.scale, grid.zero)
        first.step.tensors["weight"] = ConstantInput(weight, table.is_certain)
    elif first.grid is not None and not grid.is_that_of(first.grid):
        real = _times_scale(build, _integers(build, value, first.grid), grid)
    elif first.step is None and first.grid is None and (first.dtype in RANGES or first.dtype in SMALL_FLOATS):
        real = _times_scale(build, value, grid)
        real = _rounded(build, real, grid, first.dtype) if build.rounds else real  # to be read as integers, too
    real.dtype = FLOAT
    return real


def keeps_numbers(layer: Layer) -> bool:
    """Whether a layer's output consists of elements of its first input."""
    return layer.moves_only or layer.type == "maxpool"


def _times_scale(build: Builder, x: Value, grid: QuantizedGrid) -> Value:
    """Return ``(q − zero) · scale`` of integers q."""
    if grid.numbers is not None:
        step, offset = grid.numbers
        return affine(build, x, mul=step, add=-offset * step)
    if grid.zero is not None and grid.zero.fill != 0:
        x = merged(build, "subtract", [x, _broadcastable(build, grid.zero, x, grid)])
    return merged(build, "multiply", [x, _broadcastable(build, grid.scale, x, grid)])


def _integers(build: Builder, x: Value, grid: QuantizedGrid) -> Value:
    """Return the integers of a quantised tensor; in a graph that does not run, nothing is rounded."""
    places = _unrounded_integers(build, x, grid)
    return build.step("round", [places]) if build.rounds else places


def _unrounded_integers(build: Builder, x: Value, grid: QuantizedGrid) -> Value:
    """Return ``x / scale + zero``, not rounded; in a graph that runs, ties are decided before zeros are added."""
    if grid.numbers is not None:
        step, offset = grid.numbers
        return affine(build, x, mul=1 / step, add=offset)
    x = merged(build, "divide", [x, _broadcastable(build, grid.scale, x, grid)])
    if grid.zero is None or grid.zero.fill == 0:
        return x
    x = build.step("round", [x]) if build.rounds else x
    return merged(build, "add", [x, _broadcastable(build, grid.zero, x, grid)])


def _broadcastable(build: Builder, given: Value, x: Value, grid: QuantizedGrid) -> Value:
    """Return scales, or zero points, in a shape that broadcasts with a tensor's."""
    if given.elements == 1:
        return given
    sizes, axis = [*given.dims] if given.rank == x.rank else [1] * x.rank, position(grid.axis, x.rank)
    sizes[axis] = x.dims[axis]
    if given.is_live:
        raise UnfitError("it has several scales, which are computed")
    return build.derived("Spread", given, shape=tuple(sizes), axis=axis, block_size=grid.block)


@operator("QuantizeLinear", "DequantizeLinear")
@operator("QuantizeLinear", "DequantizeLinear", domain="com.microsoft")
def _quantize(build: Builder, call: Call) -> Value:
    x, scale, zero = call.input(0), call.given(1), call.given(2)
    axis, block = call.integer("axis", 1), call.integer("block_size")
    if call.op == "DequantizeLinear":
        return dequantized(build, x, scale, zero, axis, block)
    dtype = zero.dtype if zero else call.integer("output_dtype") or UINT8
    if x.is_live:
        return quantized(build, x, QuantizedGrid(scale or ONE, zero, axis, block), dtype)
    value = build.derived("QuantizeLinear", x, scale or ONE, zero or ZERO, axis=axis, block_size=block)
    value.leaves, value.dtype = x.leaves, dtype
    number, step, offset = x.fill, scale and scale.fill, 0 if zero is None else zero.fill
    if number is not None and step and offset is not None and dtype in RANGES:
        least, most = RANGES[dtype]
        value.fill = min(max(round(number / step) + offset, least), most)
    return value


RANGES = {
    UINT8: (0, 255), INT8: (-128, 127), UINT16: (0, 65535), INT16: (-32768, 32767), UINT4: (0, 15), INT4: (-8, 7),
    UINT2: (0, 3), INT2: (-2, 1),
}  # fmt: skip
"""The smallest and the largest number of each type of quantised tensors."""


def requantized(build: Builder, x: Value, scale: Value | None, zero: Value | None) -> Value:
    """Return the quantised output of an operator, whose result is given as real numbers."""
    return quantized(build, x, QuantizedGrid(scale or ONE, zero), zero.dtype if zero else UINT8)


def quantized(build: Builder, x: Value, grid: QuantizedGrid, dtype: int) -> Value:
    """Return a tensor of real numbers after quantisation: clipped if the smallest number is 0, else unchanged.

    Quantisers leave out a relu or relu6 with the same bounds as the quantised numbers, which is added again here.  In a
    graph that runs, the numbers are rounded as well.
    """
    build.quantizes = True
    if dtype not in RANGES and dtype not in SMALL_FLOATS:
        raise UnfitError(f"quantised tensors of the type {dtype} are not supported")
    if not build.call.integer("saturate", 1):
        raise UnfitError("saturate = 0, by which numbers that are too large become NaN, is not supported")
    if grid.scale.number == 0:
        raise UnfitError("its scale is 0, by which nothing can be divided")
    least, most = RANGES.get(dtype, (0, 0))
    if dtype in RANGES and grid.numbers is not None:
        step, offset = grid.numbers
        if offset == least and not (build.rounds or has_no_negatives(x)):
            x = build.step("relu6" if isclose((most - offset) * step, 6.0, rel_tol=1e-3) else "relu", [x])
    y = _rounded(build, x, grid, dtype) if build.rounds else x.copy()
    y.grid = grid
    return y


def _rounded(build: Builder, x: Value, grid: QuantizedGrid, dtype: int) -> Value:
    """Return real numbers rounded to those of a grid: of 8 bits, as integers and a factor, to be read as either."""
    least, most = RANGES.get(dtype, (0, 0))
    to: dict[str, object] = {"quant_min": least, "quant_max": most}
    to = to if dtype in RANGES else {"format": SMALL_FLOATS[dtype]}
    if grid.numbers is None or grid.numbers[0] <= 0:
        whole = build.step("quantize", [_unrounded_integers(build, x, grid)], scale=1.0, **to)
        return _times_scale(build, whole, grid)
    step, offset = grid.numbers
    to |= {"scale": step, "zero_point": int(offset)}
    if 0 < most - least < 256:
        return affine(build, build.step("quantize", [x], output="steps", **to), mul=step)
    return build.step("quantize", [x], **to)


def as_integers(build: Builder, x: Value, dtype: int) -> Value:
    """Return the integers, or small floats, that a quantised tensor has as an output of the model."""
    assert x.grid is not None
    places = _unrounded_integers(build, x, x.grid)
    if dtype in SMALL_FLOATS:
        return places
    least, most = RANGES[dtype]
    return build.step("hardtanh", [build.step("round", [places])], min_val=least, max_val=most)


NEVER_NEGATIVE = frozenset(("relu", "relu6", "sigmoid", "hardsigmoid", "softmax", "exp", "abs", "sqrt"))
"""Layers whose output is never negative."""

OFTEN_NEGATIVE = frozenset((
    "conv", "conv_transpose", "linear", "matmul", "einsum", "subtract", "neg", "shift", "scale", "batchnorm",
    "layernorm", "groupnorm", "instancenorm", "rmsnorm", "lstm", "gru", "rnn", "attention", "log", "sin", "cos",
))  # fmt: skip
"""Layers whose output may be negative for any input; that of other layers is negative for negative inputs only."""

MOST_LAYERS_BACK = 64


def has_no_negatives(value: Value) -> bool:
    """Whether the layers before a tensor show that no element is negative; inputs are assumed to have none either."""
    waiting = [value]
    for _ in range(MOST_LAYERS_BACK):
        if not waiting:
            return True
        step = waiting.pop().step
        if step is None or step.layer.type in NEVER_NEGATIVE or _excludes_negatives(step):
            continue
        if step.layer.type in OFTEN_NEGATIVE or (step.layer.type == "affine" and min(step["mul"], step["add"]) < 0):
            return False
        waiting += step.inputs
    return True


def _excludes_negatives(step: LayerStep) -> bool:
    """Whether a layer's bounds exclude negative numbers: 1 + erf(x), a clip to at least 0."""
    if step.layer.type == "hardtanh":
        return not isinstance(step["min_val"], str) and step["min_val"] >= 0
    before = step.inputs[0].step if step.layer.type == "affine" else None
    return before is not None and before.layer.type in ("erf", "tanh") and step["add"] >= abs(step["mul"])


@operator("DynamicQuantizeLinear")
def _dynamic_quantize_linear(build: Builder, call: Call) -> Sequence[Value | None]:
    x = call.input(0)
    build.quantizes = True
    if build.rounds and x.is_live:
        return _on_own_grid(build, x)
    return [x.copy(), literal((1.0,), (), FLOAT), literal((0,), ())]  # real numbers have the scale 1


def _on_own_grid(build: Builder, x: Value) -> tuple[Value, Value, Value]:
    """Return a tensor's integers, whose range is its own, with their scale and their zero point."""
    scale, zero = [build.step("quantize", [x], None, output=what) for what in ("scale", "zero_point")]
    return build.step("quantize", [x], output="integers"), alias(scale, (), None), alias(zero, (), None)


@operator("Floor")
def _floor(build: Builder, call: Call) -> Value:
    x = call.input(0)
    if x.is_live or not build.quantizes:
        return build.step("floor", [x])
    return alias(x, x.shape, None)  # a bias that is divided by a scale which only a run computes


def _minus_zero_point(build: Builder, value: Value, zero: Value | None) -> Value:
    """Return integers minus their zero point."""
    if zero is not None and zero.is_live:
        return merged(build, "subtract", [value, zero])
    return dequantized(build, value, None, zero)


@operator("ConvInteger", "MatMulInteger")
def _integer_product(build: Builder, call: Call) -> Value:
    op = call.op.removesuffix("Integer")
    weight = dequantized(build, call.input(1), None, call.given(3), 0 if op == "Conv" else 1)
    x = _minus_zero_point(build, call.input(0), call.given(2))
    return build.output_of(op, [x, weight], **call.operator.attributes)


def _dequantized_bias(build: Builder, call: Call, index: int) -> Value | None:
    """Return a bias of integers as real numbers: its scale is the product of the input's and the weight's."""
    bias = call.given(index)
    if bias is None:
        return None
    real = build.derived("Mul", bias, build.derived("Mul", call.input(4), call.input(1)))
    real.leaves = bias.leaves
    return real


@operator("MatMulIntegerToFloat", "DynamicQuantizeMatMul", domain="com.microsoft")
def _matmul_to_float(build: Builder, call: Call) -> Value:
    dynamic = call.op == "DynamicQuantizeMatMul"
    scale, zero, bias = [call.given(index) for index in ((2, 3, 4) if dynamic else (3, 5, 6))]
    x, weight = call.input(0), call.input(1)
    build.quantizes = True
    x_scale, x_zero = (None, None) if dynamic else (call.given(2), call.given(4))
    if dynamic and build.rounds and x.is_live:
        x, x_scale, x_zero = _on_own_grid(build, x)
    if x_scale is not None and x_scale.is_live:  # the operators for which it stands, in their order
        y = build.output_of("MatMulInteger", [x, weight, x_zero, zero])
        y = build.output_of("Mul", [y, build.output_of("Mul", [x_scale, scale or ONE])])
    else:
        x = x if dynamic else dequantized(build, x, x_scale, x_zero)
        y = matrix_product(build, x, dequantized(build, weight, scale, zero))
    return y if bias is None else build.output_of("Add", [y, bias])


QUANTIZED_INPUTS: dict[str, tuple[int, ...]] = {
    "Add": (0, 3), "Mul": (0, 3), "Sigmoid": (0,), "LeakyRelu": (0,), "Softmax": (0,), "GlobalAveragePool": (0,),
    "AveragePool": (0,), "ReduceMean": (0,), "Where": (1, 4), "Conv": (0, 3), "MatMul": (0, 3), "Gemm": (0, 3),
}  # fmt: skip
"""Which inputs of QLinearAdd and others are tensors; each is followed by its scale and its zero point."""

BIASES = {"Conv": 8, "Gemm": 6}
"""Which input of an operator is a bias of integers."""


@operator("QLinearConv", "QLinearMatMul")
@operator(*[f"QLinear{op}" for op in (*QUANTIZED_INPUTS, "Concat")], "QGemm", domain="com.microsoft")
def _qlinear(build: Builder, call: Call) -> Value:
    """Return the quantised output of the operator for which a quantised one stands, computed on real numbers.

    The scale and the zero point of the output come after the tensors, and the bias of a Gemm; those of QLinearConcat
    come first.  An operator without a scale of its output returns real numbers.
    """
    op, is_last = call.op.removeprefix("QLinear").replace("QGemm", "Gemm"), call.integer("channels_last")
    places = QUANTIZED_INPUTS.get(op, range(2, len(call.inputs), 3))
    axis = 0 if op == "Conv" or call.integer("transB") else 1
    inputs: list[Value | None] = [call.input(0)] if op == "Where" else []
    for i in places:
        is_turned = is_last and not (op == "Conv" and i)
        x = channels_first(build, call.input(i)) if is_turned else call.input(i)
        inputs.append(dequantized(build, x, call.given(i + 1), call.given(i + 2), axis))
    attributes = dict(call.operator.attributes)
    if op in BIASES:
        inputs.append(_dequantized_bias(build, call, BIASES[op]))
    if op == "Gemm":  # its alpha multiplies the bias, too
        attributes["beta"] = call.number("alpha", 1.0)
    scale = 0 if op == "Concat" else 7 if op == "Gemm" else places[-1] + 3
    value = build.output_of(op, inputs, OPSET, **attributes)
    is_quantized = value.is_live and call.given(scale) is not None
    value = requantized(build, value, call.given(scale), call.given(scale + 1)) if is_quantized else value
    return channels_last(build, value) if is_last else value
