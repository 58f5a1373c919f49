"""Parameters of attention's biases that an exporter has written out: as many as the table has that they are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from tests.importers.models import model, network, node

HEADS, WINDOW = 2, 3
PLACES = WINDOW * WINDOW
ROWS = (2 * WINDOW - 1) ** 2
"""Rows of the table of a window of 3·3 positions: (2·3 − 1)², arXiv:2103.14030, section 3.2."""


def index() -> Any:
    """Return the row of each pair of positions, as the paper's code computes it."""
    grid = np.stack(np.meshgrid(range(WINDOW), range(WINDOW), indexing="ij")).reshape(2, -1)
    apart = grid[:, :, None] - grid[:, None, :] + WINDOW - 1
    return apart[0] * (2 * WINDOW - 1) + apart[1]


def attention(bias: Any, *turns: Any, name: str = "index") -> bytes:
    """Return a model of an attention whose logits are shifted by a stored tensor."""
    return model(
        [
            node("MatMul", ["q", "k"], ["logits"]),
            *turns,
            node("Add", ["logits", name if not turns else "turned"], ["shifted"]),
            node("Softmax", ["shifted"], ["weights"], axis=-1),
            node("MatMul", ["weights", "v"], ["y"]),
        ],
        {"q": ["N", HEADS, PLACES, 4], "k": ["N", HEADS, 4, PLACES], "v": ["N", HEADS, PLACES, 4]},
        ["y"],
        {name: bias},
    )


TABLE = np.random.default_rng(0).standard_normal((ROWS, HEADS)).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_of_a_table_that_is_written_out_count(dtype: Any) -> None:
    data = attention(TABLE.astype(dtype)[index()].transpose(2, 0, 1)[None])
    net = network(data)
    assert net.summary().totals.params == ROWS * HEADS
    assert any("their different rows count" in note for note in net.notes)


def test_rows_that_are_turned_before_they_are_added_count_too() -> None:
    turn = node("Transpose", ["index"], ["heads"], perm=[1, 0])
    shape = node("Constant", [], ["shape"], value_ints=[1, HEADS, PLACES, PLACES])
    data = attention(TABLE[index()].reshape(-1, HEADS), turn, shape, node("Reshape", ["heads", "shape"], ["turned"]))
    assert network(data).summary().totals.params == ROWS * HEADS


def test_a_bias_that_is_learned_for_each_pair_counts_in_full() -> None:
    bias = np.random.default_rng(1).standard_normal((HEADS, PLACES, PLACES)).astype(np.float32)
    net = network(attention(bias))
    assert net.summary().totals.params == bias.size
    assert not net.notes


def test_where_nothing_shows_the_rows_the_tensor_counts_in_full() -> None:
    bias = np.zeros((HEADS, PLACES, PLACES), np.float32)
    outside = onnx.load_from_string(attention(TABLE[index()].transpose(2, 0, 1)))
    stored = outside.graph.initializer[0]
    stored.ClearField("raw_data")
    stored.data_location = onnx.TensorProto.EXTERNAL
    stored.external_data.add(key="location", value="weights.bin")
    for data in (attention(bias), outside.SerializeToString()):
        net = network(data)
        assert net.summary().totals.params == bias.size
        assert any("count in full" in note for note in net.notes)


def test_biases_that_are_a_mask_are_no_params() -> None:
    bias = np.where(index() % 2, 0, -100).astype(np.float32)[None]
    assert network(attention(bias, name="attn_mask")).summary().totals.params == 0
