"""Operators of ``ai.onnx.ml`` around the layers of a perceptron, as scikit-learn's pipelines have them, against ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from cnncalc.ground.errors import CnncalcError
from cnncalc.importers.onnx.load import read_model_file
from cnncalc.network import Network
from cnncalc.studies.against import against
from tests.importers.models import model, network, node, runtime

F = np.float32
ML = "ai.onnx.ml"
STREAM = np.random.default_rng(0)
X = STREAM.standard_normal((5, 4)).astype(F)


def weight(*shape: int) -> Any:
    return STREAM.standard_normal(shape).astype(F)


def floats(*shape: int) -> list[float]:
    return [float(number) for number in weight(*shape).ravel()]


def pipeline(*nodes: Any, outputs: str = "y", constants: Any = None) -> bytes:
    made = onnx.load_from_string(model(nodes, {"x": ["N", 4]}, outputs.split(), constants))
    for output in made.graph.output:  # labels are integers, and probabilities may be maps
        output.ClearField("type")
    made.opset_import.append(onnx.helper.make_opsetid(ML, 1))
    data: bytes = made.SerializeToString()
    return data


def ml(op: str, inputs: str, outputs: str, **attributes: Any) -> Any:
    return node(op, inputs.split(), outputs.split(), domain=ML, **attributes)


CLASSES = {"coefficients": floats(3, 4), "intercepts": floats(3)}

PIPELINES: dict[str, tuple[Any, int, int, int]] = {  # the nodes, and the params, buffers and MACs by hand
    "scaler": ([ml("Scaler", "x", "y", offset=floats(4), scale=floats(4))], 0, 8, 0),
    "one offset": ([ml("Scaler", "x", "y", offset=[0.5], scale=[2.0])], 0, 0, 0),
    "l1": ([ml("Normalizer", "x", "y", norm="L1")], 0, 0, 0),
    "l2": ([ml("Normalizer", "x", "y", norm="L2")], 0, 0, 0),
    "binarizer": ([ml("Binarizer", "x", "y", threshold=0.25)], 0, 0, 0),
    "features": ([ml("ArrayFeatureExtractor", "x i", "y")], 0, 0, 0),
    "regressor": ([ml("LinearRegressor", "x", "y", coefficients=floats(4), intercepts=floats(1))], 5, 0, 4),
    "two": ([ml("LinearRegressor", "x", "y", coefficients=floats(2, 4), targets=2)], 8, 0, 8),
    "classes": ([ml("LinearClassifier", "x", "y p", classlabels_ints=[0, 1, 2], **CLASSES)], 15, 0, 12),
    "softmax": ([ml("LinearClassifier", "x", "l y", classlabels_ints=[0, 1, 2], post_transform="SOFTMAX", **CLASSES)], 15, 0, 12),
    "labels": ([ml("LinearClassifier", "x", "y p", classlabels_ints=[7, 2, 9], post_transform="LOGISTIC", **CLASSES)], 15, 0, 12),
    "zipped": (
        [ml("LinearClassifier", "x", "l p", classlabels_strings=["a", "b", "c"], **CLASSES),
         ml("ZipMap", "p", "y", classlabels_strings=["a", "b", "c"])], 15, 0, 12,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PIPELINES)
def test_operators_of_pipelines_are_onnx_runtimes(name: str) -> None:
    nodes, params, buffers, macs = PIPELINES[name]
    data = pipeline(*nodes, constants={"i": np.array([[2, 0]])} if name == "features" else None)
    net = network(data)
    totals = net.summary().totals
    assert (totals.params, totals.buffers, totals.macs) == (params, buffers, macs)
    (expected,) = runtime(data, {"x": X})
    if name == "zipped":
        expected = np.array([[row[label] for label in "abc"] for row in expected])
    run = net.run(X)
    assert run.ok
    np.testing.assert_allclose(run.output.reshape(expected.shape), expected, rtol=1e-5, atol=1e-6)


def test_a_perceptron_with_one_output_has_a_bias(tmp_path: Any) -> None:
    """As skl2onnx writes MLPClassifier((3,)) for two classes: 4·3 + 3 + 3·1 + 1 params, whether layers are fused or not."""
    nodes = [
        node("MatMul", ["x", "a"], ["h1"]), node("Add", ["h1", "b"], ["h2"]), node("Relu", ["h2"], ["h3"]),
        node("MatMul", ["h3", "c"], ["o1"]), node("Add", ["o1", "d"], ["o2"]), node("Sigmoid", ["o2"], ["p1"]),
        node("Sub", ["unity", "p1"], ["p0"]), node("Concat", ["p0", "p1"], ["p"], axis=1), node("ArgMax", ["p"], ["i"], axis=1),
        ml("ArrayFeatureExtractor", "classes i", "l"), node("Reshape", ["l", "flat"], ["label"]),
        ml("ZipMap", "p", "y", classlabels_int64s=[3, 8]),
    ]  # fmt: skip
    constants = {
        "a": weight(4, 3), "b": weight(1, 3), "c": weight(3, 1), "d": weight(1, 1), "unity": F(1), "classes": np.array([3, 8]),
        "flat": np.array([-1]),
    }  # fmt: skip
    data = pipeline(*nodes, outputs="label y", constants=constants)
    assert [network(data, fuse=fuse).summary().totals.params for fuse in (True, False)] == [19, 19]
    net, (label, maps) = network(data), runtime(data, {"x": X})
    found = net.run(X).outputs
    assert found["label"].ravel().tolist() == label.tolist()
    np.testing.assert_allclose(found["y"], [[row[3], row[8]] for row in maps], rtol=1e-5)


def test_a_number_that_is_added_to_one_output_is_no_bias() -> None:
    nodes = [node("MatMul", ["x", "a"], ["h"]), node("Add", ["h", "one"], ["y"])]
    assert network(pipeline(*nodes, constants={"a": weight(4, 1), "one": F(1)})).summary().totals.params == 4


def test_outputs_that_are_maps_are_compared(tmp_path: Any) -> None:
    nodes, *_ = PIPELINES["zipped"]
    path = tmp_path / "net.onnx"
    path.write_bytes(pipeline(*nodes))
    found = against(Network.of(read_model_file(str(path)).build()), file=str(path))
    assert [row.name for row in found.of_file] == ["y"], found.unread
    assert not found.apart


def test_other_models_are_named() -> None:
    with pytest.raises(
        CnncalcError, match="SVMRegressor that computes 'y' is a model of its own, not a layer, and the file does not"
    ):
        network(pipeline(ml("SVMRegressor", "x", "y")))
    with pytest.raises(CnncalcError, match="a division by the norm MAX is not supported"):
        network(pipeline(ml("Normalizer", "x", "y")))
