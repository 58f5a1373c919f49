"""Hotspots: the few layers with most of a figure, and the roofline, by hand."""

from __future__ import annotations

import pytest

import cnncalc
from cnncalc import loads
from cnncalc.figures.roofline import Machine, estimate
from cnncalc.figures.summary import Summary, summarize
from cnncalc.studies.hotspots import Hotspots, hotspots

LAPTOP = Machine(100 * 10**9, 20 * 10**9)


def spots_of(summary: Summary) -> list[Hotspots]:
    return hotspots(summary, [estimate(row.node, LAPTOP, summary.batch) for row in summary.rows])


def alexnet() -> dict[str, Hotspots]:
    return {hot.figure: hot for hot in spots_of(summarize(cnncalc.load("alexnet")))}


def test_macs_of_alexnet() -> None:
    """conv2 64·192·25·27², conv4 384·256·9·13², conv3 192·384·9·13², conv5 256·256·9·13² of 714,188,480."""
    macs = alexnet()["macs"]
    assert [(spot.row.name, spot.figure) for spot in macs.spots] == [
        ("conv2", 223_948_800), ("conv4", 149_520_384), ("conv3", 112_140_288), ("conv5", 99_680_256),
    ]  # fmt: skip
    assert macs.total == 714_188_480
    assert macs.spots[2].so_far < 0.8 <= macs.spots[3].so_far
    assert macs.spots[-1].so_far == (223_948_800 + 149_520_384 + 112_140_288 + 99_680_256) / 714_188_480


def test_params_and_activations_of_alexnet() -> None:
    spots = alexnet()
    assert [(spot.row.name, spot.figure) for spot in spots["params"].spots] == [
        ("fc1", 9216 * 4096 + 4096), ("fc2", 4096 * 4096 + 4096),
    ]  # fmt: skip
    first = spots["output_bytes"].spots[0]
    assert (first.row.name, first.figure) == ("conv1", 64 * 55 * 55 * 4)


def test_exactly_four_fifths_are_enough() -> None:
    text = "input: [1]\nlayers:\n" + "  - linear: {out_features: 1, bias: false}\n" * 5
    found = spots_of(summarize(loads(text, name="x")))
    assert [len(hot.spots) for hot in found[:2]] == [4, 4]


def test_a_figure_of_zero_has_no_hotspots() -> None:
    text = "input: [3, 4, 4]\nlayers:\n  - relu\n"
    found = {hot.figure: hot for hot in spots_of(summarize(loads(text, name="x")))}
    assert (found["macs"].total, found["macs"].spots) == (0, [])
    assert len(found["output_bytes"].spots) == 1


@pytest.mark.parametrize(
    ("name", "flops", "bytes_moved", "bound"),
    [
        # one product and one add per weight, each read once: 0.5 FLOPs per byte, far below the ridge of 5
        ("fc1", 2 * 9216 * 4096 + 4096, 4 * (9216 + 4096 + 9216 * 4096 + 4096), "memory"),
        ("conv2", 2 * 223_948_800 + 192 * 27 * 27, 4 * (64 * 27 * 27 + 192 * 27 * 27 + 192 * 64 * 25 + 192), "compute"),
        ("relu1", 64 * 55 * 55, 4 * 2 * 64 * 55 * 55, "memory"),
    ],
)
def test_the_roofline_of_a_layer(name: str, flops: int, bytes_moved: int, bound: str) -> None:
    node = next(node for node in cnncalc.load("alexnet").nodes if node.name == name)
    one = estimate(node, LAPTOP)
    assert (one.flops, one.bytes, one.bound, one.intensity) == (flops, bytes_moved, bound, flops / bytes_moved)
    assert one.seconds == max(flops / 100e9, bytes_moved / 20e9)
    assert (one.intensity > LAPTOP.ridge) == (bound == "compute")


def test_batch_and_type() -> None:
    node = next(node for node in cnncalc.load("alexnet").nodes if node.name == "fc1")
    one = estimate(node, LAPTOP, batch=64, width=2)  # weights are read once for all 64 samples
    assert one.flops == 64 * (2 * 9216 * 4096 + 4096)
    assert one.bytes == 2 * (64 * (9216 + 4096) + 9216 * 4096 + 4096)
    assert one.bound == "compute"


def test_views_take_no_time() -> None:
    for node in cnncalc.load("alexnet").nodes:
        if node.layer.type in ("flatten", "dropout"):
            assert estimate(node, LAPTOP) == (0, 0, 0.0, "", 0.0)


def test_time_is_the_sum_of_the_layers() -> None:
    summary = summarize(cnncalc.load("alexnet"), batch=4)
    seconds = next(hot for hot in spots_of(summary) if hot.figure == "seconds")
    assert seconds.total == pytest.approx(sum(estimate(row.node, LAPTOP, 4).seconds for row in summary.rows))
