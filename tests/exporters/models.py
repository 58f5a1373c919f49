"""Networks as ONNX models, and the outputs of ONNX Runtime beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from cnncalc import loads
from cnncalc.execution.inputs import random_inputs
from cnncalc.exporters.formats import FORMATS, Options
from cnncalc.exporters.spec import written
from cnncalc.graph import Graph, Tensor
from cnncalc.importers.onnx.load import read_model_bytes
from cnncalc.network import Network
from tests.layers.building import make

TOLERANCE = 1e-4

MASKED = "input: [9, 2]\nlayers:\n  - relu\n  - log\n  - softmax: {axis: -1, zero_masked: true}\n"
"""A softmax of lines in which an element, or both, are −∞."""


def spec_text(graph: Graph) -> str:
    """Return the spec that is written of a graph."""
    return written(graph)[0]


def layer(item: str, *shapes: Sequence[int]) -> Network:
    """Return the network of one layer of an item: ``conv: {…}`` on inputs x0, x1, …"""
    inputs = {f"x{number}": list(shape) for number, shape in enumerate(shapes or [(1,)])}
    sources = ", ".join(inputs) if shapes else ""
    colon = "" if ":" in item else ":"
    return loads(f"name: one\ninput: {inputs}\nlayers:\n  - {item}{colon}\n    from: [{sources}]\n    name: it\n")


def chain(item: str, sources: Mapping[str, str]) -> Network:
    """Return a network of equal layers, by name, each with the name of what it reads: a layer, or the input x."""
    network = Network("chain", {"x": (4, 6)})
    tensors: dict[str, Tensor] = {"x": network.inputs["x"]}
    for name, source in sources.items():
        tensors[name] = network.add(make(item), [tensors[source]], name)
    network.finish({name: tensor for name, tensor in tensors.items() if name not in {"x", *sources.values()}})
    return network


def decisive(item: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return random inputs, as whole numbers for an item that asks whether elements are 0 or equal: many are, then."""
    if item.startswith(("where", "compare")) or "mask:" in item:
        return {name: np.rint(array) for name, array in inputs.items()}
    return dict(inputs)


def exported(graph: Graph, **options: Any) -> bytes:
    """Return a graph's model."""
    return b"".join(FORMATS["onnx"].export(graph, Options(**options)))


def checked(data: bytes) -> bytes:
    """Return a model after ONNX's checker has accepted it, and strict shape inference has given its stated shapes."""
    onnx = pytest.importorskip("onnx", reason="checks models")
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    return data


def theirs(data: bytes, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs of ONNX Runtime for a model's inputs, by name."""
    ort = pytest.importorskip("onnxruntime", reason="runs models")
    options = ort.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    names = [port.name for port in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(inputs)), strict=True))


def difference(ours: Any, others: Any) -> float:
    """Return the largest difference of two arrays of one shape, relative to the largest element."""
    assert ours.shape == others.shape
    size = np.abs(ours[np.isfinite(ours)]).max(initial=1e-30)
    with np.errstate(invalid="ignore"):
        apart = np.where((ours == others) | (np.isnan(ours) & np.isnan(others)), 0, np.abs(ours - others))
    return float(apart.max(initial=0) / size)


def agrees(network: Network, x: Mapping[str, Any] | None = None, batch: int = 2, **options: Any) -> None:
    """Compare a network's outputs with those of ONNX Runtime for the exported model, after checking the model."""
    data = checked(exported(network, **options))
    inputs = dict(x or random_inputs(network, batch, 0, np.float32))
    ours = network.run(inputs, threads=1).outputs
    made = theirs(data, inputs)
    assert list(made) == list(ours)
    for name in ours:
        assert difference(ours[name], made[name]) < TOLERANCE, name


def read_again(graph: Graph, **options: Any) -> Graph:
    """Return the graph that our importer reads from the exported model."""
    return read_model_bytes(exported(graph, **options), "net.onnx").build()
