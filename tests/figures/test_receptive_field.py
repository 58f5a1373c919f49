"""Receptive fields, by hand and against what outputs really depend on."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncalc.execution.runner import run
from cnncalc.figures.receptive_field import Fields, receptive_fields
from cnncalc.graph import Tensor
from cnncalc.ground.errors import CnncalcError
from cnncalc.layers.base import LayerError
from cnncalc.layers.shapes import Shape
from cnncalc.network import Network
from cnncalc.rendering.views.summary import layer
from cnncalc.studies.budgets import FIGURES, Scale
from tests.layers.building import make


def stack(shape: Shape, *items: str) -> Network:
    """Return a network of layers in a row."""
    network = Network("stack", {"input": shape})
    tensor: Tensor = network.inputs["input"]
    for number, item in enumerate(items):
        tensor = network.add(make(item), (tensor,), f"layer{number}")
    network.outputs["output"] = tensor
    return network


def seen(network: Network) -> Fields | None:
    return receptive_fields(network).of[network.outputs["output"]]


def conv(kernel: object, **more: object) -> str:
    arguments = {"out_channels": 4, "kernel_size": kernel, **more}
    return "conv: {" + ", ".join(f"{name}: {value}" for name, value in arguments.items()) + "}"


TALL = conv([3, 1])

# Worked out by hand: the input, the layers, the size of the field along H and W.
KNOWN: list[tuple[Shape, tuple[str, ...], tuple[int, ...]]] = [
    ((1, 16, 16), (TALL, TALL), (5, 1)),
    ((1, 16, 16), (TALL, "permute: [0, 2, 1]", TALL), (3, 3)),  # the second 3 lie along what was W
    ((1, 16, 16), (TALL, "permute: [1, 2, 0]", "linear: {out_features: 8, axis: -1}"), (3, 1)),  # it mixes channels
    ((1, 16, 16), ("permute: [1, 2, 0]", "conv: {out_channels: 4, kernel_size: 1}"), (16, 1)),  # channels that were H
    ((1, 16, 16), ("permute: [1, 0, 2]", conv(3, groups=16, out_channels=16, padding=1)), (1, 3)),  # each row by itself
    ((1, 16, 12), (conv(3), "linear: {out_features: 5, axis: 1}"), (3 + 13, 3)),  # 14 windows of 3, 1 apart
    ((1, 16, 12), ("linear: {out_features: 5, axis: 1}", conv([3, 1])), (16, 1)),  # each saw all of H already
    ((8, 16, 16), (TALL, "reshape: [4, 224]"), (3, 1)),
    ((8, 16, 16), (TALL, "reshape: [4, 224]", "linear: {out_features: 2, axis: 1}"), (16, 16)),
    ((8, 16, 16), (TALL, "reshape: [4, 224]", conv(1)), (3, 1)),
    ((8, 16, 16), (TALL, "reshape: [2, 2, 14, 16]", "reshape: [4, 14, 1, 16]", "reshape: [4, 14, 16]", TALL), (5, 1)),
    ((8, 16, 16), (conv(5), "flatten", "linear: 10"), (16, 16)),
    ((8, 16, 16), (conv(5), "global_avgpool", "reshape: [4]", "linear: 9", "reshape: [1, 3, 3]", conv(3)), (16, 16)),
    ((8, 16, 16), (conv(5), "flatten", "linear: 64", "reshape: [4, 4, 4]", conv(3), conv(2)), (16, 16)),
    ((8, 16, 16), ("slice: {axis: 2, step: 2}", conv(3)), (3, 5)),
    ((8, 16, 16), ("slice: {axis: 2, stop: 8}", conv(3), "global_maxpool"), (16, 8)),
]


@pytest.mark.parametrize(("shape", "items", "sizes"), KNOWN)
def test_known_fields(shape: Shape, items: tuple[str, ...], sizes: tuple[int, ...]) -> None:
    fields = seen(stack(shape, *items))
    assert fields is not None
    assert tuple([field.size for field in fields]) == sizes


@pytest.mark.parametrize(
    ("shape", "items"),
    [
        ((8, 16, 16), (TALL, "reshape: [4, 224]", conv(3))),  # rows end to end: a window may span the end of one
        ((8, 16, 16), ("reshape: [8, 256]", "slice: {axis: 1, stop: 100}")),
        ((8, 16, 16), ("reshape: [8, 4, 64]",)),
        ((8, 16, 16), ("flatten", "slice: {stop: 5}", "linear: 3")),
        ((8, 16, 16), ("permute: [1, 0, 2]", "channel_shuffle: 4", conv(3))),
        ((8, 16, 16), ("permute: [1, 0, 2]", conv(3, groups=2))),
    ],
)
def test_unknown_is_said(shape: Shape, items: tuple[str, ...]) -> None:
    assert seen(stack(shape, *items)) is None
    assert seen(stack(shape, *items, "relu")) is None


def merged(merge: str, first: tuple[str, ...], second: tuple[str, ...], *rest: str) -> Network:
    """Return two branches of a 1×16×16 input, joined."""
    network = Network("branches", {"input": (1, 16, 16)})
    ends: list[Tensor] = []
    for branch, items in enumerate((first, second)):
        tensor: Tensor = network.inputs["input"]
        for number, item in enumerate(items):
            tensor = network.add(make(item), (tensor,), f"branch{branch}.layer{number}")
        ends.append(tensor)
    tensor = network.add(make(merge), ends, "merge")
    for number, item in enumerate(rest):
        tensor = network.add(make(item), (tensor,), f"layer{number}")
    network.outputs["output"] = tensor
    return network


@pytest.mark.parametrize(
    ("network", "sizes"),
    [
        (merged("add", (conv(5),), (conv(3), "center_crop: 12")), (5, 5)),
        (merged("add", (conv(3, padding=1),), ("permute: [0, 2, 1]", conv(3, padding=1))), None),  # H and W at once
        (merged("multiply", ("global_avgpool",), (conv(3),)), (16, 16)),
        (merged("concat", ("avgpool: 8", "flatten"), ("avgpool: 4", "flatten"), "linear: 2"), (16, 16)),
        (merged("concat: {axis: 1}", (conv(3),), (conv(3),)), (3, 3)),
        (merged("concat: {axis: 1}", (conv(3),), (conv(3),), conv(3)), None),  # a window over the seam
        (merged("concat: {axis: 1}", (conv(3),), (conv(3),), conv([1, 3])), (3, 5)),
    ],
)
def test_branches(network: Network, sizes: tuple[int, ...] | None) -> None:
    fields = seen(network)
    assert (None if fields is None else tuple([field.size for field in fields])) == sizes


def test_fractions_stay_exact() -> None:
    fields = seen(stack((1, 4, 4), "upsample: 2", conv(3)))
    assert fields is not None
    assert fields[0].figures == (2, Fraction(1, 2), 0)  # 3 steps of half an element


# --- against what outputs depend on --------------------------------------------------------------------------


def dependence(network: Network) -> np.ndarray:
    """Return which elements of the input each element of the output depends on: (outputs, C, H, W).

    Every layer is linear and its weights are positive, so that no two paths cancel: an output depends on the
    inputs for which an impulse reaches it.
    """
    shape = network.inputs["input"].shape
    count = int(np.prod(shape))
    impulses = np.eye(count).reshape(count, *shape)
    weights = {
        f"{node.name}.{name}": np.ones(weight.shape)
        for node in network.nodes
        for name, weight in node.use.weights.items()
    }
    made = run(network, {"input": impulses}, weights=weights).outputs["output"]
    return (made.reshape(count, -1).T > 0).reshape(-1, *shape)


def spans(dependent: np.ndarray) -> list[tuple[int, int]]:
    """Return the first and the last place along H and W among the elements that an output depends on."""
    places = np.nonzero(dependent)
    return [(int(axis.min()), int(axis.max())) for axis in places[1:]]


sides = st.integers(1, 3)
layers = st.one_of(
    st.builds(
        lambda k, s, d, c: f"conv: {{out_channels: {c}, kernel_size: [{k[0]}, {k[1]}], stride: [{s[0]}, {s[1]}], "
        f"dilation: {d}, bias: false}}",
        st.tuples(sides, sides), st.tuples(st.integers(1, 2), st.integers(1, 2)), st.integers(1, 2), sides,
    ),
    st.builds(lambda k, s: f"avgpool: {{kernel_size: {k}, stride: {s}}}", sides, sides),
    st.sampled_from(["permute: [0, 2, 1]", "permute: [1, 2, 0]", "permute: [2, 1, 0]", "identity", "global_avgpool"]),
    st.builds(lambda axis: f"linear: {{out_features: 2, axis: {axis}, bias: false}}", st.integers(0, 2)),
    st.builds(
        lambda axis, start, step: f"slice: {{axis: {axis}, start: {start}, step: {step}}}",
        st.integers(0, 2), st.integers(0, 2), st.integers(1, 2),
    ),
    st.sampled_from(["reshape: [2, -1]", "reshape: [1, -1, 2]", "reshape: [-1, 3, 1]", "flatten", "reshape: [4, -1, 7]"]),
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(st.tuples(sides, st.integers(5, 9), st.integers(5, 9)), st.lists(layers, min_size=1, max_size=5))
def test_fields_are_what_outputs_depend_on(shape: Shape, items: list[str]) -> None:
    kept: list[str] = []
    for item in items:  # those that fit
        try:
            stack(shape, *kept, item)
        except LayerError:
            continue
        kept.append(item)
    network = stack(shape, *kept)
    fields = seen(network)
    if fields is None:
        return
    output = network.outputs["output"].shape
    found = dependence(network)
    for place, dependent in zip(np.ndindex(*output), found, strict=True):
        for field, (first, last) in zip(fields, spans(dependent), strict=True):
            assert last - first + 1 == field.size, kept
            if field.axis is None:
                assert first == -field.offset, kept
            elif field.ordered:
                assert first == place[field.axis] * field.jump - field.offset, kept


def test_a_summary_has_no_figure_for_what_is_unknown() -> None:
    network = stack((8, 16, 16), "reshape: [8, 256]", conv(3))
    found = network.summary()
    assert [row.receptive_field for row in found.rows] == [(1, 1), None]
    assert [layer(row)["receptive_field"] for row in found.rows] == [(1, 1), ()]
    assert found.receptive_field is None
    with pytest.raises(CnncalcError, match="what 'output' sees is not known"):
        FIGURES["receptive-field"].measure(network, Scale())
