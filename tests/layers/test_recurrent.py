"""FLOPs of recurrent layers by hand: for 7 steps of 5 features and 6 units, each gate has 7 · 6 · (5 + 6) = 462 MACs."""

from __future__ import annotations

import pytest

from tests.layers.building import use

UNITS = 7 * 6


@pytest.mark.parametrize(
    ("item", "macs", "flops"),
    [
        ("lstm: {hidden_size: 6, bias: false}", 4 * 462, 8 * 462 + UNITS * 30),
        ("lstm: 6", 4 * 462, 8 * 462 + UNITS * (30 + 8)),
        ("lstm: {hidden_size: 6, clip: 3}", 4 * 462, 8 * 462 + UNITS * (30 + 8 + 2 * 4)),
        ("lstm: {hidden_size: 6, peepholes: true, bidirectional: true}", 8 * 462, 16 * 462 + 2 * UNITS * (30 + 8 + 6)),
        ("gru: {hidden_size: 6, bias: false}", 3 * 462, 6 * 462 + UNITS * 21),
        ("gru: 6", 3 * 462, 6 * 462 + UNITS * (21 + 6)),
        ("rnn: {hidden_size: 6, bias: false}", 462, 2 * 462 + UNITS * 6),
        ("rnn: {hidden_size: 6, nonlinearity: relu, clip: 1}", 462, 2 * 462 + UNITS * (2 + 2 + 2)),
    ],
)
def test_flops_of_steps(item: str, macs: int, flops: int) -> None:
    done = use(item, (7, 5))
    assert (done.macs, done.flops) == (macs, flops)
