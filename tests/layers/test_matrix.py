"""Products of tensors: shapes and outputs are NumPy's, counts are by hand."""

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
        ("einsum: 'abc->ca'", [(2, 3, 4)], 0),  # only one input
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


@pytest.mark.parametrize(
    ("item", "shapes"),
    [
        ("attention", [(3, 4, 5), (3, 6, 5), (3, 6, 7)]),
        ("attention: 0.25", [(3, 4, 5), (3, 6, 5), (3, 6, 7), (3, 4, 6)]),
        ("attention: {scaled: queries}", [(2, 3, 4, 5), (1, 3, 6, 5), (1, 3, 6, 7), (3, 1, 6), (4, 6)]),
        ("attention: {scale: 0.3, scaled: both}", [(4, 5), (6, 5), (6, 7)]),
        ("attention: {scale: 1, features_first: true}", [(3, 5, 4), (3, 5, 6), (3, 7, 6)]),
        ("attention: {scaled: input}", [(3, 4, 5), (3, 6, 5), (3, 6, 7), (3, 1, 1), (4, 6)]),
        ("attention: {scaled: sum}", [(3, 4, 5), (3, 6, 5), (3, 6, 7), (4, 6)]),
    ],
)
def test_attention_is_its_formula(item: str, shapes: list[Shape]) -> None:
    """softmax(scale · Q·Kᵀ + biases)·V (arXiv:1706.03762, equation 1), here by NumPy's einsum."""
    stream = np.random.default_rng(0)
    arrays = [stream.standard_normal((2, *shape)) for shape in shapes]
    run = single(item, *shapes).run({f"x{i}": array for i, array in enumerate(arrays)})
    assert run.ok, run.mismatches
    turn = "features_first" in item
    for sample in range(2):
        q, k, v = [array[sample].swapaxes(-1, -2) if turn else array[sample] for array in arrays[:3]]
        scale = {"0.25": 0.25, "0.3": 0.3, "1": 1.0}.get(item.partition("scale: ")[2].split(",")[0], 5**-0.5)
        scale = 0.25 if item.endswith("0.25") else scale
        by_input = (
            "input" in item
        )  # as in Swin v2, arXiv:2111.09883, equation 2, and XCiT, arXiv:2106.09681, section 3.1
        scale = arrays[3][sample] if by_input else scale
        logits = scale * np.einsum("...ld,...sd->...ls", q, np.broadcast_to(k, (*q.shape[:-2], *k.shape[-2:])))
        for bias in arrays[4 if by_input else 3 :]:
            logits = logits + bias[sample] * (scale if "sum" in item else 1)
        weights = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        expected = np.einsum("...ls,...se->...le", weights, np.broadcast_to(v, (*q.shape[:-2], *v.shape[-2:])))
        expected = expected.swapaxes(-1, -2) if turn else expected
        np.testing.assert_allclose(run.output[sample], expected, rtol=1e-10)


def test_attention_counts_its_products_scale_biases_and_softmax() -> None:
    shapes = [(3, 4, 5), (3, 6, 5), (3, 6, 7), (3, 4, 6)]
    macs, logits = 3 * 4 * 6 * (5 + 7), 3 * 4 * 6
    softmax = 3 * 4 * (5 + 6 + 6 + 5 + 6)  # maximum, subtractions, exps, adds, divisions of 12 lines of 6
    done = use("attention: 0.25", *shapes)
    assert (done.macs, done.flops) == (macs, 2 * macs + logits + logits + softmax)
    assert use("attention: {scale: 1}", *shapes).flops == 2 * macs + logits + softmax
    assert use("attention: {scaled: queries}", *shapes[:3]).flops == 2 * macs + 3 * 4 * 5 + softmax
    assert use("attention: {scaled: both}", *shapes[:3]).flops == 2 * macs + 3 * (4 + 6) * 5 + softmax
    assert use("attention: {scaled: input}", *shapes[:3], (3, 1, 1)).flops == 2 * macs + logits + softmax
    assert use("attention: {scaled: sum, mask: keep}", *shapes, (1, 6)).flops == 2 * macs + 3 * logits + softmax


@pytest.mark.parametrize(("mask", "fill"), [("keep", None), ("drop", None), ("drop", -2.0)])
def test_masked_keys_have_the_weights_that_pytorch_gives_them(mask: str, fill: float | None) -> None:
    """``logits.masked_fill(dropped, fill).softmax(-1)``; with −∞ a query without any key gives 0, as PyTorch's does."""
    stream = np.random.default_rng(0)
    q, k, v = [stream.standard_normal(shape) for shape in ((2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 6, 7))]
    dropped = stream.random((2, 4, 6)) < 0.4
    dropped[1, 2] = True
    item = f"attention: {{mask: {mask}{'' if fill is None else f', fill: {fill}'}}}"
    shown = dropped if mask == "drop" else ~dropped
    run = single(item, *[array.shape[1:] for array in (q, k, v, shown)]).run(
        {f"x{i}": np.asarray(array, float) for i, array in enumerate((q, k, v, shown))}
    )
    logits = np.einsum("nhld,nhsd->nhls", q, k) / 5**0.5
    powers = np.exp(np.where(dropped[:, None], -np.inf if fill is None else fill, logits))
    total = powers.sum(-1, keepdims=True)
    np.testing.assert_allclose(run.output, powers / np.where(total == 0, 1, total) @ v, rtol=1e-10)


def test_a_mask_that_is_missing_is_named() -> None:
    shapes = [(3, 4, 5), (3, 6, 5), (3, 6, 7)]
    assert refusal("attention: {mask: keep}", *shapes).message == "takes a mask as its last input"
    assert "there is no mask" in refusal("attention: {fill: -1}", *shapes).message


@pytest.mark.parametrize("interleaved", [False, True])
def test_rotary_turns_each_pair_by_its_angle(interleaved: bool) -> None:
    """Pairs are complex numbers: (a + i·b) · e^(i·angle) (arXiv:2104.09864, equation 12)."""
    stream = np.random.default_rng(0)
    x, angles = stream.standard_normal((2, 3, 5, 8)), stream.standard_normal((5, 4))
    pairs = x.reshape(2, 3, 5, 4, 2) if interleaved else x.reshape(2, 3, 5, 2, 4).swapaxes(-1, -2)
    turned = (pairs[..., 0] + 1j * pairs[..., 1]) * np.exp(1j * angles)
    expected = np.stack([turned.real, turned.imag], -1 if interleaved else -2).reshape(x.shape)
    spread = np.repeat(angles, 2, -1) if interleaved else np.concatenate([angles, angles], -1)
    tables = [np.broadcast_to(function(spread), (2, 5, 8)) for function in (np.cos, np.sin)]
    item = f"rotary: {{interleaved: {str(interleaved).lower()}}}"
    run = single(item, (3, 5, 8), (5, 8), (5, 8)).run({"x0": x, "x1": tables[0], "x2": tables[1]})
    assert run.ok, run.mismatches
    np.testing.assert_allclose(run.output, expected, rtol=1e-12)
    assert use(item, (3, 5, 8), (5, 8), (5, 8)).flops == 3 * (3 * 5 * 8) + 3 * 5 * 4
    assert refusal("rotary", (3, 5, 8), (4, 8), (4, 8)).message == "angles of [4, 8] don't fit [3, 5, 8]"
    assert (
        refusal("rotary", (3, 5, 7), (5, 7), (5, 7)).message
        == "takes (…, L, d) with an even d, but its input is [3, 5, 7]"
    )


def test_refusals_of_attention() -> None:
    error = refusal("attention", (3, 4, 5), (3, 6, 4), (3, 6, 7))
    assert error.message == "queries and keys differ in their features: [3, 4, 5], [3, 6, 4], [3, 6, 7]"
    assert error.hint == "(heads, L, d), (heads, S, d), (heads, S, e)"
    message = refusal("attention", (3, 4, 5), (3, 6, 5), (3, 7, 5)).message
    assert message == "the numbers of keys and values differ: [3, 4, 5], [3, 6, 5], [3, 7, 5]"
    message = refusal("attention", (3, 4, 5), (2, 6, 5), (3, 6, 5)).message
    assert message == "the axes before the matrices differ: [3, 4, 5], [2, 6, 5], [3, 6, 5]"
    message = refusal("attention", (3, 4, 5), (6, 5), (6, 5)).message
    assert (
        message
        == "takes queries, keys and values with the same number of axes, at least two, but they are [3, 4, 5], [6, 5], [6, 5]"
    )
    message = refusal("attention", (3, 4, 5), (3, 6, 5), (3, 6, 7), (3, 4, 5)).message
    assert message == "[3, 4, 5] can't be added to logits of [3, 4, 6]"


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
