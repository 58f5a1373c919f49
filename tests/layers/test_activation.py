"""Activations keep the shape, and count the operations of their formula."""

from __future__ import annotations

import pytest

from cnncalc.layers.base import Weight
from cnncalc.layers.shapes import Shape
from tests.layers.building import make, refusal, use

# The formula's operations, one by one.
OPERATIONS = {
    "relu": 1,  # x > 0
    "relu6": 2,  # > 0, < 6
    "leaky_relu": 2,  # > 0, · slope
    "prelu": 2,  # > 0, · a
    "hardtanh": 2,  # > min, < max
    "hardsigmoid": 4,  # + 3, > 0, < 6, / 6
    "hardswish": 5,  # + 3, > 0, < 6, · x, / 6
    "sigmoid": 4,  # −x, exp, + 1, 1 /
    "silu": 5,  # the sigmoid, · x
    "tanh": 5,  # 2 ·, exp, − 1, + 1, /
    "elu": 4,  # > 0, exp, − 1, · α
    "selu": 5,  # > 0, exp, − 1, · α, · λ
    "softplus": 3,  # exp, 1 +, log
    "softplus: 2": 5,  # β ·, exp, 1 +, log, / β
    "mish": 9,  # exp, 1 +, log, tanh of 5, · x
    "gelu": 5,  # / √2, erf, 1 +, · x, · ½
    "gelu: tanh": 13,  # x · x · x, · 0.044715, x +, · √(2/π), tanh of 5, 1 +, · x, · ½
}


@pytest.mark.parametrize(("item", "operations"), OPERATIONS.items())
@pytest.mark.parametrize("shape", [(10,), (4, 5), (4, 5, 6), (4, 5, 6, 7)])
def test_elementwise(item: str, operations: int, shape: Shape) -> None:
    done = use(item, shape)
    elements = 1
    for size in shape:
        elements *= size
    assert (done.output, done.macs, done.buffers) == (shape, 0, 0)
    assert done.flops == operations * elements
    assert done.layer.kind == "activation"
    assert done.params == (1 if item == "prelu" else 0)
    assert done.layer.reads(done.inputs, done.output) is None


@pytest.mark.parametrize(
    ("item", "shape", "flops"),
    [
        ("softmax", (10,), 9 + 10 + 10 + 9 + 10),  # max, subtract, exp, sum, divide
        ("log_softmax", (10,), 9 + 10 + 10 + 9 + 1 + 10),  # max, subtract, exp, sum, log, subtract
        ("softmax: channels", (21, 4, 4), 16 * (20 + 21 + 21 + 20 + 21)),
        ("softmax: -1", (21, 4), 21 * (3 + 4 + 4 + 3 + 4)),
        ("log_softmax: 1", (21, 4), 21 * (3 + 4 + 4 + 3 + 1 + 4)),
        ("softmax", (1,), 3),
    ],
)
def test_softmax(item: str, shape: Shape, flops: int) -> None:
    done = use(item, shape)
    assert (done.output, done.flops) == (shape, flops)


@pytest.mark.parametrize(
    ("item", "shape", "params"),
    [
        ("prelu", (64, 8, 8), 1),
        ("prelu: channels", (64, 8, 8), 64),
        ("prelu: 64", (64,), 64),
        ("prelu: 1.0", (64,), 1),
    ],
)
def test_prelu_learns_one_slope_or_one_a_channel(item: str, shape: Shape, params: int) -> None:
    assert use(item, shape).weights == {"weight": Weight((params,))}


def test_labels() -> None:
    assert make("leaky_relu: 0.2").label() == "0.2"
    assert make("relu").label() == ""


@pytest.mark.parametrize(
    ("item", "argument", "message", "hint"),
    [
        (
            "prelu: 32",
            "num_parameters",
            "num_parameters = 32, but the input has 64 channels",
            "1 learns one slope for all, 'channels' one per channel",
        ),
        ("prelu: all", "num_parameters", "num_parameters must be a positive integer, not 'all'", None),
        (
            "hardtanh: {min_val: 1, max_val: -1}",
            "min_val",
            "min_val = 1 is not less than max_val = -1",
            "the usual bounds are -1 and 1",
        ),
        ("softplus: 0", "beta", "beta = 0, but the formula divides by it", "1 is usual"),
        ("gelu: erf", "approximate", "approximate must be one of none, tanh, not 'erf'", None),
        (
            "softmax: 3",
            "axis",
            "axis = 3, but the input [64, 8, 8] has 3 axes",
            "axes are counted without the batch: 0 or 'channels' is the first, -1 the last",
        ),
        ("relu: {inplace: true}", "inplace", "unknown argument 'inplace'", None),
    ],
)
def test_refusals(item: str, argument: str, message: str, hint: str | None) -> None:
    error = refusal(item, (64, 8, 8))
    assert (error.argument, error.message, error.hint) == (argument, message, hint)
