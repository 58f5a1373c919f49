"""Arguments that few networks use, against PyTorch's own numbers or by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnncalc.network import loads
from tests.execution.networks import single


def outputs(item: str, x: Any, **weights: Any) -> Any:
    """Return the output of a network of one layer for an array without its batch axis."""
    net = loads(f"input: {list(x.shape)}\nlayers:\n  - {item}\n")
    name = net.nodes[0].name
    run = net.run(x[None], weights={f"{name}.{key}": np.float32(value) for key, value in weights.items()} or None)
    return next(iter(run.outputs.values()))[0]


# torch.nn.functional.pad(x, (1, -2, -1, 2), mode) of torch 2.13, x the numbers from 0 as [1, 6, 7]
PADDED = {
    "constant": [0, 7, 8, 9, 10, 11],
    "reflect": [8, 7, 8, 9, 10, 11],
    "replicate": [7, 7, 8, 9, 10, 11],
    "circular": [11, 7, 8, 9, 10, 11],
}


@pytest.mark.parametrize("mode", PADDED)
def test_a_negative_padding_crops_as_pytorch_does(mode: str) -> None:
    x = np.arange(42, dtype=np.float32).reshape(1, 6, 7)
    y = outputs(f"pad: {{padding: [[-1, 2], [1, -2]], mode: {mode}}}", x)
    assert y.shape == (1, 7, 6)
    assert y[0, 0].tolist() == PADDED[mode]


@pytest.mark.parametrize("keeps", ["true", "false"])
def test_a_batchnorm_adds_eps_to_the_variance(keeps: str) -> None:
    """1 and 3 have the mean 2 and the variance 1: (3 − 2) / √(1 + 3) = 0.5, by hand."""
    given = {"weight": [1], "bias": [0]} | ({"running_mean": [2], "running_var": [1]} if keeps == "true" else {})
    y = outputs(f"batchnorm: {{eps: 3, track_running_stats: {keeps}}}", np.array([[[1, 3]]], np.float32), **given)
    np.testing.assert_allclose(y, [[[-0.5, 0.5]]], rtol=1e-6)


def test_a_batchnorm_with_a_shift_alone() -> None:
    """(x − mean) / √(variance + eps) + bias, by hand: (3 − 1) / 2 + 5 = 6."""
    x = np.full((2, 3), 3, np.float32)
    given = {"bias": [5, 6], "running_mean": [1, 3], "running_var": [4, 9]}
    y = outputs("batchnorm: {scale: false, eps: 0}", x, **given)
    assert y.tolist() == [[6, 6, 6], [6, 6, 6]]


def test_a_batchnorm_with_a_shift_alone_is_folded_with_its_shift() -> None:
    """y = (w·x + b − mean) / √(variance) + bias = (2·3 + 4 − 2) / 4 + 10 = 12, in one pass with the convolution."""
    net = loads(
        "input: [1, 2]\nlayers:\n  - conv: {out_channels: 1, kernel_size: 1}\n  - batchnorm: {scale: false, eps: 0}\n"
    )
    given: dict[str, Any] = {"conv1.weight": [[[2]]], "conv1.bias": [4]}
    given |= {"bn1.bias": [10], "bn1.running_mean": [2], "bn1.running_var": [16]}
    run = net.run(np.full((1, 1, 2), 3, np.float32), weights={name: np.float32(value) for name, value in given.items()})
    assert next(iter(run.outputs.values())).tolist() == [[[12, 12]]]


def test_an_empty_window_of_caffe() -> None:
    """max_pool of pooling_layer.cpp starts from -FLT_MAX, and an empty window has no element to replace it."""
    x = np.arange(20, dtype=np.float32).reshape(1, 20)
    y = outputs("maxpool: {kernel_size: 1, stride: 3, rounding: caffe}", x)
    assert y[0, :-1].tolist() == [0, 3, 6, 9, 12, 15, 18]
    assert y[0, -1] == np.finfo(np.float32).min


def test_as_many_axes_as_a_shape_may_have() -> None:
    shape = (2, 1, 3, 1, 2, 1, 2, 2)
    x = np.arange(48 * 2, dtype=np.float32).reshape(2, *shape)
    turned = single("permute: [7, 6, 5, 4, 3, 2, 1, 0]", shape).run(x).output
    assert np.array_equal(turned, x.transpose(0, 8, 7, 6, 5, 4, 3, 2, 1))


@pytest.mark.parametrize("size", [3, 2**53 - 1])
def test_an_lrn_wider_than_the_channels(size: int) -> None:
    """By hand: each of 3 and 4 divided by √(α / size · (3² + 4²)) = 5, for α = size."""
    y = outputs(f"lrn: {{size: {size}, alpha: {size}, beta: 0.5, k: 0}}", np.array([[3], [4]], np.float32))
    assert y.ravel().tolist() == pytest.approx([0.6, 0.8], rel=1e-6)
