"""Recurrent and normalising layers give PyTorch's outputs with PyTorch's weights (data/make_torch_layers.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.execution.networks import single

STORED = np.load(Path(__file__).parent.parent / "data" / "torch_layers.npz")


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("lstm", "lstm: 5"),
        ("lstm_both", "lstm: {hidden_size: 5, bidirectional: true}"),
        ("gru", "gru: 5"),
        ("gru_both", "gru: {hidden_size: 5, bidirectional: true, bias: false}"),
        ("rnn", "rnn: 5"),
        ("rnn_relu", "rnn: {hidden_size: 5, nonlinearity: relu}"),
        ("rmsnorm", "rmsnorm: -1"),
        ("l2_normalize", "l2_normalize"),
    ],
)
def test_pytorch_gives_the_same(name: str, item: str) -> None:
    x = STORED[f"{name}.input"]
    prefix = f"{name}.weight."
    weights = {f"layer.{key.removeprefix(prefix)}": STORED[key] for key in STORED.files if key.startswith(prefix)}
    network = single(item, x.shape[1:])
    run = network.run(x, weights=weights)
    assert run.ok, run.mismatches
    np.testing.assert_allclose(run.output, STORED[f"{name}.output"], rtol=1e-5, atol=1e-6)
    assert network.nodes[0].params == sum(array.size for array in weights.values())


def test_a_sequence_backwards_is_the_other_half_of_both_ways() -> None:
    x = STORED["lstm_both.input"]
    prefix, end = "lstm_both.weight.", "_reverse"
    keys = [key for key in STORED.files if key.startswith(prefix) and key.endswith(end)]
    weights = {f"layer.{key.removeprefix(prefix).removesuffix(end)}": STORED[key] for key in keys}
    output = single("lstm: {hidden_size: 5, reverse: true}", x.shape[1:]).run(x, weights=weights).output
    np.testing.assert_allclose(output, STORED["lstm_both.output"][..., 5:], rtol=1e-5, atol=1e-6)
