"""Quantised models have the figures, the layers and nearly the numbers of the float model.

ONNX Runtime's own tool quantises them; it drops each relu whose bound is the lower end of its output's grid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from cnncalc.figures.costs import sums
from cnncalc.ground.errors import CnncalcError
from cnncalc.importers.onnx.load import read_model_bytes
from cnncalc.network import Network
from tests.importers.models import imported, model, network, node, runtime

quantization = pytest.importorskip("onnxruntime.quantization", reason="quantises models")
F = np.float32
STREAM = np.random.default_rng(0)


def weight(*shape: int) -> Any:
    return (STREAM.standard_normal(shape) / np.prod(shape[1:]) ** 0.5).astype(F)


def convolutional() -> bytes:
    """Return a network of convolutions with relus, a sum, pools and a product."""
    return model(
        [
            node("Conv", ["x", "w1", "b1"], ["a"], pads=[1, 1, 1, 1]), node("Relu", ["a"], ["b"]),
            node("Conv", ["b", "w2"], ["c"], group=8, pads=[1, 1, 1, 1]), node("Relu", ["c"], ["d"]),
            node("Add", ["b", "d"], ["e"]), node("Sigmoid", ["e"], ["f"]), node("Mul", ["e", "f"], ["g"]),
            node("AveragePool", ["g"], ["h"], kernel_shape=[2, 2], strides=[2, 2]), node("Concat", ["h", "h"], ["i"], axis=1),
            node("LeakyRelu", ["i"], ["j"], alpha=0.1), node("GlobalAveragePool", ["j"], ["k"]), node("Flatten", ["k"], ["l"]),
            node("Gemm", ["l", "w3", "b3"], ["m"], transB=1), node("Softmax", ["m"], ["y"], axis=1),
        ],
        {"x": ["N", 3, 8, 8]}, ["y"],
        {"w1": weight(8, 3, 3, 3), "b1": weight(8), "w2": weight(8, 1, 3, 3), "w3": weight(5, 16), "b3": weight(5)},
    )  # fmt: skip


def attentive() -> bytes:
    """Return an attention between two products, with a table of positions."""
    return model(
        [
            node("Add", ["x", "pos_embed"], ["p"]), node("MatMul", ["p", "w1"], ["q"]), node("Add", ["q", "b1"], ["a"]),
            node("Transpose", ["a"], ["t"], perm=[0, 2, 1]), node("MatMul", ["a", "t"], ["l"]), node("Mul", ["l", "s"], ["m"]),
            node("Softmax", ["m"], ["n"], axis=-1), node("MatMul", ["n", "a"], ["o"]), node("MatMul", ["o", "w2"], ["y"]),
        ],
        {"x": ["N", 6, 8]}, ["y"],
        {"pos_embed": weight(1, 6, 8), "w1": weight(8, 8), "b1": weight(8), "s": F(0.35), "w2": weight(8, 12)},
    )  # fmt: skip


def recurrent() -> bytes:
    constants = {"w": weight(1, 20, 6), "r": weight(1, 20, 5), "b": weight(1, 40)}
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
        node("LSTM", ["t", "w", "r", "b"], ["", "h"], hidden_size=5),
        node("Squeeze", ["h", "first"], ["y"]),
    ]
    return model(nodes, {"x": ["N", 7, 6]}, ["y"], {**constants, "first": np.array([0])})


class Samples:
    """A few random inputs of a model."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.left: Iterator[Any] = iter([{"x": STREAM.standard_normal((4, *shape)).astype(F)} for _ in range(8)])

    def get_next(self) -> Any:
        return next(self.left, None)


def static(path: str, to: str, shape: tuple[int, ...], **more: Any) -> None:
    quantization.quantize_static(path, to, Samples(shape), **more)


FORMS: dict[str, Callable[..., Any]] = {
    "QDQ": static,
    "QDQ per channel": lambda *a: static(*a, per_channel=True),
    "QOperator": lambda *a: static(
        *a,
        quant_format=quantization.QuantFormat.QOperator,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QUInt8,
    ),
    "dynamic": lambda path, to, shape: quantization.quantize_dynamic(path, to),
}
MODELS = {
    "convolutional": (convolutional, (3, 8, 8)),
    "attentive": (attentive, (6, 8)),
    "recurrent": (recurrent, (7, 6)),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", MODELS)
def test_a_quantised_model_has_the_figures_of_its_float_model(name: str, form: str, tmp_path: Path) -> None:
    make, shape = MODELS[name]
    data = make()
    (tmp_path / "float.onnx").write_bytes(data)
    FORMS[form](str(tmp_path / "float.onnx"), str(tmp_path / "small.onnx"), shape)
    small = (tmp_path / "small.onnx").read_bytes()
    for fuse in (True, False):
        one, other = imported(data, fuse=fuse).graph, imported(small, fuse=fuse).graph
        if fuse:
            assert [node.layer.type for node in other.nodes] == [node.layer.type for node in one.nodes]
        assert sums(other.nodes)._replace(layers=0) == sums(one.nodes)._replace(layers=0)
        assert {node.name: node.shape for node in other.outputs.values()} == {
            node.name: node.shape for node in one.outputs.values()
        }
    x = np.random.default_rng(1).standard_normal((2, *shape)).astype(F)
    (expected,) = runtime(data, {"x": x})
    (made,) = network(small).run(x).outputs.values()
    assert np.abs(made.reshape(expected.shape) - expected).max() < 0.05 * np.abs(expected).max()


def rounding(data: bytes) -> Network:
    """Return the network of a model's bytes, which rounds when it runs."""
    return Network.of(read_model_bytes(data, "model.onnx").build())


def grid(
    kind: str, rounding: str, *shape: int, zero: int | None = None, **attributes: Any
) -> tuple[list[Any], dict[str, Any], str]:
    """Return nodes that quantise a tensor to a type by scales of a shape and, if asked, dequantise it again."""
    code = onnx.TensorProto.DataType.Value(kind)
    scale = np.abs(np.random.default_rng(3).standard_normal(shape)).astype(F) / 8 + F(0.05)
    point = onnx.helper.make_tensor("z", code, shape, [0 if zero is None else zero] * int(np.prod(shape)))
    nodes = [node("QuantizeLinear", ["x", "s", "z"], ["q"], **attributes)]
    if rounding == "numbers":
        nodes.append(node("DequantizeLinear", ["q", "s", "z"], ["y"], **attributes))
    return nodes, {"s": scale, "z": point}, kind if rounding != "numbers" else "FLOAT"


GRIDS = {
    "an axis": grid("UINT8", "numbers", 4, zero=128),
    "an axis, as the output": grid("INT8", "integers", 4),
    "one scale for all, as the output": grid("UINT8", "integers", zero=100),
    "the last axis": grid("INT8", "numbers", 6, axis=-1),
    "blocks": grid("INT16", "numbers", 2, 2, 6, axis=1, block_size=2),
    "blocks, as the output": grid("INT8", "integers", 2, 2, 6, axis=1, block_size=2),
    "4 bits": grid("INT4", "numbers", 4, axis=1),
    "4 bits without a sign": grid("UINT4", "numbers", zero=7),
    "floats of 8 bits": grid("FLOAT8E4M3FN", "numbers"),
    "floats of 8 bits with a long exponent": grid("FLOAT8E5M2", "numbers"),
}


@pytest.mark.parametrize("name", GRIDS)
def test_a_tensor_is_rounded_to_its_own_grid(name: str) -> None:
    """The results equal those of onnx's reference, which rounds each number separately."""
    nodes, constants, kind = GRIDS[name]
    port, code = onnx.helper.make_tensor_value_info, onnx.TensorProto.DataType.Value
    stored = [
        one if isinstance(one, onnx.TensorProto) else onnx.numpy_helper.from_array(one, key)
        for key, one in constants.items()
    ]
    end = nodes[-1].output[0]
    graph = onnx.helper.make_graph(
        nodes, "graph", [port("x", code("FLOAT"), [2, 4, 6])], [port(end, code(kind), [2, 4, 6])], stored
    )
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)])
    x = np.random.default_rng(1).standard_normal((2, 4, 6)).astype(F)
    found: Any = ReferenceEvaluator(made).run(None, {"x": x})
    expected = np.asarray(found[0], F)
    run = rounding(made.SerializeToString()).run(x)
    assert run.ok
    np.testing.assert_allclose(run.outputs[end].reshape(2, 4, 6), expected, atol=1e-6, rtol=1e-6)


def test_a_tensor_is_read_with_the_scale_of_its_reader() -> None:
    """A tensor quantised with a step of 0.5 and read with 0.25 has half its values."""
    nodes = [node("QuantizeLinear", ["x", "a", "z"], ["q"]), node("DequantizeLinear", ["q", "b", "z"], ["y"])]
    data = model(nodes, {"x": ["N", 3]}, ["y"], {"a": F(0.5), "b": F(0.25), "z": np.int8(0)})
    x = np.array([[1, 2.1, -3.9]], F)
    np.testing.assert_array_equal(rounding(data).run(x).output, [[0.5, 1, -2]])
    np.testing.assert_array_equal(runtime(data, {"x": x})[0], [[0.5, 1, -2]])


def test_a_tie_is_rounded_before_an_odd_zero_point_is_added() -> None:
    """Of 0.5, 1.5 and 2.5 steps the even number is taken, whatever is added: 0, 2 and 2."""
    nodes = [node("QuantizeLinear", ["x", "s", "z"], ["q"]), node("DequantizeLinear", ["q", "s", "z"], ["y"])]
    data = model(nodes, {"x": ["N", 2, 3]}, ["y"], {"s": np.array([0.5, 0.25], F), "z": np.array([3, 5], np.uint8)})
    x = np.array([[[0.25, 0.75, 1.25], [0.125, 0.375, 0.625]]], F)
    np.testing.assert_array_equal(rounding(data).run(x).output, [[[0, 1, 1], [0, 0.5, 0.5]]])
    np.testing.assert_array_equal(runtime(data, {"x": x})[0], [[[0, 1, 1], [0, 0.5, 0.5]]])


@pytest.mark.parametrize("kind", ["FLOAT8E4M3FN", "FLOAT8E5M2", "FLOAT4E2M1", "INT4", "UINT2"])
def test_weights_of_few_bits_are_their_numbers(kind: str) -> None:
    """Every code has the number that ml_dtypes gives it."""
    code = onnx.TensorProto.DataType.Value(kind)
    numbers = [0, 1, 1, 0] if kind == "UINT2" else [-2, 1, 6, -6]
    stored = onnx.helper.make_tensor("w", code, [4], numbers)
    nodes = [node("DequantizeLinear", ["w", "s"], ["d"]), node("Mul", ["x", "d"], ["y"])]
    made = onnx.load_from_string(model(nodes, {"x": ["N", 4]}, ["y"], {"s": F(2)}, 25))
    made.graph.initializer.append(stored)
    net = rounding(made.SerializeToString())
    np.testing.assert_array_equal(net.run(np.ones((1, 4), F)).output, [[2 * number for number in numbers]])
    assert net.summary().totals.params == 4


def test_a_cast_to_integers_of_few_bits_is_refused() -> None:
    with pytest.raises(CnncalcError, match="a cast to numbers of 4 bits is not supported"):
        rounding(model([node("Cast", ["x"], ["y"], to=onnx.TensorProto.INT4)], {"x": ["N", 4]}, ["y"], {}, 21))


def test_a_grid_that_a_run_computes_is_that_of_the_tensor() -> None:
    """−1 to 3 has the scale 4 / 255, and the zero point 255 / 4, rounded to 64 (ONNX's DynamicQuantizeLinear)."""
    nodes = [
        node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]), node("MatMulInteger", ["q", "w", "z"], ["i"]),
        node("Cast", ["i"], ["f"], to=1), node("Mul", ["f", "s"], ["y"]),
    ]  # fmt: skip
    data = model(nodes, {"x": ["N", 3]}, ["y", "s"], {"w": np.array([[1, 2], [-1, 3], [5, -7]], np.int8)})
    x = np.array([[-1, 0.3, 3], [0.7, 2.9, -0.5]], F)  # both samples have one grid
    net = rounding(data)
    assert net.model.rounded is not None
    shapes = [one.shape for one in net.model.rounded().nodes if one.layer.type == "quantize"]
    run = net.run(x)
    assert run.ok
    outputs = run.outputs
    numbers = np.round(x * F(255 / 4)) * F(4 / 255)  # the integers −64, 19, 191; 45, 185, −32
    np.testing.assert_allclose(outputs["y"], numbers @ np.array([[1, 2], [-1, 3], [5, -7]], F), rtol=1e-6)
    np.testing.assert_allclose(outputs["s"], 4 / 255, rtol=1e-6)
    np.testing.assert_allclose(outputs["y"], runtime(data, {"x": x})[0], rtol=1e-6)
    assert sorted(shapes) == [(1,), (1,), (3,)]


SCALED: dict[str, tuple[list[Any], tuple[int, ...], list[str]]] = {
    "one scale": ([node("Mul", ["f", "s"], ["y"])], (), []),
    "scales of columns": ([node("Mul", ["s", "f"], ["y"])], (3,), []),
    "scales of rows": ([node("Mul", ["f", "s"], ["y"])], (3, 1), ["scale"]),
    "another reader": ([node("Mul", ["f", "s"], ["g"]), node("Sub", ["f", "g"], ["y"])], (), ["affine", "subtract"]),
    "a function with the same names": (
        [node("Scaled", ["i", "s"], ["g"], domain="own"), node("Sub", ["f", "g"], ["y"])], (), ["affine", "subtract"],
    ),
    "another operator": ([node("QuickGelu", ["f"], ["y"], domain="com.microsoft")], (), ["affine", "sigmoid", "multiply"]),
}  # fmt: skip
"""Operators behind a product of integers, the shape of their scale, and their layers."""


@pytest.mark.parametrize("name", SCALED)
def test_a_scale_is_part_of_the_weights_of_a_product_that_nothing_else_reads(name: str) -> None:
    after, shape, layers = SCALED[name]
    product = [
        node("QuantizeLinear", ["x", "t", "z"], ["q"]), node("MatMulInteger", ["q", "w", "z"], ["i"]), node("Cast", ["i"], ["f"], to=1),
    ]  # fmt: skip
    constants = {"w": np.arange(-4, 5, dtype=np.int8).reshape(3, 3), "t": F(0.5), "z": np.uint8(128)}
    scales = np.linspace(0.1, 0.3, 3, dtype=F) if shape else F(0.1)
    made = onnx.load_from_string(
        model([*product, *after], {"x": ["N", 3, 3]}, ["y"], {**constants, "s": np.reshape(scales, shape)})
    )
    inside = [node("Cast", ["i"], ["f"], to=1), node("Mul", ["f", "s"], ["b"])]
    made.functions.append(
        onnx.helper.make_function("own", "Scaled", ["i", "s"], ["b"], inside, [onnx.helper.make_opsetid("", 17)])
    )
    made.opset_import.extend([onnx.helper.make_opsetid(domain, 1) for domain in ("com.microsoft", "own")])
    data, x = made.SerializeToString(), STREAM.integers(-9, 9, (2, 3, 3)).astype(F)
    net = rounding(data)
    np.testing.assert_allclose(net.run(x).output, runtime(data, {"x": x})[0], rtol=1e-5, atol=1e-6)
    types = [one.layer.type for one in net.nodes]
    assert types[types.index("linear") + 1 :] == layers


@pytest.mark.parametrize("scale", [0.001, 1.0])
def test_sums_of_integers_are_exact(scale: float) -> None:
    """Neither an algorithm with fractions nor a factor in the weights may change the last bit."""
    nodes = [
        node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]), node("ConvInteger", ["q", "w", "z"], ["i"], pads=[1, 1, 1, 1]),
        node("Cast", ["i"], ["f"], to=1), node("Mul", ["f", "t"], ["y"]),
    ]  # fmt: skip
    w = np.random.default_rng(2).integers(-63, 64, (32, 32, 3, 3)).astype(np.int8)
    data = model(nodes, {"x": ["N", 32, 24, 24]}, ["y"], {"w": w, "t": np.full((32, 1, 1), scale, F)})
    x = np.random.default_rng(1).standard_normal((1, 32, 24, 24)).astype(F)
    np.testing.assert_array_equal(rounding(data).run(x).output, runtime(data, {"x": x})[0])


def of_eighths(*shape: int) -> Any:
    return np.random.default_rng(4).integers(-9, 10, shape).astype(np.int8)


QUANTIZED_X = node("QuantizeLinear", ["x", "xs", "xz"], ["q"])
QDQ_X = [
    QUANTIZED_X,
    node("DequantizeLinear", ["q", "xs", "xz"], ["r"]),
    node("DequantizeLinear", ["w", "ws", "wz"], ["v"], axis=0),
]
QDQ_Y = [node("QuantizeLinear", ["p", "ys", "yz"], ["i"]), node("DequantizeLinear", ["i", "ys", "yz"], ["y"])]
TIES: dict[str, tuple[list[Any], str]] = {
    "QLinearConv": (
        [QUANTIZED_X, node("QLinearConv", ["q", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"], ["i"], pads=[1, 1, 1, 1]), QDQ_Y[1]], "bias",
    ),
    "a convolution between DequantizeLinear and QuantizeLinear": ([*QDQ_X, node("Conv", ["r", "v"], ["p"], pads=[1, 1, 1, 1]), *QDQ_Y], ""),
    "with a relu that the range contains": (
        [*QDQ_X, node("Conv", ["r", "v"], ["c"], pads=[1, 1, 1, 1]), node("Relu", ["c"], ["p"]), *QDQ_Y], "least",
    ),
    "behind a pooling": (
        [QUANTIZED_X, node("MaxPool", ["q"], ["m"], kernel_shape=[1, 1]), node("DequantizeLinear", ["m", "xs", "xz"], ["r"]), QDQ_X[2],
         node("Conv", ["r", "v"], ["p"], pads=[1, 1, 1, 1]), *QDQ_Y], "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TIES)
def test_the_sum_of_a_quantised_product_is_rounded_once(name: str) -> None:
    """With x_scale · w_scale / y_scale = 1/2 every odd sum is between two integers, and becomes the even one.

    Another channel's scale is 0, and then its bias has none either.
    """
    nodes, what = TIES[name]
    w, b, least = of_eighths(4, 3, 3, 3), np.arange(4, dtype=np.int32), what == "least"
    scales = F(0.1), np.array([0.1, 0.2, 0.1, 0], F)
    product = scales[0] * scales[1]
    constants = {
        "w": w, "xs": scales[0], "xz": np.uint8(128), "ws": scales[1], "wz": np.zeros(4, np.int8), "ys": product[0] * F(2),
        "yz": np.uint8(0 if least else 128), **({"b": b} if what == "bias" else {}),
    }  # fmt: skip
    data = model(nodes, {"x": ["N", 3, 8, 8]}, ["y"], constants)
    steps = np.random.default_rng(5).integers(-12, 13, (2, 3, 8, 8))
    made = rounding(data).run((steps * scales[0]).astype(F)).output
    padded = np.lib.stride_tricks.sliding_window_view(np.pad(steps, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), (2, 3))
    sums = np.einsum("nchwij,ocij->nohw", padded, w.astype(int)) + (b.reshape(4, 1, 1) if what == "bias" else 0)
    halves = sums * np.array([1, 2, 1, 0]).reshape(4, 1, 1) / 2
    assert (halves % 1 == 0.5).mean() > 0.2
    expected = np.clip(np.rint(halves), 0 if least else -128, 255 if least else 127).astype(F) * constants["ys"]
    np.testing.assert_array_equal(made, expected)
    if not least:  # where a relu stands between, ONNX Runtime computes in float32
        np.testing.assert_array_equal(made, runtime(data, {"x": (steps * scales[0]).astype(F)})[0])


@pytest.mark.parametrize("seed", range(12))
def test_a_random_quantised_convolution_is_onnx_runtimes_to_the_last_bit(seed: int) -> None:
    """One to three axes, groups, strides, paddings, types of integers, and scales of channels are drawn.

    Weights have 7 bits, since ONNX Runtime's sums of pairs overflow 16 bits on processors without VNNI.
    """
    draw = np.random.default_rng(seed)
    kind, per_channel = draw.choice(["uint8", "int8"]), draw.random() < 0.5
    low, high = np.iinfo(kind).min, np.iinfo(kind).max + 1
    axes, groups = int(draw.integers(1, 4)), int(draw.integers(1, 3))
    out, kernel, sizes = 4 * groups, draw.integers(1, 4, axes), [2 * groups, *draw.integers(4, 9, axes).tolist()]
    shape = (out,) if per_channel else ()
    constants = {
        "xs": F(draw.uniform(0.01, 0.1)), "xz": np.array(draw.integers(low, high), kind), "b": draw.integers(-5000, 5000, out).astype(np.int32),
        "w": draw.integers(-63, 64, (out, 2, *kernel)).astype(np.int8), "ws": draw.uniform(0.01, 0.1, shape).astype(F),
        "wz": np.zeros(shape, np.int8), "ys": F(draw.uniform(2, 8)), "yz": np.array(draw.integers(low, high), kind),
    }  # fmt: skip
    window = {
        "group": groups,
        "strides": draw.integers(1, 3, axes).tolist(),
        "pads": draw.integers(0, 2, 2 * axes).tolist(),
    }
    conv = node("QLinearConv", ["q", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"], ["i"], **window)
    data = model([QUANTIZED_X, conv, QDQ_Y[1]], {"x": ["N", *sizes]}, ["y"], constants)
    x = 4 * draw.standard_normal((2, *sizes)).astype(F)
    (expected,) = runtime(data, {"x": x})
    assert len(np.unique(expected)) > 8
    np.testing.assert_array_equal(rounding(data).run(x).output, expected)


@pytest.mark.parametrize("op", ["Sigmoid", "Tanh", "HardSigmoid", "HardSwish"])
def test_functions_before_a_quantised_tensor_are_onnx_runtimes_to_the_last_bit(op: str) -> None:
    """Their last bit decides how a tensor is rounded; in other files they are as precise as NumPy's."""
    attributes: dict[str, Any] = {"alpha": 1 / 6, "beta": 0.5} if op == "HardSigmoid" else {}
    nodes = [
        node(op, ["x"], ["s"], **attributes),
        node("QuantizeLinear", ["s", "ys", "yz"], ["q"]),
        node("DequantizeLinear", ["q", "ys", "yz"], ["y"]),
    ]
    x = np.concatenate([np.linspace(-20, 20, 30001), STREAM.standard_normal(30000), [0, -0.0, 1e30, -1e30]])
    x = x.astype(F)[None]
    data = model(nodes, {"x": ["N", x.shape[1]]}, ["s", "y"], {"ys": F(0.01), "yz": np.uint8(128)})
    made = rounding(data).run(x).outputs
    for found, expected in zip(made.values(), runtime(data, {"x": x}), strict=True):
        np.testing.assert_array_equal(found, expected)
    precise = network(model(nodes[:1], {"x": ["N", x.shape[1]]}, ["s"])).run(x).output
    largest = float((np.abs(made["s"] - precise) / np.maximum(np.abs(precise), 1)).max())
    assert 0 < largest < 4e-7


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("bias", [False, True])
def test_a_quantised_lstm_is_onnx_runtimes_to_the_last_bit(
    direction: str, bias: bool, per_channel: bool, tmp_path: Path
) -> None:
    """Sums of integers are exact, then scaled, then added in its order; each state is rounded to its own range.

    Weights have 7 bits, since ONNX Runtime's sums of pairs overflow 16 bits on processors without VNNI.
    """
    draw, sides = np.random.default_rng(11), 1 + (direction == "bidirectional")
    constants = {"w": draw.standard_normal((sides, 96, 16)), "r": draw.standard_normal((sides, 96, 24)) / 3}
    if bias:
        constants["b"] = draw.standard_normal((sides, 192))
    lstm = node("LSTM", ["t", "w", "r", *["b"] * bias], ["h"], hidden_size=24, direction=direction)
    nodes = [node("Transpose", ["x"], ["t"], perm=[1, 0, 2]), lstm, node("Transpose", ["h"], ["y"], perm=[2, 0, 1, 3])]
    data = model(nodes, {"x": [1, 40, 16]}, ["y"], {name: array.astype(F) for name, array in constants.items()})
    (tmp_path / "float.onnx").write_bytes(data)
    quantization.quantize_dynamic(
        str(tmp_path / "float.onnx"), str(tmp_path / "small.onnx"), per_channel=per_channel, reduce_range=True
    )
    small = (tmp_path / "small.onnx").read_bytes()
    assert b"DynamicQuantizeLSTM" in small
    x = draw.standard_normal((1, 40, 16)).astype(F)
    (expected,) = runtime(small, {"x": x})
    np.testing.assert_array_equal(rounding(small).run(x).output.reshape(expected.shape), expected)


def test_a_quantised_weight_that_is_moved_very_often_is_computed_in_float() -> None:
    """Two thousand transpositions are no depth of calls."""
    turns = [node("Transpose", ["v" if i == 0 else f"t{i - 1}"], [f"t{i}"], perm=[1, 0]) for i in range(2000)]
    nodes = [
        QUANTIZED_X,
        QDQ_X[1],
        node("DequantizeLinear", ["w", "ws"], ["v"]),
        *turns,
        node("MatMul", ["r", "t1999"], ["y"]),
    ]
    constants = {"xs": F(0.1), "xz": np.uint8(128), "w": of_eighths(4, 4), "ws": F(0.125)}
    data = model(nodes, {"x": ["N", 4]}, ["y"], constants)
    x = np.random.default_rng(3).standard_normal((2, 4)).astype(F)
    np.testing.assert_allclose(rounding(data).run(x).output, runtime(data, {"x": x})[0], rtol=1e-6)


def of_microsoft(op: str, inputs: list[str], outputs: list[str], **attributes: Any) -> Any:
    return node(op, inputs, outputs, domain="com.microsoft", **attributes)


def test_integers_of_an_input_are_summed_as_such() -> None:
    """A model whose input has bytes: odd sums are between two integers, as above."""
    scale = F(0.1)
    constants = {
        "w": of_eighths(3, 2, 1, 1), "xs": scale, "xz": np.uint8(128), "ws": scale, "wz": np.int8(0), "ys": scale * scale * F(2),
        "yz": np.uint8(128),
    }  # fmt: skip
    nodes = [node("QLinearConv", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"], ["i"]), QDQ_Y[1]]
    made = onnx.load_from_string(model(nodes, {"x": ["N", 2, 8, 8]}, ["y"], constants))
    made.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    x = np.random.default_rng(5).integers(116, 141, (2, 2, 8, 8)).astype(np.uint8)
    found = rounding(made.SerializeToString()).run(x.astype(F)).output
    np.testing.assert_array_equal(found, runtime(made.SerializeToString(), {"x": x})[0])


def test_a_bias_with_a_scale_of_its_own_keeps_its_fraction() -> None:
    """A quarter, a half and three quarters of a sum's step are added."""
    nodes = [*QDQ_X, node("DequantizeLinear", ["b", "bs"], ["c"]), node("Conv", ["r", "v", "c"], ["p"]), *QDQ_Y]
    scale = F(0.1)
    constants = {
        "w": of_eighths(3, 2, 1, 1), "xs": scale, "xz": np.uint8(128), "ws": scale, "wz": np.int8(0), "ys": scale * scale * F(2),
        "yz": np.uint8(128), "b": np.array([1, 2, 3], np.int32), "bs": scale * scale / F(4),
    }  # fmt: skip
    data = model(nodes, {"x": ["N", 2, 8, 8]}, ["y"], constants)
    steps = np.random.default_rng(5).integers(-12, 13, (2, 2, 8, 8))
    x = (steps * scale).astype(F)
    sums = (
        np.einsum("nchw,oc->nohw", steps, constants["w"][:, :, 0, 0].astype(int)) + constants["b"].reshape(3, 1, 1) / 4
    )
    expected = np.clip(np.rint(sums / 2), -128, 127).astype(F) * constants["ys"]
    np.testing.assert_array_equal(rounding(data).run(x).output, expected)
    np.testing.assert_array_equal(runtime(data, {"x": x})[0], expected)


MATRICES = {
    "QLinearMatMul": [node("QLinearMatMul", ["q", "xs", "xz", "w", "ws", "wz", "ys", "yz"], ["i"])],
    "QLinearMatMul of two computed tensors": [
        node("Transpose", ["q"], ["t"], perm=[0, 2, 1]), node("QLinearMatMul", ["q", "xs", "xz", "t", "xs", "xz", "ys", "yz"], ["i"]),
    ],
    "QGemm": [
        node("Reshape", ["q", "rows"], ["m"]),
        of_microsoft("QGemm", ["m", "xs", "xz", "w", "ws", "wz", "b", "ys", "yz"], ["i"]),
    ],
    "a product between DequantizeLinear and QuantizeLinear": [
        QDQ_X[1], node("DequantizeLinear", ["w", "ws", "wz"], ["v"]), node("MatMul", ["r", "v"], ["p"]), QDQ_Y[0],
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", MATRICES)
def test_a_quantised_matrix_product_is_onnx_runtimes_to_the_last_bit(name: str) -> None:
    """Odd sums are between two integers, as above."""
    scale = F(0.1)
    constants = {
        "w": of_eighths(6, 4), "xs": scale, "xz": np.uint8(128), "ws": scale, "wz": np.int8(0), "ys": scale * scale * F(2),
        "yz": np.uint8(128), "b": np.arange(4, dtype=np.int32), "rows": np.array([-1, 6]),
    }  # fmt: skip
    made = onnx.load_from_string(model([QUANTIZED_X, *MATRICES[name], QDQ_Y[1]], {"x": ["N", 5, 6]}, ["y"], constants))
    made.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    x = (np.random.default_rng(5).integers(-12, 13, (2, 5, 6)) * scale).astype(F)
    (expected,) = runtime(made.SerializeToString(), {"x": x})
    assert len(np.unique(expected)) > 15
    np.testing.assert_array_equal(rounding(made.SerializeToString()).run(x).output.reshape(expected.shape), expected)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_matrix_with_several_scales_is_onnx_runtimes(axis: int) -> None:
    """Scales of columns are factors of the sums; those of rows are not, and the products are those of real numbers."""
    draw = np.random.default_rng(axis)
    constants = {
        "w": of_eighths(6, 4), "ws": draw.uniform(0.01, 0.1, (6, 4)[axis]).astype(F), "xs": F(0.1), "xz": np.uint8(128),
        "ys": F(0.03), "yz": np.uint8(128),
    }  # fmt: skip
    nodes = [
        *[QUANTIZED_X, QDQ_X[1], node("DequantizeLinear", ["w", "ws"], ["v"], axis=axis)],
        *[node("MatMul", ["r", "v"], ["p"]), *QDQ_Y],
    ]
    data = model(nodes, {"x": ["N", 5, 6]}, ["y"], constants)
    x = draw.standard_normal((2, 5, 6)).astype(F)
    (expected,) = runtime(data, {"x": x})
    assert len(np.unique(expected)) > 15
    np.testing.assert_array_equal(rounding(data).run(x).output, expected)


GRID = {"s": F(0.05), "z": np.uint8(120)}
MICROSOFT: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "a choice of two grids": (
        [node("QuantizeLinear", ["x", "s", "z"], ["q"]), of_microsoft("QLinearWhere", ["which", "q", "s", "z", "c", "t", "u", "s", "z"], ["r"]),
         node("DequantizeLinear", ["r", "s", "z"], ["y"])],
        {**GRID, "which": np.array([[True, False, True]]), "c": np.array([[0, 100, 200]], np.uint8), "t": F(0.04), "u": np.uint8(90)},
    ),
    "a grid and back": ([of_microsoft("QuantizeLinear", ["x", "s", "z"], ["q"]), of_microsoft("DequantizeLinear", ["q", "s", "z"], ["y"])], GRID),
    "a product on a grid that is computed": (
        [of_microsoft("DynamicQuantizeMatMul", ["x", "w", "t", "u", "b"], ["y"])],
        {"w": np.arange(-7, 8, dtype=np.int8).reshape(3, 5), "t": F(0.1), "u": np.int8(1), "b": np.arange(5, dtype=F)},
    ),
    "half of a product by columns and its bias, as real numbers": (
        [node("QuantizeLinear", ["x", "s", "z"], ["q"]), of_microsoft("QGemm", ["q", "s", "z", "w", "t", "u", "b"], ["y"], alpha=0.5)],
        {**GRID, "w": np.arange(-7, 8, dtype=np.int8).reshape(3, 5), "t": np.linspace(0.1, 0.5, 5, dtype=F),
         "u": np.arange(5, dtype=np.int8), "b": np.arange(-200, 300, 100, dtype=np.int32)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MICROSOFT)
def test_a_quantised_operator_of_com_microsoft_is_onnx_runtimes(name: str) -> None:
    nodes, constants = MICROSOFT[name]
    made = onnx.load_from_string(model(nodes, {"x": ["N", 3]}, ["y"], constants))
    made.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    data, x = made.SerializeToString(), np.random.default_rng(1).standard_normal((8, 3)).astype(F)
    rtol, atol = (1e-5, 1e-6) if name.startswith("half") else (0, 0)  # the half is multiplied at another place
    np.testing.assert_allclose(rounding(data).run(x).output, runtime(data, {"x": x})[0], rtol=rtol, atol=atol)
