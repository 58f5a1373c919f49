"""Windows that become samples of the batch, and tensors that all samples share."""

from __future__ import annotations

import numpy as np
import pytest

from tests.commands import cnncalc
from tests.execution.networks import spec

SWIN = """
input: [56, 56, 96]
layers:
  - reshape: [8, 7, 8, 7, 96]
  - permute: [0, 2, 1, 3, 4]
  - reshape: {shape: [49, 96], fold: 64}
  - linear: {out_features: 288, axis: -1}
  - slice: {axis: -1, stop: 96}
  - reshape: {shape: [56, 56, 96], unfold: 64}
"""
TOKENS = """
input: [196, 192]
layers:
  - identity:
    name: tokens
  - parameter: [1, 192]
    name: cls
  - concat:
    from: [cls, tokens]
  - shift: [197, 192]
  - select: 0
"""


def test_windows_become_samples() -> None:
    network = spec(SWIN)
    assert [(node.times, node.shape) for node in network.nodes] == [
        (1, (8, 7, 8, 7, 96)),
        (1, (8, 8, 7, 7, 96)),
        (64, (49, 96)),
        (64, (49, 288)),
        (64, (49, 96)),
        (1, (56, 56, 96)),
    ]
    summary = network.summary(batch=2)
    assert summary.totals.macs == 2 * 64 * 49 * 96 * 288
    assert summary.rows[3].output_shape == (128, 49, 288)
    assert summary.totals.params == 96 * 288 + 288
    assert summary.totals.memory.forward == 4 * 2 * 64 * 49 * (96 * 5 + 288)
    assert network.run(batch=2).ok


def test_a_parameter_exists_once_for_the_whole_batch() -> None:
    network = spec(TOKENS)
    assert [node.times for node in network.nodes] == [1, 0, 1, 1, 1]
    summary = network.summary(batch=3)
    assert [row.output_shape for row in summary.rows[:3]] == [(3, 196, 192), (1, 1, 192), (3, 197, 192)]
    assert summary.totals.params == 192 + 197 * 192
    run = network.run(batch=3)
    assert run.ok
    assert run.output.shape == (3, 192)


def test_fold_and_unfold_are_inverse() -> None:
    network = spec("input: [4, 5, 6]\nlayers:\n  - fold: 1\n  - unfold: {size: 5, axis: 1}\n")
    assert [(node.times, node.shape) for node in network.nodes] == [(5, (4, 6)), (1, (4, 5, 6))]
    x = np.arange(240, dtype=np.float32).reshape(2, 4, 5, 6)
    assert (network.run(x).output == x).all()


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            "  - fold:\n    name: a\n  - select:\n    from: input\n  - add:\n    from: [a, select1]",
            "input 1 comes 64 times for one sample, but input 2 1 time",
        ),
        ("  - unfold: 3", "size = 3, but one sample has become only 1"),
        ("  - reshape: {shape: [192, 49], unfold: 3}", "unfold = 3, but one sample has become only 1"),
        ("  - parameter: [3, 4]\n  - fold", "there is no batch"),
    ],
)
def test_unfit_numbers_of_samples(layers: str, message: str) -> None:
    done = cnncalc("summary", "-", stdin=f"input: [64, 49]\nlayers:\n{layers}\n")
    assert done.code == 2
    assert message in done.err
