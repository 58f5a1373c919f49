"""Fully connected layers, and layers without a family."""

from __future__ import annotations

import pytest

from cnncalc.layers.base import Weight
from cnncalc.layers.shapes import Shape
from tests.layers.building import refusal, use


@pytest.mark.parametrize(
    ("item", "shape", "output", "params", "macs"),
    [
        ("linear: 4096", (25088,), (4096,), 102_764_544, 102_760_448),  # VGG-16's first
        ("linear: 1000", (2048,), (1000,), 2_049_000, 2_048_000),  # ResNet-50's last
        ("linear: {out_features: 10, bias: no}", (84,), (10,), 840, 840),
        # ConvNeXt-T's first pointwise layer: 96 → 384 at 56×56 positions
        ("linear: {out_features: 384, axis: channels}", (96, 56, 56), (384, 56, 56), 37_248, 115_605_504),
        ("linear: {out_features: 384, axis: -1}", (56, 56, 96), (56, 56, 384), 37_248, 115_605_504),
        ("linear: {out_features: 5, axis: 1}", (2, 3, 4), (2, 5, 4), 20, 2 * 5 * 4 * 3),
        ("linear: {out_features: 5, axis: 0}", (3,), (5,), 20, 15),
    ],
)
def test_linear(item: str, shape: Shape, output: Shape, params: int, macs: int) -> None:
    done = use(item, shape)
    assert (done.output, done.params, done.macs) == (output, params, macs)
    biases = 1 if "bias" in done.weights else 0
    outputs = macs // done.weights["weight"].shape[1]
    assert done.flops == 2 * macs + biases * outputs


def test_linear_weights() -> None:
    done = use("linear: {out_features: 5, axis: 1, in_features: 3}", (2, 3, 4))
    assert done.weights == {"weight": Weight((5, 3)), "bias": Weight((5,))}
    assert done.layer.label() == "5"
    assert done.layer.described(*done.inputs) == {"out_features": 5, "bias": True, "axis": 1}


@pytest.mark.parametrize(
    ("item", "shape", "argument", "message", "hint"),
    [
        (
            "linear: 10",
            (256, 6, 6),
            None,
            "takes a vector, but its input is a map [256, 6, 6]",
            "put 'flatten' before it, or add 'axis: channels' to transform the channels at every position",
        ),
        (
            "linear: {out_features: 10, in_features: 400}",
            (256,),
            "in_features",
            "in_features = 400, but the input has 256",
            "leave in_features out (it is inferred), or write 256",
        ),
        (
            "linear: {out_features: 10, axis: 3}",
            (256, 6, 6),
            "axis",
            "axis = 3, but the input [256, 6, 6] has 3 axes",
            "axes are counted without the batch: 0 or 'channels' is the first, -1 the last",
        ),
        (
            "linear: {out_features: 10, axis: -2}",
            (256,),
            "axis",
            "axis = -2, but the input [256] has 1 axis",
            "axes are counted without the batch: 0 or 'channels' is the first, -1 the last",
        ),
        (
            "linear: {out_features: 10, axis: width}",
            (256,),
            "axis",
            "axis must be an axis: 0 or 'channels' is the first, -1 the last, not 'width'",
            None,
        ),
        ("linear: 2.5", (256,), "out_features", "out_features must be a positive integer, not 2.5", None),
        ("dropout: 1.5", (256,), "p", "p must be a number from 0 to 1, not 1.5", None),
        ("scale: a", (256,), "init", "init must be a number, not 'a'", None),
    ],
)
def test_refusals(item: str, shape: Shape, argument: str | None, message: str, hint: str | None) -> None:
    error = refusal(item, shape)
    assert (error.argument, error.message, error.hint) == (argument, message, hint)


def test_dropout_identity_and_scale() -> None:
    for item, label in (("dropout: 0.5", "0.5"), ("dropout", "0.5"), ("identity", "")):
        done = use(item, (8, 3, 3))
        assert (done.output, done.params, done.macs, done.flops) == ((8, 3, 3), 0, 0, 0)
        assert done.layer.label() == label
    done = use("scale: {bias: true}", (8, 3, 3))
    assert done.weights == {"weight": Weight((8,)), "bias": Weight((8,))}
    assert done.flops == 2 * 8 * 9  # one product and one add
