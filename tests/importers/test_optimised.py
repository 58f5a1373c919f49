"""Models that ONNX Runtime has optimised have the figures and the outputs of the models that they were made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from cnncalc.figures.costs import sums
from cnncalc.ground.errors import CnncalcError
from cnncalc.importers.onnx.load import read_model_bytes
from cnncalc.network import Network
from tests.importers.models import drawing, imported, model, network, node, runtime
from tests.importers.test_quantised import FORMS, convolutional

F = np.float32
MICROSOFT = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("com.microsoft", 1)]
LEVELS = onnxruntime.GraphOptimizationLevel
weight = drawing()

ACTIVATED: dict[str, dict[str, Any]] = {
    "LeakyRelu": {"alpha": 0.1}, "HardSigmoid": {"alpha": 0.25, "beta": 0.4}, "Sigmoid": {}, "Tanh": {}, "Relu": {},
}  # fmt: skip


def optimised(path: Path, level: Any = LEVELS.ORT_ENABLE_EXTENDED) -> bytes:
    """Return a model as ONNX Runtime saves it at a level of optimisation."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.graph_optimization_level = 4, level
    options.optimized_model_filepath = str(path.with_suffix(".optimised"))
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return Path(options.optimized_model_filepath).read_bytes()


def operators(data: bytes) -> set[str]:
    return {item.op_type for item in onnx.load_from_string(data).graph.node if item.domain == "com.microsoft"}


@pytest.mark.parametrize("name", ACTIVATED)
def test_convolutions_and_products_with_activations(name: str, tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]), node(name, ["c"], ["d"], **ACTIVATED[name]),
        node("Conv", ["d", "v"], ["e"], pads=[1, 1, 1, 1]), node("Add", ["e", "d"], ["f"]), node("Relu", ["f"], ["g"]),
        node("GlobalAveragePool", ["g"], ["h"]), node("Flatten", ["h"], ["i"]),
        node("Gemm", ["i", "m", "n"], ["j"], transB=1), node(name, ["j"], ["y"], **ACTIVATED[name]),
    ]  # fmt: skip
    constants = {"w": weight(4, 3, 3, 3), "b": weight(4), "v": weight(4, 4, 3, 3), "m": weight(5, 4), "n": weight(5)}
    data = model(nodes, {"x": ["N", 3, 6, 6]}, ["y"], constants)
    (tmp_path / "plain.onnx").write_bytes(data)
    fused = optimised(tmp_path / "plain.onnx")
    assert operators(fused) == {"FusedConv", "FusedGemm"}
    assert sums(imported(fused).graph.nodes) == sums(imported(data).graph.nodes)
    x = weight(2, 3, 6, 6)
    np.testing.assert_allclose(network(fused).run(x).output, runtime(data, {"x": x})[0], rtol=1e-4, atol=1e-5)


def test_channels_last_of_a_quantised_model(tmp_path: Path) -> None:
    (tmp_path / "float.onnx").write_bytes(convolutional())
    FORMS["QOperator"](str(tmp_path / "float.onnx"), str(tmp_path / "small.onnx"), (3, 8, 8))
    small, last = (tmp_path / "small.onnx").read_bytes(), optimised(tmp_path / "small.onnx", LEVELS.ORT_ENABLE_ALL)
    if "QLinearConv" not in operators(last):
        pytest.skip("ONNX Runtime keeps the channels first on this processor")
    figures = [sums(imported(data).graph.nodes) for data in (last, small)]
    assert figures[0].macs == figures[1].macs
    assert figures[0].params == figures[1].params
    x = np.random.default_rng(1).standard_normal((2, 3, 8, 8)).astype(F)
    made = Network.of(read_model_bytes(last, "model.onnx").build()).run(x)
    (expected,) = runtime(last, {"x": x})
    assert made.ok
    assert np.abs(made.output.reshape(expected.shape) - expected).max() <= 0.02 * np.abs(expected).max()


def test_a_dynamically_quantised_product_of_integers(tmp_path: Path) -> None:
    """Three products read one quantised tensor, whose scale is computed: MatMulIntegerToFloat."""
    nodes = [node("MatMul", ["x", f"w{i}"], [f"p{i}"]) for i in range(3)]
    nodes += [node("Mul", ["p0", "p1"], ["q"]), node("Add", ["q", "p2"], ["y"])]
    (tmp_path / "float.onnx").write_bytes(
        model(nodes, {"x": ["N", 3, 8]}, ["y"], {f"w{i}": weight(8, 8) for i in range(3)})
    )
    FORMS["dynamic"](str(tmp_path / "float.onnx"), str(tmp_path / "small.onnx"), (3, 8))
    fused = optimised(tmp_path / "small.onnx")
    assert operators(fused) == {"MatMulIntegerToFloat"}
    x = weight(1, 3, 8)
    made = Network.of(read_model_bytes(fused, "model.onnx").build()).run(x).output
    np.testing.assert_allclose(made, runtime(fused, {"x": x})[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mask", [[4, 2], [[1, 1, 0, 1], [1, 0, 0, 0]]])
def test_embeddings_and_attention_that_masks_padding(mask: list[Any]) -> None:
    is_lengths = isinstance(mask[0], int)
    constants = {
        "words": weight(9, 8) / 99, "places": weight(6, 8) / 99, "kinds": weight(2, 8) / 99, "g": weight(8), "b": weight(8),
        "w": weight(8, 24), "c": weight(24), "e": weight(24),
    }  # fmt: skip
    given = ["ids", "kind", "words", "places", "kinds", "g", "b", "ones" if is_lengths else ""]
    index = "length" if is_lengths else "ones"
    nodes = [
        node("EmbedLayerNormalization", given, ["a", "length"], domain="com.microsoft"),
        node("Attention", ["a", "w", "c", index], ["d"], num_heads=2, domain="com.microsoft"),
        node("MultiHeadAttention", ["d", "a", "a", "e", index], ["y"], num_heads=2, domain="com.microsoft"),
    ]
    port, kind = onnx.helper.make_tensor_value_info, onnx.TensorProto.INT32
    stored = [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()]
    inputs = [port(name, kind, ["N", 4]) for name in ("ids", "kind", "ones")]
    ends = [port("y", onnx.TensorProto.FLOAT, None)]
    graph = onnx.helper.make_graph(nodes, "graph", inputs, ends, stored)
    data = onnx.helper.make_model(graph, opset_imports=MICROSOFT, ir_version=8).SerializeToString()
    ones = np.array([[int(i < n) for i in range(4)] for n in mask] if is_lengths else mask, np.int32)
    draw = np.random.default_rng(0)
    feeds: dict[str, Any] = {"ids": draw.integers(0, 9, (2, 4)), "kind": draw.integers(0, 2, (2, 4)), "ones": ones}
    feeds = {name: array.astype(np.int32) for name, array in feeds.items()}
    np.testing.assert_allclose(network(data).run(feeds).output, runtime(data, feeds)[0], rtol=1e-4, atol=1e-5)


def test_channels_last_of_a_float_model() -> None:
    """ONNX Runtime has NhwcConv and GroupNorm for graphics processors only; Conv and GroupNormalization are plain."""
    w, g, b = weight(6, 4, 3, 3), weight(6), weight(6)
    shown = {"x": ["N", 4, 5, 5]}
    last = [
        node("Transpose", ["x"], ["t"], perm=[0, 2, 3, 1]),
        node("NhwcConv", ["t", "w"], ["c"], pads=[1, 1, 1, 1], domain="com.microsoft"),
        node("GroupNorm", ["c", "g", "b"], ["n"], groups=3, activation=1, epsilon=1e-3, domain="com.microsoft"),
        node("Transpose", ["n"], ["y"], perm=[0, 3, 1, 2]),
    ]
    plain = [
        node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        node("GroupNormalization", ["c", "g", "b"], ["n"], num_groups=3, epsilon=1e-3),
        node("Sigmoid", ["n"], ["s"]), node("Mul", ["n", "s"], ["y"]),
    ]  # fmt: skip
    x = weight(2, 4, 5, 5)
    expected = runtime(model(plain, shown, ["y"], {"w": w, "g": g, "b": b}, 21), {"x": x})[0]
    net = network(model(last, shown, ["y"], {"w": w.transpose(0, 2, 3, 1), "g": g, "b": b}))
    np.testing.assert_allclose(net.run(x).output, expected, rtol=1e-4, atol=1e-5)
    assert [item.layer.type for item in net.nodes if item.layer.type != "permute"] == ["conv", "groupnorm", "silu"]


def test_blocks_of_channels_are_refused_with_a_way_out() -> None:
    nodes = [node("ReorderInput", ["x"], ["y"], name="reorder", domain="com.microsoft.nchwc")]
    with pytest.raises(CnncalcError, match=r"'reorder' does not fit: .*; optimise the model at level 'extended'"):
        network(model(nodes, {"x": ["N", 8, 4, 4]}, ["y"]))


def test_a_weight_with_a_folded_operator_has_its_own_name(tmp_path: Path) -> None:
    """ONNX Runtime calls it ConvBnFusion_W_stem.0.weight, and the bias that it adds ConvBnFusion_BN_B_stem.1.bias."""
    batch_norm = [f"stem.1.{name}" for name in ("weight", "bias", "running_mean", "running_var")]
    nodes = [
        node("Conv", ["x", "stem.0.weight"], ["c"]),
        node("BatchNormalization", ["c", *batch_norm], ["b"]),
        node("Mul", ["b", "m"], ["y"]),
    ]
    constants = {"stem.0.weight": weight(4, 3, 3, 3), "m": weight(4, 1, 1)} | {
        name: np.abs(weight(4)) for name in batch_norm
    }
    path = tmp_path / "net.onnx"
    path.write_bytes(model(nodes, {"x": ["N", 3, 8, 8]}, ["y"], constants))
    data = optimised(path)
    assert any("Fusion_W_" in tensor.name for tensor in onnx.load_from_string(data).graph.initializer)
    net = network(data)
    assert [key for one in net.nodes for key in map(one.key, one.use.weights)] == ["stem.0.weight", "stem.0.bias"]
    assert any("batch norms are folded" in note for note in net.notes)
