"""Small model files, made by the onnx package, and the outputs of ONNX Runtime for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from cnncalc.importers.onnx.imported import Imported
from cnncalc.importers.onnx.load import ModelFile, read_model_bytes, read_model_file
from cnncalc.network import Network

FOLDER = Path(__file__).parent.parent / "data" / "onnx"


def stored(name: str) -> ModelFile:
    """Return a graph of tests/data/onnx."""
    return read_model_file(str(FOLDER / f"{name}.onnx"))


def model(
    nodes: Sequence[Any],
    inputs: Mapping[str, Sequence[Any]],
    outputs: Sequence[str],
    constants: Mapping[str, Any] | None = None,
    opset: int = 17,
    **more: Any,
) -> bytes:
    """Return a model file of some nodes; symbolic sizes are words."""
    constants = constants or {}
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8, **more)
    data: bytes = made.SerializeToString()
    return data


def imported(data: bytes, inputs: Mapping[str, tuple[int, ...]] | None = None, fuse: bool = True) -> Imported:
    """Return the import of a model's bytes."""
    return Imported(read_model_bytes(data, "model.onnx"), inputs or {}, fuse)


def network(data: bytes, inputs: Mapping[str, tuple[int, ...]] | None = None, fuse: bool = True) -> Network:
    """Return the network of a model's bytes."""
    return Network.of(imported(data, inputs, fuse).graph)


def runtime(data: bytes, feeds: Mapping[str, Any]) -> list[Any]:
    """Return the outputs of ONNX Runtime for a model."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    found: list[Any] = session.run(None, dict(feeds))
    return found


def runs_as_runtime(data: bytes, x: Any, rtol: float = 1e-4, atol: float = 1e-5) -> Network:
    """Compare the output ``y`` of a model with ONNX Runtime's, and all shapes with those inferred; return its network."""
    (expected, *_) = runtime(data, {"x": x})
    net = network(data)
    run = net.run(x)
    assert run.ok, [(row.node.name, row.fault, row.actual) for row in run.mismatches]
    found = run.outputs["y"]
    if net.model.one_sample_only:  # the file's output may have no axis of samples
        found = found.reshape(expected.shape)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol)
    return net


def ints(*values: int) -> Any:
    """Return a constant of integers, such as sizes."""
    return np.array(values, np.int64)


def drawing() -> Callable[..., Any]:
    """Return a function of sizes that returns random tensors, all from one stream."""
    stream = np.random.default_rng(0)

    def drawn(*shape: int) -> Any:
        return stream.standard_normal(shape).astype(np.float32)

    return drawn


node = helper.make_node
assert onnx.__version__
