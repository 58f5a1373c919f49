"""LSTMs whose gates see the cell, gates with bounds, and sequences without a batch, as in madmom's beat trackers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnncalc import loads
from cnncalc.studies.against import against
from tests.importers.models import drawing, model, network, node, runs_as_runtime, runtime

F = np.float32
weight = drawing()


@pytest.mark.parametrize(("direction", "count"), [("forward", 1), ("reverse", 1), ("bidirectional", 2)])
@pytest.mark.parametrize("outputs", [["y"], ["y", "h", "c"]])
def test_peepholes_are_weights_and_flops(direction: str, count: int, outputs: list[str]) -> None:
    """A peephole is one weight per unit for each of three gates: 3 products and 3 adds at every step."""
    constants = {"w": weight(count, 20, 6), "r": weight(count, 20, 5), "b": weight(count, 40), "p": weight(count, 15)}
    inputs = ["t", "w", "r", "b", "", "", "", "p"]
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
        node("LSTM", inputs, outputs, hidden_size=5, direction=direction),
    ]
    x = weight(2, 7, 6)
    data = model(nodes, {"x": ["N", 7, 6]}, outputs, constants)
    net = network(data)
    run = net.run(x)
    assert run.ok
    for name, expected in zip(outputs, runtime(data, {"x": x}), strict=True):
        batch_first = np.moveaxis(expected, 2 if name == "y" else 1, 0)
        np.testing.assert_allclose(run.outputs[name], batch_first, rtol=1e-4, atol=1e-5)
    plain = network(
        model(
            [nodes[0], node("LSTM", inputs[:4], outputs, hidden_size=5, direction=direction)],
            {"x": ["N", 7, 6]},
            outputs,
            constants,
        )
    )
    more, without = net.summary().totals, plain.summary().totals
    assert (more.params - without.params, more.flops - without.flops) == (count * 15, count * 7 * 5 * 6)


@pytest.mark.parametrize("arguments", ["bidirectional: true", "reverse: true", "output: both, bidirectional: true"])
def test_a_spec_with_peepholes_is_exported_as_it_runs(arguments: str) -> None:
    net = loads(f"input: [5, 6]\nlayers:\n  - lstm: {{hidden_size: 4, peepholes: true, {arguments}}}\n")
    compared = against(net)
    assert not compared.apart


@pytest.mark.parametrize("op", ["LSTM", "GRU", "RNN"])
def test_a_sequence_without_a_batch_is_one_sample(op: str) -> None:
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[op]
    constants = {"w": weight(1, 5 * gates, 6), "r": weight(1, 5 * gates, 5), "a": np.array([1]), "b": np.array([0])}
    nodes = [
        node("Unsqueeze", ["x", "a"], ["s"]), node("Unsqueeze", ["h", "b"], ["h1"]), node("Unsqueeze", ["h1", "b"], ["h0"]),
        node(op, ["s", "w", "r", "", "", "h0"], ["states", "last"], hidden_size=5),
        node("Squeeze", ["states", "a"], ["one"]), node("Squeeze", ["one", "a"], ["y"]),
    ]  # fmt: skip
    data = model(nodes, {"x": ["T", "F"], "h": [5]}, ["y"], constants)
    x, h = weight(7, 6), weight(5)
    net = network(data, {"x": (7, 6)})
    run = net.run({"x": x[None], "h": h[None]})
    assert (run.ok, net.outputs["y"].shape) == (True, (7, 5))
    np.testing.assert_allclose(run.output.reshape(7, 5), runtime(data, {"x": x, "h": h})[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("op", "gates"), [("LSTM", 4), ("LSTM with peepholes", 4), ("GRU", 3), ("GRU reset", 3), ("RNN", 1)]
)
def test_bounded_gates_are_onnx_runtimes(op: str, gates: int) -> None:
    """Sums of the gates are cut off at ±0.5: 2 flops for each gate, unit and step, as a hardtanh has."""
    kind, _, which = op.partition(" ")
    constants = {
        "w": weight(2, 5 * gates, 6),
        "r": weight(2, 5 * gates, 5),
        "b": weight(2, 10 * gates),
        "p": weight(2, 15),
    }
    inputs = ["t", "w", "r", "b", *(["", "", "", "p"] if which == "with peepholes" else [])]
    more: dict[str, Any] = {"linear_before_reset": int(which == "")} if kind == "GRU" else {}

    def built(**bound: Any) -> bytes:
        nodes = [
            node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
            node(kind, inputs, ["s"], hidden_size=5, direction="bidirectional", **more, **bound),
            node("Transpose", ["s"], ["y"], perm=[2, 0, 1, 3]),
        ]
        return model(nodes, {"x": ["N", 7, 6]}, ["y"], constants)

    net = runs_as_runtime(built(clip=0.5), weight(2, 7, 6))
    plain = network(built())
    assert net.summary().totals.flops - plain.summary().totals.flops == 2 * gates * 5 * 7 * 2
    assert not against(net).apart
