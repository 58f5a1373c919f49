"""The calculation of one element on real numbers, by hand, and compared with the executor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnncalc import loads
from cnncalc.execution.trace import Trace, trace
from cnncalc.ground.errors import CnncalcError
from cnncalc.layers.convolution.conv import Conv
from cnncalc.network import Network

# The textbook's setting (CS231n, "Convolutional neural networks"): 5×5×3, zero padding 1, two 3×3×3 filters with
# stride 2, a bias each, 3×3×2 comes out.
IMAGE = np.array(
    [
        [[1, 0, 2, 1, 0], [0, 1, 1, 0, 2], [2, 0, 1, 2, 1], [1, 1, 0, 0, 1], [0, 2, 1, 1, 0]],
        [[0, 1, 0, 2, 1], [1, 2, 0, 1, 0], [0, 0, 1, 1, 2], [2, 1, 0, 0, 1], [1, 0, 2, 1, 0]],
        [[2, 0, 1, 0, 1], [0, 1, 0, 2, 0], [1, 0, 2, 0, 1], [0, 2, 1, 1, 0], [1, 1, 0, 0, 2]],
    ],
    np.float32,
)
FILTERS = np.array(
    [
        [[[1, 0, -1], [0, 1, 0], [-1, 0, 1]], [[0, 1, 0], [1, -1, 1], [0, -1, 0]], [[-1, 0, 0], [0, 1, 1], [1, 0, 0]]],
        [[[1, 1, 1], [0, 0, 0], [-1, -1, -1]], [[0, 0, 1], [0, 1, 0], [1, 0, 0]], [[1, 0, 1], [0, -1, 0], [1, 0, 1]]],
    ],
    np.float32,
)
TEXTBOOK = "conv: {out_channels: 2, kernel_size: 3, stride: 2, padding: 1}"
WEIGHTS = {"conv1.weight": FILTERS, "conv1.bias": np.array([1, -2], np.float32)}


def network(*items: str, shape: tuple[int, ...] = (3, 5, 5)) -> Network:
    layers = "".join(f"  - {item}\n" for item in items)
    return loads(f"input: {list(shape)}\nlayers:\n{layers}", name="net.yaml")


def traced(item: str, *at: int, x: Any = None, weights: Any = None, shape: tuple[int, ...] = (3, 5, 5)) -> Trace:
    net = network(item, shape=shape)
    return trace(net, net.nodes[0], at, x, weights)


@pytest.mark.parametrize(
    ("at", "sums", "result"),
    [
        # rows and columns −1 … 1: [· · ·, · 1 0, · 0 1], [· · ·, · 0 1, · 1 2], [· · ·, · 2 0, · 0 1]
        ((0, 0, 0), [1 + 1, 1 - 1, 2], 2 + 0 + 2 + 1),
        # rows and columns 1 … 3: [1 1 0, 0 1 2, 1 0 0], [2 0 1, 0 1 1, 1 0 0], [1 0 2, 0 2 0, 2 1 1]
        ((0, 1, 1), [1 + 1 - 1, -1 + 1, -1 + 2 + 2], 1 + 0 + 3 + 1),
        # rows and columns 3 … 5: [0 1 ·, 1 0 ·, · · ·], [0 1 ·, 1 0 ·, · · ·], [1 0 ·, 0 2 ·, · · ·]
        ((1, 2, 2), [1, 0, 1 - 2], 1 + 0 - 1 - 2),
    ],
)
def test_the_textbooks_5x5x3_example(at: tuple[int, ...], sums: list[int], result: int) -> None:
    found = traced(TEXTBOOK, *at, x=IMAGE, weights=WEIGHTS)
    assert [part.total for part in found.element.parts] == sums
    assert found.element.terms == {"bias": [1, -2][at[0]]}
    assert (found.element.result, found.actual, found.matches) == (result, result, True)


def test_the_window_of_a_channel_beside_its_filter() -> None:
    found = traced(TEXTBOOK, 1, 2, 2, x=IMAGE, weights=WEIGHTS)
    assert found.element.places == [(3, 5), (3, 5)]
    third = found.element.parts[2]
    assert third.weights is not None
    assert third.window.tolist() == [[1, 0, 0], [0, 2, 0], [0, 0, 0]]
    assert third.inside.tolist() == [[True, True, False], [True, True, False], [False, False, False]]
    assert third.weights.tolist() == [[1, 0, 1], [0, -1, 0], [1, 0, 1]]


PLANE = np.array([[[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]], np.float32)  # CS231n's pooling figure


@pytest.mark.parametrize(
    ("item", "at", "result"),
    [
        ("maxpool: 2", (0, 0, 1), 8),
        ("maxpool: 2", (0, 1, 0), 3),
        ("avgpool: 2", (0, 0, 1), (2 + 4 + 7 + 8) / 4),
        ("avgpool: {kernel_size: 3, padding: 1, stride: 2}", (0, 0, 0), (1 + 1 + 5 + 6) / 9),
        ("avgpool: {kernel_size: 3, padding: 1, stride: 2, count_include_pad: false}", (0, 0, 0), 13 / 4),
        ("avgpool: {kernel_size: 3, stride: 2, ceil_mode: true}", (0, 1, 1), (1 + 0 + 3 + 4) / 4),
        ("maxpool: {kernel_size: 2, dilation: 2, stride: 1}", (0, 0, 1), 4),  # of 1, 4, 2, 0: every other one
        ("global_avgpool", (0, 0, 0), 50 / 16),
        ("global_maxpool", (0, 0, 0), 8),
        ("adaptive_avgpool: 3", (0, 1, 0), (5 + 6 + 3 + 2) / 4),  # bins 0–1, 1–2, 2–3
        ("adaptive_maxpool: 3", (0, 2, 2), 4),
        ("relu", (0, 2, 2), 1),
    ],
)
def test_poolings_by_hand(item: str, at: tuple[int, ...], result: float) -> None:
    found = traced(item, *at, x=PLANE, shape=(1, 4, 4))
    assert found.element.result == pytest.approx(result, rel=1e-12)
    assert found.matches


def test_padding_never_wins() -> None:
    found = traced("maxpool: {kernel_size: 3, stride: 2, padding: 1}", 0, 0, 0, x=-PLANE, shape=(1, 4, 4))
    assert (found.element.result, found.matches) == (-1, True)


def test_linear_by_hand() -> None:
    weights = {"fc1.weight": np.array([[1, 2, 3], [0, -1, 4]], np.float32), "fc1.bias": np.array([10, 20], np.float32)}
    found = traced("linear: 2", 1, x=np.array([5, 6, 7], np.float32), weights=weights, shape=(3,))
    assert (found.element.parts[0].total, found.element.result, found.matches) == (-6 + 28, -6 + 28 + 20, True)


def test_linear_on_an_axis_of_a_map() -> None:
    weights = {"fc1.weight": np.array([[1, 10, 100]], np.float32)}
    found = traced("linear: {out_features: 1, axis: channels, bias: false}", 0, 1, 4, x=IMAGE, weights=weights)
    assert (found.element.result, found.matches) == (2 + 0 * 10 + 0 * 100, True)


def test_batchnorm_by_hand() -> None:
    weights = {"weight": [2.0], "bias": [0.5], "running_mean": [3.0], "running_var": [16.0]}
    given = {f"bn1.{name}": np.array(value, np.float32) for name, value in weights.items()}
    found = traced("batchnorm: {eps: 0}", 0, 1, 2, x=PLANE, weights=given, shape=(1, 4, 4))
    assert found.element.terms == {"x": 7, "mean": 3, "variance": 16, "eps": 0, "weight": 2, "bias": 0.5}
    assert (found.element.result, found.matches) == ((7 - 3) / 4 * 2 + 0.5, True)


@pytest.mark.parametrize(
    "item",
    [
        "conv: {out_channels: 6, kernel_size: [3, 2], stride: [2, 1], padding: same, dilation: 2, groups: 3}",
        "conv: {out_channels: 6, kernel_size: 3, padding: [[0, 1], [2, 0]], groups: 6}",
        "locally_connected: {out_channels: 4, kernel_size: 3, stride: 2, padding: 1}",
        "adaptive_avgpool: [3, 4]",
        "batchnorm: {affine: false}",
        "relu6",
    ],
)
def test_every_element_is_the_executors(item: str) -> None:
    net = network(item, shape=(6, 7, 8))
    for at in np.ndindex(*net.nodes[0].shape[:1], 2, 3):
        assert trace(net, net.nodes[0], at, seed=5).matches


@pytest.mark.parametrize("shape", [(3, 20), (3, 6, 7, 8)])
def test_other_ranks(shape: tuple[int, ...]) -> None:
    net = network("conv: {out_channels: 4, kernel_size: 3, padding: 1}", shape=shape)
    found = trace(net, net.nodes[0], (2, *[size - 1 for size in shape[1:]]))
    assert found.matches
    assert found.element.parts[0].window.shape == (3,) * (len(shape) - 1)


def test_only_layers_before_it_are_run() -> None:
    net = network(TEXTBOOK, "batchnorm", "relu", "flatten", "linear: 10")
    given = {**WEIGHTS, **{f"bn1.{name}": np.ones(2, np.float32) for name in ("weight", "bias", "running_var")}}
    given["bn1.running_mean"] = np.zeros(2, np.float32)
    before = trace(net, net.nodes[1], (0, 1, 1), IMAGE, given)  # without weights for fc1
    assert (before.element.terms["x"], before.matches) == (5, True)
    assert trace(net, net.nodes[2], (1, 2, 2), IMAGE, given).element.result == 0  # relu of −1 + something below 1
    with pytest.raises(CnncalcError, match=r"missing: fc1\.weight"):
        trace(net, net.nodes[4], (0,), IMAGE, given)
    with pytest.raises(CnncalcError, match=r"left over: conv9\.weight"):
        trace(net, net.nodes[0], (0, 0, 0), IMAGE, {**WEIGHTS, "conv9.weight": FILTERS})


def test_shared_weights_are_those_of_their_owner() -> None:
    conv = "conv: {out_channels: 3, kernel_size: 3, padding: 1}"
    net = network(f"{conv}\n    name: a", "relu", f"{conv}\n    weights: a")
    assert trace(net, net.nodes[2], (1, 2, 3)).matches


def test_a_figure_that_differs_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = Conv.element

    def wrong(*args: Any) -> Any:
        return rule(*args)._replace(result=rule(*args).result + 0.01)

    monkeypatch.setattr(Conv, "element", wrong)
    assert not traced(TEXTBOOK, 0, 1, 1, x=IMAGE, weights=WEIGHTS).matches


@pytest.mark.parametrize(
    ("item", "rule", "result"),
    [  # of x = 2 in the textbook's image at channel 0, row 2, column 3
        ("hardtanh", "min(max(x, -1), 1)", 1),
        ("relu6", "min(max(x, 0), 6)", 2),
        ("leaky_relu", "leaky_relu(x)", 2),
        ("abs", "abs(x)", 2),
        ("sigmoid", "sigmoid(x)", 0.8807970779778823),  # 1 / (1 + e⁻²)
    ],
)
def test_functions_of_an_element(item: str, rule: str, result: float) -> None:
    found = traced(item, 0, 2, 3, x=IMAGE)
    assert (found.element.rule, found.element.terms, found.matches) == (rule, {"x": 2}, True)
    assert found.element.result == pytest.approx(result, rel=1e-12)


def test_a_merge_with_an_axis_of_one() -> None:
    net = network("multiply:\n      paths:\n        - []\n        - [global_maxpool]")
    found = trace(net, net.nodes[1], (0, 2, 3), IMAGE)
    assert (found.element.terms, found.element.result, found.matches) == ({"x1": 2, "x2": 2}, 4, True)


def test_a_batchnorm_that_learns_a_shift_alone() -> None:
    """(x − mean) / √(variance + eps) + bias = (2 − 1) / 2 + 5, by hand."""
    figures = {"bias": [5] * 3, "running_mean": [1] * 3, "running_var": [4] * 3}
    given = {f"bn1.{name}": np.array(values, np.float32) for name, values in figures.items()}
    found = traced("batchnorm: {scale: false, eps: 0}", 0, 2, 3, x=IMAGE, weights=given)
    assert (found.element.result, found.element.rule, found.matches) == (
        5.5,
        "(x − mean) / √(variance + eps) + bias",
        True,
    )


def test_a_batchnorm_whose_channels_are_the_last_axis() -> None:
    """Element (0, 2, 3) is 2, and its channel 3: (2 − 4) / 2, by hand."""
    figures = {"running_mean": [1, 2, 3, 4, 5], "running_var": [1, 1, 1, 4, 1]}
    given = {f"bn1.{name}": np.array(values, np.float32) for name, values in figures.items()}
    found = traced("batchnorm: {axis: -1, affine: false, eps: 0}", 0, 2, 3, x=IMAGE, weights=given)
    assert (found.element.result, found.actual, found.matches) == (-1, -1, True)


def test_an_empty_window_of_caffe() -> None:
    with pytest.raises(CnncalcError, match="'pool1' its window holds nothing"):
        traced("maxpool: {kernel_size: 1, stride: 3, rounding: caffe}", 0, 2, 2)


@pytest.mark.parametrize(
    ("item", "at", "message"),
    [
        ("relu", (0, 5, 0), r"^at: 'relu1' has no element 0,5,0, its output is \[3, 5, 5\]"),
        ("relu", (0, 0), "has no element 0,0,"),
        ("flatten", (0,), "'flatten1' is of type flatten, which can't be traced"),
        ("batchnorm: {track_running_stats: false}", (0, 0, 0), "'bn1' keeps no running statistics"),
    ],
)
def test_types_that_can_not_be_traced(item: str, at: tuple[int, ...], message: str) -> None:
    with pytest.raises(CnncalcError, match=message):
        traced(item, *at)
