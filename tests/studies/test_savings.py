"""Savings of changes: figures by hand, which the edited text and the command really give."""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np
import pytest

import cnncalc
from cnncalc.figures.roofline import Machine
from cnncalc.language.edits import applied
from cnncalc.language.loading import open_document, read_text
from cnncalc.studies.hotspots import hotspots
from cnncalc.studies.savings.workbench import Change, Workbench, heavy_nodes

LAPTOP = Machine(100 * 10**9, 20 * 10**9)


def bench_of(spec: str) -> Workbench:
    document, variant = open_document(spec)
    return Workbench(document, variant, {}, {}, LAPTOP)


def bench_of_text(text: str) -> Workbench:
    return Workbench(read_text(text.encode(), "net.yaml"), None, {}, {}, LAPTOP)


def changes_of(bench: Workbench, top: int = 5) -> list[Change]:
    heavy = heavy_nodes(hotspots(bench.summary, bench.estimates), top)
    return [*bench.for_the_network(), *bench.for_layers(heavy, None, 0.9)]


def by_name(changes: list[Change], name: str, layer: str) -> Change:
    return next(change for change in changes if change.name == name and layer in change.layers)


ALEXNET_MACS, ALEXNET_PARAMS = 714_188_480, 61_100_840  # torchvision's model card


@pytest.fixture(scope="module")
def alexnet() -> list[Change]:
    return changes_of(bench_of("alexnet"))


@pytest.mark.parametrize(
    ("name", "layer", "params", "macs"),
    [
        # conv2, 64 to 192 channels, 5x5, 27x27 positions: a depthwise 5x5 and a 1x1 (Howard et al. 2017, section 3.1)
        (
            "depthwise separable",
            "conv2",
            64 * 25 + 64 + 64 * 192 + 192 - (64 * 192 * 25 + 192),
            729 * (64 * 25 + 64 * 192 - 64 * 192 * 25),
        ),
        # groups divide weights and macs (Krizhevsky et al. 2012 has 2 groups)
        ("4 groups", "conv2", 64 * 192 * 25 // 4 - 64 * 192 * 25, 729 * (64 * 192 * 25 // 4 - 64 * 192 * 25)),
        # 64 to 48, 5x5 there, 48 to 192, each with a bias
        (
            "1×1 bottleneck",
            "conv2",
            (64 * 48 + 48) + (48 * 48 * 25 + 48) + (48 * 192 + 192) - (64 * 192 * 25 + 192),
            729 * (64 * 48 + 48 * 48 * 25 + 48 * 192 - 64 * 192 * 25),
        ),
        # 144 filters instead of 192, and conv3 has 144 input channels
        ("width · 3/4", "conv2", -48 * (64 * 25 + 1) - 48 * 384 * 9, -48 * (729 * 64 * 25 + 169 * 384 * 9)),
        # 9216 to 1024 without bias, 1024 to 4096
        ("low rank 1024", "fc1", 1024 * (9216 + 4096) - 9216 * 4096, 1024 * (9216 + 4096) - 9216 * 4096),
        # 3072 features, and fc2 has 3072 inputs
        ("width · 3/4", "fc1", -1024 * (9216 + 1) - 1024 * 4096, -1024 * 9216 - 1024 * 4096),
        # the mean of each of 256 channels, straight to the classes
        (
            "global average pooling",
            "fc1",
            256 * 1000 - (9216 * 4096 + 4096) - (4096 * 4096 + 4096) - 4096 * 1000,
            256 * 1000 - 9216 * 4096 - 4096 * 4096 - 4096 * 1000,
        ),
    ],
)
def test_figures_by_hand(alexnet: list[Change], name: str, layer: str, params: int, macs: int) -> None:
    after = by_name(alexnet, name, layer).after
    assert (after.params - ALEXNET_PARAMS, after.macs - ALEXNET_MACS) == (params, macs)


def test_bytes_follow_the_type(alexnet: list[Change]) -> None:
    before = bench_of("alexnet").before
    for name, divisor in (("stored as float16", 2), ("stored as int8", 4)):
        after = next(change for change in alexnet if change.name == name).after
        assert (after.weight_bytes * divisor, after.peak_bytes * divisor) == (before.weight_bytes, before.peak_bytes)
        assert (after.params, after.macs) == (before.params, before.macs)


def test_pruning_as_numpy_does_it(alexnet: list[Change]) -> None:
    weights = np.random.default_rng(0).standard_normal((4096, 9216)).astype(np.float32)
    smallest = np.argpartition(np.abs(weights).ravel(), round(0.9 * weights.size))[: round(0.9 * weights.size)]
    weights.ravel()[smallest] = 0
    values = weights[weights != 0]
    columns, rows = np.nonzero(weights)[1].astype(np.int32), np.zeros(4096 + 1, np.int32)  # compressed sparse rows
    after = by_name(alexnet, "90% pruned", "fc1").after
    assert ALEXNET_PARAMS - after.params == ALEXNET_MACS - after.macs == weights.size - values.size
    assert 4 * ALEXNET_PARAMS - after.weight_bytes == weights.nbytes - values.nbytes - columns.nbytes - rows.nbytes
    assert after.seconds is None


@pytest.mark.parametrize(
    "name",
    [
        "alexnet", "vgg16", "resnet18", "resnet50", "mobilenet_v2", "squeezenet1_0", "googlenet", "unet", "nin",
        "deepface", "lenet5", "textbook_unshared", "shufflenet_v2_x1_0", "resnext50_32x4d", "cifar_resnet20", "c3d",
    ],
)  # fmt: skip
def test_the_edited_spec_has_the_promised_figures(name: str, tmp_path: Path) -> None:
    bench = bench_of(name)
    edited = [change for change in changes_of(bench) if change.edits]
    assert edited
    for number, change in enumerate(edited):
        path = tmp_path / f"{number}.yaml"
        path.write_text(applied(bench.recipe.text or "", change.edits), encoding="utf-8")
        network = cnncalc.load(path, variant=bench.variant)
        totals, after = network.summary().totals, change.after
        assert (totals.params, totals.macs, totals.flops) == (after.params, after.macs, after.flops), change.name
        assert (totals.memory.weights, totals.memory.peak) == (after.weight_bytes, after.peak_bytes), change.name
        assert [tensor.shape for tensor in network.outputs.values()] == [
            tensor.shape for tensor in bench.network.outputs.values()
        ]


def test_one_item_of_many_layers_is_changed_where_it_fits() -> None:
    """ResNet-50 has all 53 convolutions from one line; 17 of them, the stem's 7x7 and 16 of 3x3, have a window."""
    bench = bench_of("resnet50")
    change = next(change for change in changes_of(bench) if change.name == "depthwise separable")
    assert len(change.layers) == 17
    params = macs = 0
    for node in bench.network.nodes:
        if node.layer.type == "conv" and prod(node.use.weights["weight"].shape[2:]) > 1:
            out, into, *kernel = node.use.weights["weight"].shape
            fewer = into * prod(kernel) + into * out - into * out * prod(kernel)
            params, macs = params + fewer, macs + fewer * prod(node.shape[1:])
    assert (change.after.params - 25_557_032, change.after.macs - 4_089_184_256) == (params, macs)
    (edit,) = change.edits
    assert "when: kernel > 1" in edit.text
    assert "when: not (kernel > 1)" in edit.text


def test_shared_weights_and_numbered_names_keep_their_types() -> None:
    text = "input: [8, 12, 12]\nlayers:\n  - conv: {out_channels: 8, kernel_size: 3, padding: 1}\n    name: one\n"
    assert any(change.edits for change in changes_of(bench_of_text(text)))
    shared = text + "  - conv: {out_channels: 8, kernel_size: 3, padding: 1}\n    weights: one\n"
    assert not any(change.name == "depthwise separable" for change in changes_of(bench_of_text(shared)))
    numbered = text + "  - conv: {out_channels: 8, kernel_size: 1}\n  - add:\n    from: [conv1, one]\n"
    assert not any(change.edits for change in changes_of(bench_of_text(numbered)))
    by_input = text.replace("input: [8, 12, 12]", "input: {x1: [8, 12, 12]}").replace("one\n", "one\n    from: x1\n")
    assert any(change.edits for change in changes_of(bench_of_text(by_input)))


def test_changes_that_do_not_fit_are_not_offered() -> None:
    # three channels can't have 4 or 2 groups, 3/4 of the width would not fit the shortcut, 1x1 has no window
    text = (
        "input: [3, 9, 9]\nlayers:\n  - add:\n      paths:\n        - []\n"
        "        - [{conv: {out_channels: 3, kernel_size: 1}}]\n"
    )
    names = [change.name for change in changes_of(bench_of_text(text))]
    assert names == ["input 3×6×6", "stored as float16", "stored as int8"]
    vector = "input: [16]\nlayers:\n  - linear: {out_features: 8, in_features: 16}\n"
    names = [change.name for change in changes_of(bench_of_text(vector))]
    assert names == ["stored as float16", "stored as int8", "low rank 2", "90% pruned"]


def test_what_adds_more_than_it_saves_is_not_offered() -> None:
    """MobileNetV2's first convolution, 3 to 32 channels, 3×3/2 on 224×224, as a bottleneck of 8 channels.

    By hand: 3·8 + 8·8·9 + 8·32 = 856 weights for 864, and 224²·24 + 112²·832 = 11,640,832 MACs for 10,838,016.
    """
    assert not [change for change in changes_of(bench_of("mobilenet_v2")) if change.name == "1×1 bottleneck"]


def test_expressions_are_kept_as_they_are_written() -> None:
    text = (
        "args: {n: 8}\ninput: [8, 12, 12]\nblocks:\n  wide:\n    args: {by}\n    layers:\n"
        '      - conv: {out_channels: "max(in_channels * by, n)", kernel_size: 3, padding: 1, bias: false}\n'
        "layers:\n  - wide: {by: 2}\n  - wide: {by: 4}\n"
    )
    change = next(change for change in changes_of(bench_of_text(text)) if change.name == "depthwise separable")
    assert change.edits[0].text == (
        "      - sequence:\n"
        "          - conv: {out_channels: in_channels, kernel_size: 3, padding: 1, groups: in_channels, bias: false}\n"
        '          - conv: {out_channels: "max(in_channels * by, n)", kernel_size: 1, bias: false}\n'
    )
    assert change.after.params == 8 * 9 + 8 * 16 + 16 * 9 + 16 * 64


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("alexnet", ("input", "3x160x160")),  # five sevenths, a multiple of 32 as 224 is
        ("mobilenet_v2", ("set", "width=0.75")),
        ("inception_v3", ("input", "3x224x224")),  # 299 is odd, so that any size is allowed
        ("resnet50", ("set", "base_width=48")),
    ],
)
def test_changes_of_the_whole_network(name: str, options: tuple[str, ...]) -> None:
    assert options in [change.options for change in bench_of(name).for_the_network()]


def test_published_figures_of_a_narrower_and_smaller_mobilenet() -> None:
    """TF-slim's table of MobileNetV2: 0.75 at 224 has 209 M macs, 1.0 at 160 has 154 M."""
    changes = {change.options: change.after for change in bench_of("mobilenet_v2").for_the_network()}
    assert changes["set", "width=0.75"].macs // 10**6 == 209
    assert changes["input", "3x160x160"].macs // 10**6 == 154


def test_a_large_network_is_not_built_again_and_again() -> None:
    """A summary builds 23,000 layers twice, which uses up the 45,000 that may be built."""
    bench = bench_of_text("input: [4]\nlayers:\n  - linear: 4\n    repeat: 23000\n")
    names = {change.name for change in changes_of(bench)}
    assert bench.untried > 0
    assert names == {"stored as float16", "stored as int8", "90% pruned"}


def test_expressions_count_as_layers_of_equal_time() -> None:
    text = "input: [4]\nlayers:\n  - linear: {}\n    for: i in range(20)\n  - relu:\n    for: i in range(700)\n    when: {}\n"
    plain, calls = (bench_of_text(text.format(4, when)) for when in ("i < 9", "'" + "max(0, i) + " * 60 + "0 < 0'"))
    assert plain.network.effort <= 100
    assert calls.network.effort > 4 * plain.network.effort
