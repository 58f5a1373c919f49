"""Quantised forms are what they stand for: the figures, the layers and nearly the numbers of the float model.

The models are quantised by ONNX Runtime's own tool, which leaves out each relu whose bound is that of the numbers behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnncalc.figures.costs import sums
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
def test_a_quantised_model_is_what_it_stands_for(name: str, form: str, tmp_path: Path) -> None:
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
