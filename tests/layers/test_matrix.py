"""Products of tensors with tensors: shapes as NumPy's, counts by hand, outputs as NumPy's."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest

from cnncalc.layers.shapes import Shape
from tests.execution.networks import single
from tests.layers.building import refusal, use


@pytest.mark.parametrize(
    ("item", "a", "b"),
    [
        ("matmul", (3, 4, 5), (3, 5, 6)),
        ("matmul", (2, 3, 4, 5), (1, 3, 5, 6)),
        ("matmul", (2, 1, 4, 5), (2, 3, 5, 6)),
        ("matmul", (3, 4, 5), (5, 6)),
        ("matmul", (4, 5), (3, 5, 6)),
        ("matmul", (5,), (5, 6)),
        ("matmul: {transpose_b: true}", (3, 4, 5), (3, 6, 5)),
        ("matmul: {transpose_a: true}", (3, 5, 4), (3, 5, 6)),
    ],
)
def test_a_matrix_product_is_numpys(item: str, a: Shape, b: Shape) -> None:
    stream = np.random.default_rng(0)
    x, y = stream.standard_normal((2, *a)), stream.standard_normal((2, *b))
    run = single(item, a, b).run({"x0": x, "x1": y})
    assert run.ok, run.mismatches
    left = np.swapaxes(x, -1, -2) if "_a" in item else x
    right = np.swapaxes(y, -1, -2) if "_b" in item else y
    for sample in range(2):
        expected = np.matmul(left[sample], right[sample])
        np.testing.assert_allclose(run.output[sample], expected, rtol=1e-12)
        assert use(item, a, b).macs == expected.size * 5


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("hld,hsd->hls", [(2, 3, 4), (2, 5, 4)]),
        ("hls,hsd->lhd", [(2, 3, 5), (2, 5, 4)]),
        ("ab,cd->acbd", [(2, 3), (4, 5)]),
        ("abc,b->ac", [(2, 3, 4), (3,)]),
        ("ab,ab->", [(2, 3), (2, 3)]),
        ("abc,bd->ad", [(2, 3, 4), (3, 5)]),
        ("abc->ca", [(2, 3, 4)]),
    ],
)
def test_an_einstein_sum_is_numpys(equation: str, shapes: list[Shape]) -> None:
    stream = np.random.default_rng(0)
    arrays = [stream.standard_normal((2, *shape)) for shape in shapes]
    item = f"einsum: '{equation}'"
    run = single(item, *shapes).run({f"x{i}": array for i, array in enumerate(arrays)})
    for sample in range(2):
        expected = np.einsum(equation, *[array[sample] for array in arrays])
        np.testing.assert_allclose(run.output[sample].reshape(expected.shape), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("item", "shapes", "macs"),
    [
        ("einsum: 'hld,hsd->hls'", [(2, 3, 4), (2, 5, 4)], 2 * 3 * 5 * 4),
        ("einsum: 'abc,b->ac'", [(2, 3, 4), (3,)], 2 * 3 * 4),
        ("einsum: 'ab,cd->acbd'", [(2, 3), (4, 5)], 0),  # nothing is summed
        ("einsum: 'abc->ca'", [(2, 3, 4)], 0),  # one input alone
    ],
)
def test_an_einstein_sum_counts_every_combination(item: str, shapes: list[Shape], macs: int) -> None:
    done = use(item, *shapes)
    assert done.macs == macs
    assert done.flops == (
        2 * macs
        if macs
        else prod(shapes[0]) * (prod(shapes[1]) if len(shapes) > 1 else 1)
        - (0 if len(shapes) > 1 else prod(done.output))
    )


def test_refusals() -> None:
    error = refusal("matmul", (3, 4, 5), (3, 4, 5))
    assert error.message == (
        "rows of 5 and columns of 4 can't be multiplied: input 1 is [3, 4, 5], input 2 is [3, 4, 5]"
    )
    assert error.hint == "(m, k) by (k, n); transpose_b: true takes the second as (n, k)"
    assert refusal("matmul", (3, 4, 5), (2, 5, 6)).message.endswith("the axes before the matrices differ")
    assert refusal("matmul", (4, 5), (5,)).message == "takes matrices, but input 2 is a vector"
    assert refusal("einsum: 'ab,bc->abd'", (2, 3), (3, 4)).message == "'abd' has a letter that no input has"
    assert refusal("einsum: 'ab,bc->ac'", (2, 3), (4, 5)).message == "'b' is 3 in one place and 4 in another"
    assert refusal("einsum: 'aa,ab->b'", (2, 2), (2, 3)).message == "'aa' names an axis twice"
    assert refusal("einsum: 'ab'", (2, 2)).message == (
        "equation must be an equation of one or two tensors such as 'hld,hsd->hls', not 'ab'"
    )
