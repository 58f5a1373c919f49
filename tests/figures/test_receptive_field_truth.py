"""Receptive fields of random networks against the positions that outputs really depend on."""

from __future__ import annotations

import numpy as np
import pytest

from cnncalc import Network, loads
from cnncalc.figures.fields import Field, leading
from cnncalc.figures.receptive_field import receptive_fields
from cnncalc.layers.reads import Ranges
from cnncalc.layers.window import reads_of_axes
from tests.figures.dependence import Writer, beyond, claimed, dependence, over_channels
from tests.figures.test_receptive_field import stack

NETWORKS = 360
CHUNK = 30


def check(network: Network, seed: int) -> int:
    """Compare one network by positions; return how many of its axes have a position that no border affects."""
    output = network.outputs["output"]
    known = receptive_fields(network)
    fields, shape, met_padding = leading(known.of[output]), output.shape, beyond(network)
    is_last = output in known.turned.nodes  # the fields of such an output stand with its channels first
    if is_last:
        shape, met_padding = (*shape[-1:], *shape[:-1]), np.moveaxis(met_padding, -1, 0)
    found = 0
    for axis, field in enumerate(fields, 1):
        truth, said = dependence(network, axis - bool(known.turned.shapes), seed), claimed(field, shape)
        truth = np.moveaxis(truth, -1, 1) if is_last else truth
        truth, said = over_channels(truth, field), over_channels(said, field)
        away = ~(met_padding if len(said[0]) == len(met_padding) else met_padding.any(0, keepdims=True))
        depends = truth[0] <= truth[1]
        within = (said[0] <= truth[0]) & (truth[1] <= said[1])
        assert within[away & depends].all(), (seed, axis)
        widest = (truth[1] - truth[0] + 1)[away & depends].max(initial=0)
        assert widest <= field.size, (seed, axis)
        if field.is_exact:
            assert (truth == said).all(0)[away & depends].all(), (seed, axis)
            if (away & depends).all():
                assert widest == field.size, (seed, axis)
                assert (truth[1] - truth[0] + 1).min() == field.least, (seed, axis)
            found += bool((away & depends).any())
    return found


@pytest.mark.parametrize("start", range(0, NETWORKS, CHUNK))
def test_fields_are_the_positions_that_outputs_depend_on(start: int) -> None:
    seeds = range(start, start + CHUNK)
    assert sum(check(Writer(seed, resizing=seed % 3 > 0).network, seed) for seed in seeds) > CHUNK // 2


def test_fields_of_maps_with_the_channels_last() -> None:
    shift, conv = "shift: {shape: [1, 1, 3]}", "conv: {out_channels: 4, kernel_size: [5, 3], stride: 2}"
    last = ("permute: [1, 2, 0]", "linear: {out_features: 5, axis: -1}", "softmax: -1")
    assert check(stack((20, 18, 3), shift, "permute: [2, 0, 1]", conv), 0) == 2
    assert check(stack((3, 20, 18), conv, *last), 0) == 2
    assert check(stack((20, 18, 3), shift, "permute: [2, 0, 1]", conv, *last), 0) == 2


def test_a_mean_over_the_middle_of_a_split_axis_sees_all_from_its_first_bin_to_its_last() -> None:
    """36 bins of 41 elements are split into 4·3·3, and the second part is averaged: output (a, b) sees bins 9a + 3k + b."""
    network = loads("input: [1, 41]\nlayers:\n- adaptive_avgpool: 36\n- reshape: [1, 4, 3, 3]\n- mean: {axis: 2}")
    (output,) = network.outputs.values()
    (field,) = leading(receptive_fields(network).of[output])
    lowest = 9 * np.arange(4)[:, None] + np.arange(3)
    first, behind = 41 * lowest // 36, -(-41 * (lowest + 7) // 36)  # PyTorch's bins: ⌊41·i/36⌋ up to ⌈41·(i + 1)/36⌉
    assert (claimed(field, output.shape)[:, 0] == np.stack([first, behind - 1])).all()
    assert field.is_exact


def test_few_random_networks_have_only_a_bound() -> None:
    fields: list[Field] = []
    for seed in range(NETWORKS):
        network = Writer(seed).network
        fields += leading(receptive_fields(network).of[network.outputs["output"]])
    assert sum(not field.is_exact for field in fields) < 0.03 * len(fields)


def test_random_networks_have_layers_of_all_kinds() -> None:
    types = {node.layer.type for seed in range(NETWORKS) for node in Writer(seed).network.nodes}
    assert types >= {
        "conv", "conv_transpose", "maxpool", "avgpool", "lppool", "adaptive_avgpool", "adaptive_maxpool", "global_avgpool",
        "upsample", "slice", "center_crop", "pad", "concat", "add", "multiply", "maximum", "flatten", "reshape", "permute",
        "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "layernorm", "instancenorm", "groupnorm", "softmax", "lrn",
        "linear",
    }  # fmt: skip


@pytest.mark.parametrize("wrong", [-1, 1])
def test_the_test_can_fail(wrong: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test notices windows that end one position too early or too late."""

    def sliding(kernel: int, stride: int, before: int, dilation: int) -> Ranges:
        return Ranges(1, stride, lambda _: (-before, dilation * (kernel - 1) - before + wrong), dilation)

    monkeypatch.setattr("cnncalc.layers.window.sliding", sliding)
    monkeypatch.setattr("cnncalc.layers.window.reads_of_axes", reads_of_axes.__wrapped__)  # without its cache
    with pytest.raises(AssertionError):
        test_fields_are_the_positions_that_outputs_depend_on(0)
