"""The shape rules and the executor agree for every type and rank; and a broken rule makes the run fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncalc.execution.kernels import Kernels
from cnncalc.layers import LayerError
from cnncalc.layers.shapes import Shape
from tests.execution.networks import single
from tests.layers.building import NAMES, known, make

# items that work on maps of every rank
EVERY_RANK = [
    "conv: {out_channels: 4, kernel_size: 3, padding: same, stride: 2}",
    "conv: {out_channels: 4, kernel_size: 2, padding: valid, dilation: 2, groups: 2}",
    "conv: {out_channels: 8, kernel_size: 3, stride: 3, padding: 1, groups: 4}",
    "conv_transpose: {out_channels: 4, kernel_size: 3, stride: 2, padding: 1, output_padding: 1, groups: 2}",
    "conv_transpose: {out_channels: 4, kernel_size: 2, stride: 3, padding: same}",
    "locally_connected: {out_channels: 3, kernel_size: 3, stride: 2, padding: 1}",
    "maxpool: {kernel_size: 3, stride: 2, padding: 1, ceil_mode: true}",
    "maxpool: {kernel_size: 2, stride: 2, padding: same, dilation: 2}",
    "avgpool: {kernel_size: 3, stride: 2, rounding: caffe, count_include_pad: false}",
    "lppool: {kernel_size: 2}",
    "adaptive_avgpool: 3",
    "adaptive_maxpool: 2",
    "global_avgpool",
    "global_maxpool",
    "upsample: 2",
    "upsample: {size: 5, mode: linear}",
    "pad: {padding: 2}",
    "pad: {padding: 1, mode: reflect}",
    "center_crop: 4",
    "batchnorm",
    "instancenorm",
    "groupnorm: 2",
    "layernorm: {axis: channels}",
    "lrn: 3",
    "prelu: channels",
    "softmax",
    "scale: 0.5",
    "channel_shuffle: 2",
    "flatten",
    "linear: {out_features: 6, axis: channels}",
    "slice: {axis: channels, start: 1, stop: 3}",
]


@pytest.mark.parametrize("sizes", [(9,), (9, 8), (9, 8, 7)], ids=["1-D", "2-D", "3-D"])
@pytest.mark.parametrize("item", EVERY_RANK)
def test_every_rank(item: str, sizes: Shape) -> None:
    result = single(item, (4, *sizes)).run(batch=2, dtype="float64")
    assert result.ok, result.mismatches
    assert result.finite


@pytest.mark.parametrize("name", NAMES)
def test_every_type_s_example(name: str) -> None:
    example = known(name).example
    result = single(example.item, *example.inputs).run()
    assert result.ok, result.mismatches
    assert result.output.shape == (result.layers[0].node.copies(), *example.output)


def longer(shape: Shape) -> Shape:
    """Make the last axis longer by one."""
    return (*shape[:-1], shape[-1] + 1)


def deeper(shape: Shape) -> Shape:
    """Make the first axis longer by one."""
    return (shape[0] + 1, *shape[1:])


def flatter(shape: Shape) -> Shape:
    """Leave an axis out, or add one."""
    return shape[1:] or (*shape, 1)


@pytest.mark.parametrize("wrong", [longer, deeper, flatter])
@pytest.mark.parametrize("name", NAMES)
def test_a_broken_rule_makes_the_run_fail(name: str, wrong: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cls = known(name)
    right = cls.output_shape
    monkeypatch.setattr(cls, "output_shape", lambda self, *inputs: wrong(right(self, *inputs)))
    monkeypatch.setattr(cls, "macs", lambda self, inputs, output: 0)  # only the shape may reveal the fault
    monkeypatch.setattr(cls, "flops", lambda self, inputs, output: 0)
    network = single(cls.example.item, *cls.example.inputs)
    result = network.run()
    assert not result.ok
    (row,) = result.mismatches
    assert not row.shape_holds(1)
    if row.fault:  # a weight per place has the inferred number of places, which does not fit the real one
        assert name in ("locally_connected", "parameter")
    else:
        assert row.actual == (row.node.copies(), *cls.example.output)


@pytest.mark.parametrize("name", ["conv", "conv_transpose", "locally_connected", "linear"])
def test_a_broken_count_makes_the_run_fail(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cls = known(name)
    right = cls.macs
    monkeypatch.setattr(cls, "macs", lambda self, inputs, output: right(self, inputs, output) + 1)
    result = single(cls.example.item, *cls.example.inputs).run()
    (row,) = result.mismatches
    assert row.shape_holds(1)
    assert not row.macs_hold(1)


@pytest.mark.parametrize(
    ("name", "broken"),
    [  # the mistakes that tools make
        ("maxpool", "floor where the rule says ceil"),
        ("conv", "same as if it were valid"),
    ],
)
def test_known_mistakes_are_caught(name: str, broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cls = known(name)
    item = {
        "maxpool": "maxpool: {kernel_size: 3, stride: 2, ceil_mode: true}",
        "conv": "conv: {out_channels: 2, kernel_size: 3, padding: same}",
    }[name]
    shape = {"maxpool": (2, 3, 3), "conv": (2, 6, 6)}[name]
    monkeypatch.setattr(cls, "output_shape", lambda self, *inputs: shape)
    assert not single(item, (2, 8, 8)).run().ok, broken


def draw_sliding(draw: Any, name: str) -> tuple[str, Shape]:
    """Draw an item of a type that slides, and an input for it."""
    rank = draw(st.integers(1, 3))
    small = st.integers(1, 3)
    axes = [
        draw(st.tuples(small, small, st.integers(0, 1), st.integers(1, 2), st.integers(1, 11))) for _ in range(rank)
    ]
    kernel, stride, padding, dilation, sizes = (list(column) for column in zip(*axes, strict=True))
    if name.endswith("pool"):  # a window that lies wholly in the padding is refused, as PyTorch does
        kernel = [max(extent, 2) for extent in kernel]
    pads = draw(st.sampled_from(["same", "valid", padding, [[p, 1] for p in padding]]))
    arguments: dict[str, Any] = {"kernel_size": kernel, "stride": stride, "padding": pads}
    groups = draw(small)
    if name != "avgpool":
        arguments["dilation"] = dilation
    if name.startswith("conv"):
        arguments |= {"out_channels": 2 * groups, "groups": groups}
    if name.endswith("pool"):
        arguments["rounding"] = draw(st.sampled_from(["floor", "ceil", "caffe"]))
    return f"{name}: {arguments}".replace("'", ""), (groups, *sizes)


def forced(item: str, shape: Shape) -> Any:
    """Return the executor's output shape for a layer, without asking the layer's rule."""
    layer = make(item).resolved(len(shape) - 1)
    weights = {name: np.zeros(weight.shape) for name, weight in layer.weights(shape).items()}
    return layer.forward(Kernels(), np.zeros((1, *shape)), **weights)


@settings(deadline=None, max_examples=150)
@given(st.data(), st.sampled_from(["conv", "conv_transpose", "maxpool", "avgpool"]))
def test_odd_windows(data: st.DataObject, name: str) -> None:
    item, shape = draw_sliding(data.draw, name)
    try:
        network = single(item, shape)
    except LayerError:  # fails if the rule is too strict
        with pytest.raises((ValueError, IndexError)):
            forced(item, shape)
        return
    result = network.run(dtype="float64", threads=1)
    assert result.ok, (item, shape, result.mismatches)
