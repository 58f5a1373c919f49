"""What is decided before a run: its memory, the lives of its tensors and the blocks of its work, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cnncalc import loads
from cnncalc.execution.kernels.threads import cut
from cnncalc.execution.needs import Needs, needs
from cnncalc.execution.planning import RunPlan

# (2, 6, 6) → (4, 4, 4) → 64 → 5
NET = """
input: [2, 6, 6]
layers:
  - conv: {out_channels: 4, kernel_size: 3}
  - relu
  - dropout
  - flatten
  - linear: 5
"""
INPUT, CONV, OUT = 2 * 6 * 6, 4 * 4 * 4, 5  # elements of a sample
FILTERS = 4 * 2 * 3 * 3
WEIGHTS = FILTERS + 4 + 64 * 5 + 5


def needed(batch: int, dtype: type[np.float32 | np.float64], keep: tuple[str, ...] = (), threads: int = 1) -> Needs:
    network = loads(NET)
    kept = [node for node in network.nodes if node.name in keep]
    return needs(RunPlan(network, batch, dtype, kept), threads)  # type: ignore[arg-type]  # any type of NumPy will do


def lines(size: int) -> int:
    """Return bytes rounded up to lines of the cache."""
    return -(-size // 64) * 64


@pytest.mark.parametrize(("dtype", "width", "drawn"), [(np.float32, 4, 4), (np.float64, 8, 8 + 4)])
def test_the_memory_of_a_run_by_hand(dtype: type[np.float32 | np.float64], width: int, drawn: int) -> None:
    """Random inputs are drawn in float32 first. While the filters are packed they are there twice, and a bias repeated
    for all rows of a small output (see ROW_OPERATION) beside its plain form; a linear layer of few rows is not packed.
    Most tensors are alive while the convolution runs: its input and its output. Outputs are copied for the caller.
    """
    found = needed(3, dtype)
    assert found.inputs == 3 * INPUT * drawn
    assert found.weights == WEIGHTS * width
    assert found.packing == (FILTERS + 3 * CONV + 4) * width
    assert found.activations == lines(3 * INPUT * width) + lines(3 * CONV * width) + 3 * OUT * width
    assert found.total == sum(
        [found.process, found.inputs, found.weights, found.packing, found.activations, found.scratch]
    )


@pytest.mark.parametrize(
    ("shape", "items", "weights", "packing"),
    [
        ([3, 2, 2], "  - batchnorm\n", 4 * 3, 0),
        # F(2×2, 3×3) has filters of 4·4 points for 3·3 taps, and those are there once more while they are packed
        (
            [128, 8, 8],
            "  - conv: {out_channels: 128, kernel_size: 3, padding: 1, bias: false}\n",
            9 * 128 * 128,
            (16 - 9) * 128 * 128 + 9 * 128 * 128,
        ),
        # a weight that two layers use stays beside its packed form
        (
            [4, 6, 6],
            "  - conv: {out_channels: 4, kernel_size: 3, padding: 1, bias: false}\n    name: a\n"
            "  - conv: {out_channels: 4, kernel_size: 3, padding: 1, bias: false}\n    weights: a\n",
            9 * 4 * 4,
            9 * 4 * 4 + 9 * 4 * 4,
        ),
    ],
)
def test_weights_and_packing_by_hand(shape: list[int], items: str, weights: int, packing: int) -> None:
    found = needs(RunPlan(loads(f"input: {shape}\nlayers:\n{items}")), 1)
    assert (found.weights, found.packing) == (4 * weights, 4 * packing)


def test_kept_tensors_and_threads_add_to_the_memory() -> None:
    usual, kept, threaded = needed(3, np.float32), needed(3, np.float32, ("flatten1",)), needed(3, np.float32, (), 3)
    assert kept.activations == usual.activations + 3 * CONV * 4
    assert threaded.scratch - usual.scratch > 2 * (3 + 1 << 20)  # what OpenBLAS and the allocator take for each thread
    assert threaded[1:5] == usual[1:5]


def test_the_lives_of_tensors_by_hand() -> None:
    """Step 0 is the convolution with its activation, 1 the dropout, a view, 2 the flattening, 3 the linear layer.

    The flattening is a copy of a map whose channels are last, but it might be a view, so that the map outlives it.  An
    input is there before all steps, and an output behind them.
    """
    network = loads(NET)
    plan = RunPlan(network, 3)
    assert [[node.name for node in step.nodes] for step in plan.steps] == [
        ["conv1", "relu1"],
        ["dropout1"],
        ["flatten1"],
        ["fc1"],
    ]
    lives = {tensor.name: (piece.birth, piece.death) for tensor, piece in plan.layout.homes.items()}
    assert lives == {"input": (-1, 0), "relu1": (0, 3), "flatten1": (2, 3), "fc1": (3, 4)}


def test_a_residual_lives_until_it_is_added() -> None:
    """Steps are a convolution, another, and a third with the sum of its output and the first's."""
    conv = "  - conv: {out_channels: 4, kernel_size: 1}\n"
    plan = RunPlan(loads(f"input: [4, 6, 6]\nlayers:\n{conv * 3}  - add:\n    from: [conv3, conv1]\n"))
    lives = {tensor.name: (piece.birth, piece.death) for tensor, piece in plan.layout.homes.items()}
    assert lives == {"input": (-1, 0), "conv1": (0, 2), "conv2": (1, 2), "add1": (2, 3)}


def test_a_padded_copy_of_the_input_is_part_of_the_memory() -> None:
    plan = RunPlan(loads("input: [4, 6, 6]\nlayers:\n  - conv: {out_channels: 4, kernel_size: 3, padding: 1}\n"))
    assert plan.layout.size == (4 * 6 * 6 + 4 * 8 * 8 + 4 * 6 * 6) * 4  # the input, its copy and the output


@pytest.mark.parametrize(
    ("kept", "certain", "lives"),
    [
        ("relu1", 4, {"input": (-1, 0), "flatten1": (2, 3), "fc1": (3, 4)}),
        # now a copy, so that the map before it is no longer needed; that it can be made is known once it is
        ("dropout1", 1, {"input": (-1, 0), "relu1": (0, 1), "flatten1": (2, 3), "fc1": (3, 4)}),
        ("flatten1", 2, {"input": (-1, 0), "relu1": (0, 2), "fc1": (3, 4)}),
    ],
)
def test_what_is_kept_has_memory_of_its_own(kept: str, certain: int, lives: dict[str, tuple[int, int]]) -> None:
    network = loads(NET)
    plan = RunPlan(network, 3, keep=[node for node in network.nodes if node.name == kept])
    assert {tensor.name: (piece.birth, piece.death) for tensor, piece in plan.layout.homes.items()} == lives
    assert plan.certain == certain


@pytest.mark.parametrize(
    ("arguments", "spans"),
    [
        ((10, 4), [(0, 3), (3, 6), (6, 10)]),  # ⌈10 / 4⌉ blocks
        ((10, 20, 2, 499.0), [(0, 10)]),  # not worth waking a thread, which takes 150 µs
        ((100, 100, 2, 1000.0), [(0, 58), (58, 100)]),  # the other thread begins 150 µs later: 100 · 850 / 1000 / 2
        ((100, 20, 2, 1000.0), [(0, 16), (16, 33), (33, 50), (50, 66), (66, 83), (83, 100)]),  # 3 for each thread
        ((3, 1, 2, 1000.0), [(0, 1), (1, 2), (2, 3)]),  # no more than there are
        ((1, 1, 2, 1000.0), [(0, 1)]),
        ((0, 4), [(0, 0)]),
    ],
)
def test_work_is_cut_into_blocks(arguments: tuple[int, int], spans: list[tuple[int, int]]) -> None:
    assert cut(*arguments) == spans
