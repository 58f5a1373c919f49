"""Normalisation: params, buffers and flops of each type."""

from __future__ import annotations

import pytest

from cnncalc.layers.base import Weight
from cnncalc.layers.shapes import Shape
from tests.layers.building import refusal, use


@pytest.mark.parametrize("shape", [(6,), (6, 5), (6, 5, 4), (6, 5, 4, 3)])
def test_batchnorm(shape: Shape) -> None:
    elements = use("relu", shape).flops  # one per element
    for affine in ("true", "false"):
        for kept in ("true", "false"):
            done = use(f"batchnorm: {{affine: {affine}, track_running_stats: {kept}}}", shape)
            names = ["weight", "bias"] * (affine == "true") + ["running_mean", "running_var"] * (kept == "true")
            assert list(done.weights) == names
            assert (done.params, done.buffers) == (12 * (affine == "true"), 12 * (kept == "true"))
            assert done.flops == 2 * (elements or 0)
            assert (done.output, done.macs) == (shape, 0)


def test_a_batchnorm_that_learns_a_shift_alone() -> None:
    """Keras' InceptionV3 has scale=False: 64 params and 128 buffers for 64 channels."""
    done = use("batchnorm: {scale: false}", (64, 8, 8))
    assert (list(done.weights), done.params, done.buffers) == (["bias", "running_mean", "running_var"], 64, 128)
    assert use("batchnorm: {scale: false, affine: false}", (64, 8, 8)).params == 0


def test_buffers_are_not_params() -> None:
    weights = use("batchnorm", (64, 112, 112)).weights
    assert weights["running_var"] == Weight((64,), trainable=False)
    assert weights["weight"] == Weight((64,), trainable=True)


@pytest.mark.parametrize(
    ("item", "shape", "weights"),
    [
        ("layernorm", (4, 3, 2), {"weight": (4, 3, 2), "bias": (4, 3, 2)}),  # PyTorch: normalized_shape = all
        ("layernorm: channels", (4, 3, 2), {"weight": (4,), "bias": (4,)}),
        ("layernorm: {axis: [-1, 1]}", (4, 3, 2), {"weight": (3, 2), "bias": (3, 2)}),
        ("layernorm: {bias: false}", (4,), {"weight": (4,)}),
        ("layernorm: {affine: false}", (4,), {}),
        ("groupnorm: 2", (4, 3, 2), {"weight": (4,), "bias": (4,)}),
        ("groupnorm: {num_groups: 2, affine: false}", (4, 3, 2), {}),
        ("instancenorm", (4, 3, 2), {}),  # PyTorch: affine is false by default
        ("instancenorm: {affine: true}", (4, 3, 2), {"weight": (4,), "bias": (4,)}),
        ("lrn: 5", (4, 3, 2), {}),
    ],
)
def test_weights(item: str, shape: Shape, weights: dict[str, Shape]) -> None:
    done = use(item, shape)
    assert done.weights == {name: Weight(size) for name, size in weights.items()}
    assert (done.output, done.buffers, done.macs) == (shape, 0, 0)


# For a set of n: mean n − 1 + 1, variance n + n + n − 1 + 1, normalisation 1 + 1 + n; for n = 12: 12 + 36 + 14.
@pytest.mark.parametrize(
    ("item", "flops"),
    [
        ("layernorm: {affine: false}", 5 * 24 + 2),
        ("layernorm: {bias: false}", 5 * 24 + 2 + 24),
        ("layernorm", 5 * 24 + 2 + 48),
        ("layernorm: channels", 6 * (5 * 4 + 2) + 48),  # 3·2 sets of 4
        ("groupnorm: {num_groups: 2, affine: false}", 2 * (12 + 36 + 14)),
        ("groupnorm: 2", 2 * (12 + 36 + 14) + 48),
        ("groupnorm: 1", 5 * 24 + 2 + 48),  # one group is layernorm
        ("instancenorm", 4 * (5 * 6 + 2)),
        ("instancenorm: {affine: true}", 4 * (5 * 6 + 2) + 48),
        ("lrn: 5", 24 * (1 + 4 + 1 + 1 + 1 + 1)),
        ("lrn: 1", 24 * (1 + 0 + 1 + 1 + 1 + 1)),
        ("batchnorm", 48),
    ],
)
def test_flops(item: str, flops: int) -> None:
    assert use(item, (4, 3, 2)).flops == flops


@pytest.mark.parametrize(
    ("item", "shape", "argument", "message", "hint"),
    [
        (
            "groupnorm: 32",
            (48, 8, 8),
            "num_groups",
            "num_groups = 32 does not divide in_channels = 48",
            "divisors of 48 are 1, 2, 3, 4, 6, 8, 12, 16, 24, 48",
        ),
        (
            "instancenorm",
            (48,),
            None,
            "needs a map [C, …], but its input is a vector [48]",
            "'instancenorm' belongs before flatten, where its input is [C, …]",
        ),
        ("layernorm: {axis: [1, -1]}", (48, 8), "axis", "axis names an axis twice", "list each axis once"),
        (
            "layernorm: 2",
            (48, 8),
            "axis",
            "axis = 2, but the input [48, 8] has 2 axes",
            "axes are counted without the batch: 0 or 'channels' is the first, -1 the last",
        ),
        ("lrn: 0", (48, 8), "size", "size must be a positive integer, not 0", None),
        ("batchnorm: {eps: big}", (48, 8), "eps", "eps must be a number of 0 or more, not 'big'", None),
        ("batchnorm: {affine: 2}", (48, 8), "affine", "affine must be true or false, not 2", None),
    ],
)
def test_refusals(item: str, shape: Shape, argument: str | None, message: str, hint: str | None) -> None:
    error = refusal(item, shape)
    assert (error.argument, error.message, error.hint) == (argument, message, hint)
