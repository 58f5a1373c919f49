"""Whole networks as ONNX models: ONNX Runtime agrees, our importer reads them back; names and metadata are right."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from onnx import numpy_helper

from cnncalc import load, loads
from cnncalc.execution.weights import expected, random_weights
from cnncalc.graph import Graph
from tests.exporters.models import agrees, exported, read_again
from tests.importers import models as files

SHIPPED = [
    "textbook_convnet", "textbook_unshared", "lenet5_1998", "eegnet_4_2", "vww_mobilenet_v1_0.25_96", "cifar_resnet20",
    "wrn_40_1", "shufflenet_g3_0.5", "shufflenet_v2_x0_5", "mobilenet_v2_0.35_96", "nature_dqn", "squeezenet1_1",
    "mobilenet_v3_small",
]  # fmt: skip

VIT = """
name: vit
input: [3, 32, 32]
layers:
  - conv: {out_channels: 24, kernel_size: 8, stride: 8}
  - reshape: [24, 16]
  - permute: [1, 0]
    name: patches
  - parameter: [1, 24]
    name: cls_token
  - concat:
    from: [cls_token, patches]
  - shift: [17, 24]
    name: pos_embed
  - layernorm: -1
    name: norm1
  - linear: {out_features: 24, axis: -1}
    name: q
  - linear: {out_features: 24, axis: -1}
    from: norm1
    name: k
  - linear: {out_features: 24, axis: -1}
    from: norm1
    name: v
  - attention: 0.2
    from: [q, k, v]
  - add:
    from: [attention1, pos_embed]
  - layernorm: -1
  - linear: {out_features: 96, axis: -1}
  - gelu
  - linear: {out_features: 24, axis: -1}
  - select: 0
  - linear: 10
    name: head
"""

WINDOWS = """
name: windows
input: [8, 8, 16]
layers:
  - reshape: [2, 4, 2, 4, 16]
  - permute: [0, 2, 1, 3, 4]
  - reshape: {shape: [16, 16], fold: 4}
  - layernorm: -1
  - linear: {out_features: 16, axis: -1}
  - softmax: -1
  - reshape: {shape: [2, 2, 4, 4, 16], unfold: 4}
  - permute: [0, 2, 1, 3, 4]
  - reshape: [8, 8, 16]
  - fold: 1
  - relu
  - unfold: {size: 8, axis: 1}
"""

CRNN = """
name: crnn
input: [1, 16, 40]
layers:
  - conv: {out_channels: 8, kernel_size: 3, padding: 1}
  - relu
  - maxpool: {kernel_size: [16, 2]}
  - reshape: [8, 20]
  - permute: [1, 0]
  - lstm: {hidden_size: 12, bidirectional: true}
  - gru: 10
  - linear: {out_features: 5, axis: -1}
  - log_softmax: -1
"""

DENSE = """
name: dense
input: [4, 12, 12]
layers:
  - layernorm: channels
  - conv: {out_channels: 8, kernel_size: 3, padding: same}
  - groupnorm: 4
  - mish
  - conv_transpose: {out_channels: 8, kernel_size: 2, stride: 2}
  - prelu: channels
  - avgpool: {kernel_size: 3, stride: 2, padding: 1, ceil_mode: true}
  - upsample: {scale_factor: 2, mode: linear}
  - instancenorm: {affine: true}
  - silu
  - scale: 0.1
  - pixel_shuffle: 2
  - adaptive_avgpool: [3, 5]
"""

SEVERAL = """
name: several
input: {left: [3, 8, 8], right: [3, 8, 8]}
layers:
  - conv: {out_channels: 4, kernel_size: 3}
    from: left
    name: first
  - relu:
    name: a
  - conv: {out_channels: 4, kernel_size: 3}
    from: right
    weights: first
    name: second
  - relu:
    name: b
  - concat:
    from: [a, b]
    name: both
outputs: [both, a]
"""

TEXTS = {"vit": VIT, "windows": WINDOWS, "crnn": CRNN, "dense": DENSE, "several": SEVERAL}


def whole(graph: Graph, again: Graph) -> Iterator[str]:
    """Yield the differences of a graph that was read back, in which a layer made of several operators is a scope."""
    kept = {node.name: node.shape for node in graph.nodes if node.layer.type not in ("dropout", "identity")}
    found = {}
    for node in again.nodes:
        name = node.name
        while name not in kept and "." in name:
            name = name.rpartition(".")[0]
        found[name if name in kept else node.name] = node.shape
    yield from [
        f"{name}: {kept.get(name)}, {found.get(name)}"
        for name in {**kept, **found}
        if kept.get(name) != found.get(name)
    ]
    for what in ("params", "macs"):
        ours, others = (sum(_figure(node, what) for node in one.nodes) for one in (graph, again))
        if ours != others:
            yield f"{what}: {ours}, {others}"
    if {name: tensor.shape for name, tensor in graph.outputs.items()} != {
        name: tensor.shape for name, tensor in again.outputs.items()
    }:
        yield "outputs"


def _figure(node: object, what: str) -> int:
    value = getattr(node, what)
    return int(value() if callable(value) else value)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_network(name: str) -> None:
    net = load(name)
    agrees(net, batch=1)
    assert list(whole(net, read_again(net))) == []


@pytest.mark.parametrize("opset", [13, 17, 18, 21])
@pytest.mark.parametrize("name", TEXTS)
def test_a_network_of_rare_layers(name: str, opset: int) -> None:
    net = loads(TEXTS[name])
    agrees(net, opset=opset)
    assert list(whole(net, read_again(net, opset=opset))) == []


@pytest.mark.parametrize("text", [*TEXTS.values(), "input: [8, 4, 4]\nlayers:\n  - slice: {stop: 4}\n"])
def test_every_operator_is_read(text: str) -> None:
    onnx = pytest.importorskip("onnx", reason="reads models")
    graph = onnx.load_from_string(exported(loads(text), opset=17)).graph
    read = {name for node in graph.node for name in node.input} | {port.name for port in graph.output}
    assert [node.name for node in graph.node if read.isdisjoint(node.output)] == []


def test_names_are_those_of_layers_and_weights() -> None:
    onnx = pytest.importorskip("onnx", reason="reads models")
    net = loads(SEVERAL)
    model = onnx.load_from_string(exported(net, opset=18))
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 18)]
    assert (model.producer_name, model.ir_version, model.graph.name) == ("cnncalc", 8, "several")
    assert [tensor.name for tensor in model.graph.initializer] == [item.name for item in expected(net)]
    assert [(node.op_type, node.name, list(node.input), list(node.output)) for node in model.graph.node] == [
        ("Conv", "/first/Conv", ["left", "first.weight", "first.bias"], ["first"]),
        ("Relu", "/a/Relu", ["first"], ["a"]),
        ("Conv", "/second/Conv", ["right", "first.weight", "first.bias"], ["second"]),
        ("Relu", "/b/Relu", ["second"], ["b"]),
        ("Concat", "/both/Concat", ["a", "b"], ["both"]),
    ]
    dims = [[dim.dim_param or dim.dim_value for dim in port.type.tensor_type.shape.dim] for port in model.graph.output]
    assert dims == [["batch", 8, 6, 6], ["batch", 4, 6, 6]]


def test_filters_that_are_not_learned_stay_buffers() -> None:
    """The blur before a stride (arXiv:1904.11486), which is a number of the code in a file of PyTorch."""
    blur = numpy_helper.from_array(np.ones((2, 1, 3, 3), np.float32))
    nodes = [
        files.node("Conv", ["x", "c.weight"], ["a"]),
        files.node("Constant", [], ["blur"], value=blur),
        files.node("Conv", ["a", "blur"], ["y"], group=2, strides=[2, 2]),
    ]
    graph = files.network(
        files.model(nodes, {"x": ["N", 2, 8, 8]}, ["y"], {"c.weight": np.ones((2, 2, 1, 1), np.float32)})
    )
    for one in (graph, read_again(graph)):
        assert (sum(node.params for node in one.nodes), sum(node.buffers for node in one.nodes)) == (4, 18)


def test_samples_and_momentum_are_as_the_specification_of_onnx_has_them() -> None:
    onnx = pytest.importorskip("onnx", reason="reads models")
    net = loads("input: [4, 6]\nlayers:\n  - fold: 0\n  - unfold: 4\n  - batchnorm: {momentum: 0.25}\n")
    graph = onnx.load_from_string(exported(net)).graph
    dims = {
        port.name: [dim.dim_param or dim.dim_value for dim in port.type.tensor_type.shape.dim]
        for port in (*graph.input, *graph.value_info, *graph.output)
    }
    assert dims == {
        "input": ["batch", 4, 6], "fold1": ["4*batch", 6], "unfold1": ["batch", 4, 6], "bn1": ["batch", 4, 6],
    }  # fmt: skip
    (norm,) = [node for node in graph.node if node.op_type == "BatchNormalization"]
    figures = {attribute.name: attribute.f for attribute in norm.attribute}
    # ONNX's momentum is the weight of the old statistics
    assert figures == pytest.approx({"epsilon": 1e-5, "momentum": 0.75})


def test_weights_are_those_of_run() -> None:
    onnx = pytest.importorskip("onnx", reason="reads models")
    net = load("lenet5")
    drawn = random_weights(net, 7)
    for tensor in onnx.load_from_string(exported(net, seed=7)).graph.initializer:
        assert np.array_equal(onnx.numpy_helper.to_array(tensor), drawn[tensor.name])
    doubled = {name: array.astype(np.float64) * 2 for name, array in drawn.items()}
    for tensor in onnx.load_from_string(exported(net, weights=doubled)).graph.initializer:
        assert np.array_equal(onnx.numpy_helper.to_array(tensor), 2 * drawn[tensor.name])
