"""Graphs of published networks have PyTorch's shapes, counts and parameters, and the modules' names."""

from __future__ import annotations

import json

import numpy as np
import pytest
from onnx import helper

from cnncalc.figures.costs import sums
from cnncalc.ground.errors import CnncalcError
from cnncalc.importers.onnx.imported import Imported
from cnncalc.network import Network, load
from tests.importers.models import FOLDER, imported, model, node, runs_as_runtime, stored

TRUTH = json.loads((FOLDER / "truth.json").read_text())


@pytest.mark.parametrize("name", TRUTH)
def test_figures_are_pytorchs(name: str) -> None:
    truth = TRUTH[name]
    graph = stored(name).build()
    found = sums(graph.nodes)
    assert [[one.copies(), *one.shape] for one in graph.outputs.values()] == [truth["output"]]
    assert found.macs == truth["macs"]
    assert truth["params"] in (None, found.params)


@pytest.mark.parametrize("name", TRUTH)
def test_patterns_change_no_figure(name: str) -> None:
    file = stored(name)
    fused, plain = (sums(Imported(file, {}, fuse).graph.nodes) for fuse in (True, False))
    assert fused._replace(layers=0) == plain._replace(layers=0)
    assert fused.layers <= plain.layers


def test_patterns_become_the_layers_of_the_paper() -> None:
    types = {node.layer.type for node in stored("convnext_femto_ols").build().nodes}
    assert {"gelu", "linear", "layernorm", "conv"} <= types
    assert not {"erf", "sqrt", "divide", "permute"} & types


def test_names_are_the_modules_own() -> None:
    names = [node.name for node in stored("dynamo_resnet18").build().nodes]
    assert names[:4] == ["conv1", "act1", "maxpool", "layer1.0.conv1"]
    assert names[-1] == "fc"
    graph = stored("test_efficientnet").build()
    keys = {f"{node.name}.{tensor}" for node in graph.nodes for tensor in node.weights}
    assert {"conv_stem.weight", "bn1.running_mean", "blocks.0.0.conv.weight", "classifier.bias"} <= keys


def test_folded_batchnorms_have_a_note() -> None:
    assert stored("dynamo_resnet18").build().notes == [
        "batch norms are folded into 20 convolutions: their params are not in the file"
    ]
    assert stored("test_efficientnet").build().notes == []


def test_the_batch_stays_exact() -> None:
    net = Network.of(stored("convnext_femto_ols").build())
    one, four = net.summary().totals, net.summary(batch=4).totals
    assert (four.macs, four.flops, four.params) == (4 * one.macs, 4 * one.flops, one.params)
    assert net.summary(batch=4).outputs == {"output": (4, 1000)}


def test_the_roof_loads_a_model_file() -> None:
    net = load(FOLDER / "test_efficientnet.onnx", input=(3, 96, 96))
    assert (net.name, net.inputs["input"].shape) == ("test_efficientnet", (3, 96, 96))


def test_another_input_size() -> None:
    graph = stored("test_efficientnet").build(inputs={"": (3, 96, 128)})
    assert next(iter(graph.outputs.values())).shape == (1000,)
    assert graph.notes == ["the file was made for input of 3x160x160"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"image": (3, 8, 8)}, "model.onnx: there is no input 'image'\n  hint: inputs: x"),
        ({}, "x: a size 'height' is not stated in model.onnx\n  hint: give the whole shape: x=3x224x224"),
        (
            {"x": (3, 8)},
            "x: the file's input has 3 axes without the batch, not 2\n  hint: for example: x=3x224x224",
        ),
    ],
)
def test_inputs_that_don_t_fit(inputs: dict[str, tuple[int, ...]], message: str) -> None:
    data = model([node("Relu", ["x"], ["y"])], {"x": ["batch", 3, "height", "width"]}, ["y"])
    with pytest.raises(CnncalcError) as caught:
        imported(data, inputs)
    assert str(caught.value) == message


def test_a_part_without_a_module_belongs_to_the_module_around_it() -> None:
    """PyTorch's newer exporter names the modules of operators, but none for the parts that ``chunk`` makes."""
    nodes = [
        node("Conv", ["x", "block.conv.weight"], ["c"]), node("Split", ["c"], ["a", "b"], axis=1, num_outputs=2),
        node("Relu", ["a"], ["r"]), node("Concat", ["r", "b"], ["j"], axis=1), node("Sigmoid", ["j"], ["y"]),
    ]  # fmt: skip
    for item, scope in zip(nodes, ["block.conv", None, "block.act", "block", ""], strict=True):
        if scope is not None:
            item.metadata_props.add(key="pkg.torch.onnx.name_scopes", value=str(["", scope, "op"]))
    data = model(nodes, {"x": ["N", 3, 4, 4]}, ["y"], {"block.conv.weight": np.ones((4, 3, 1, 1), np.float32)}, 18)
    names = [one.name for one in imported(data).graph.nodes]
    assert names == ["block.conv", "block.slice1", "block.slice2", "block.act", "block.concat1", "sigmoid1"]


def test_a_layer_of_several_operators_is_in_the_module_that_they_state() -> None:
    """A SiLU of which one operator, as an optimiser writes it, states no module."""
    nodes = [node("Relu", ["x"], ["r"]), node("Sigmoid", ["r"], ["s"]), node("Mul", ["r", "s"], ["y"])]
    for item, scope in zip(nodes, ["block.a", "block.b", None], strict=True):
        if scope is not None:
            item.metadata_props.add(key="pkg.torch.onnx.name_scopes", value=str(["", scope, "op"]))
    assert [one.name for one in imported(model(nodes, {"x": ["N", 3]}, ["y"])).graph.nodes] == ["block.a", "block.b"]


def test_slices_to_the_end_have_no_stop() -> None:
    nodes = [node("Split", ["x"], ["a", "b"], axis=1), node("Pad", ["b", "p"], ["y"])]
    graph = imported(model(nodes, {"x": ["N", 6, 8]}, ["a", "y"], {"p": np.array([0, 0, -2, 0, 0, 0])})).graph
    assert [one.layer.label() for one in graph.nodes] == ["0:3", "3:", "2:, axis 1"]


def test_operators_may_stand_in_any_order() -> None:
    """ONNX Runtime, too, sorts operators; its converter to float16 appends the casts of inputs at the end."""
    then = helper.make_graph([node("Neg", ["a"], ["t"])], "then", [], [helper.make_tensor_value_info("t", 1, None)])
    other = helper.make_graph([node("Abs", ["b"], ["e"])], "else", [], [helper.make_tensor_value_info("e", 1, None)])
    nodes = [
        node("If", ["yes"], ["i"], then_branch=then, else_branch=other), node("Sub", ["i", "c"], ["y"]),
        node("Exp", ["a"], ["b"]), node("Mul", ["b", "a"], ["c"]), node("Relu", ["x"], ["a"]),
    ]  # fmt: skip
    data = model(nodes, {"x": ["N", 3]}, ["y"], {"yes": np.array(True)})
    net = runs_as_runtime(data, np.linspace(-2, 2, 6, dtype=np.float32).reshape(2, 3))
    assert [one.layer.type for one in net.nodes] == ["relu", "exp", "neg", "multiply", "subtract"]
