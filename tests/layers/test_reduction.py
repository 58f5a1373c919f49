"""Reductions along axes: shapes and counts are by hand, outputs are NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnncalc.layers.shapes import Shape
from tests.execution.networks import single
from tests.layers.building import refusal, use

# NumPy's function, and the operations for a set of n
KINDS: dict[str, tuple[Any, Any]] = {
    "mean": (np.mean, lambda n: n),
    "sum": (np.sum, lambda n: n - 1),
    "max": (np.max, lambda n: n - 1),
    "min": (np.min, lambda n: n - 1),
    "prod": (np.prod, lambda n: n - 1),
    "norm1": (lambda x, axis, keepdims: np.abs(x).sum(axis=axis, keepdims=keepdims), lambda n: 2 * n - 1),
    "norm2": (lambda x, axis, keepdims: np.sqrt((x * x).sum(axis=axis, keepdims=keepdims)), lambda n: 2 * n),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    ("arguments", "axes", "output"),
    [
        ("", (1, 2, 3), (1,)),
        ("axis: channels", (1,), (4, 5)),
        ("axis: [1, -1]", (2, 3), (3,)),
        ("axis: [1, 2], keepdims: true", (2, 3), (3, 1, 1)),
    ],
)
def test_a_reduction_is_numpys(name: str, arguments: str, axes: tuple[int, ...], output: Shape) -> None:
    reduce, operations = KINDS[name]
    item = f"{name}: {{{arguments}}}"
    done = use(item, (3, 4, 5))
    assert done.output == output
    assert done.flops == 60 // np.prod([(3, 4, 5)[axis - 1] for axis in axes]) * operations(
        int(np.prod([(3, 4, 5)[axis - 1] for axis in axes]))
    )
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    run = single(item, (3, 4, 5)).run(x)
    assert run.ok, run.mismatches
    expected = reduce(x, axis=axes, keepdims="keepdims" in arguments)
    np.testing.assert_allclose(run.output.reshape(expected.shape), expected, rtol=1e-12)


def test_the_largest_elements_and_their_indices() -> None:
    x = np.random.default_rng(0).standard_normal((2, 7, 4))
    largest = single("topk: 3", (7, 4)).run(x).output
    where = single("topk: {k: 3, output: indices}", (7, 4)).run(x).output
    np.testing.assert_array_equal(largest, -np.sort(-x, axis=1)[:, :3])
    np.testing.assert_array_equal(np.take_along_axis(x, where.astype(int), axis=1), largest)
    least = single("topk: {k: 2, largest: false, axis: -1}", (7, 4)).run(x).output
    np.testing.assert_array_equal(least, np.sort(x, axis=-1)[..., :2])
    np.testing.assert_array_equal(single("argmax: channels", (7, 4)).run(x).output, x.argmax(axis=1))
    assert refusal("topk: 9", (7, 4)).message == "k = 9, but channels has 7"


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("cumsum", [1, 3, 6]),
        ("cumsum: {reverse: true}", [6, 5, 3]),
        ("cumsum: {exclusive: true}", [0, 1, 3]),
        ("cumsum: {exclusive: true, reverse: true}", [5, 3, 0]),
    ],
)
def test_running_sums(item: str, expected: list[float]) -> None:
    assert single(item, (3,)).run(np.array([[1.0, 2, 3]])).output.tolist() == [expected]


def test_an_exclusive_sum_keeps_small_numbers_beside_large_ones() -> None:
    """What a sum minus its own number loses: 1 + 1e20 - 1e20 is 0 in floating point."""
    x = np.array([[1.0, 1e20, 0.0]])
    assert single("cumsum: {exclusive: true}", (3,)).run(x).output.tolist() == [[0, 1, 1e20]]
