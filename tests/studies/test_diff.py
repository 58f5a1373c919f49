"""Comparisons of small networks: equal, changed, added and removed layers, and layers that read from elsewhere."""

from __future__ import annotations

from cnncalc import loads
from cnncalc.figures.summary import Summary, summarize
from cnncalc.studies.compare.diff import Compared, figures, layer_changes


def summary(layers: str, input: str = "[4, 8, 8]") -> Summary:
    return summarize(loads(f"input: {input}\nlayers:\n{layers}", name="net.yaml"))


def changes(a: str, b: str) -> list[tuple[str, str | None, str | None]]:
    found = layer_changes(summary(a), summary(b))
    return [(one.change, one.a and one.a.name, one.b and one.b.name) for one in found]


CONV = "  - conv: {out_channels: 4, kernel_size: 3, padding: 1}\n"
WIDE = "  - conv: {out_channels: 8, kernel_size: 3, padding: 1}\n"
RELU = "  - relu\n"


def test_equal_networks() -> None:
    assert changes(CONV + RELU, CONV + RELU) == [("same", "conv1", "conv1"), ("same", "relu1", "relu1")]


def test_a_layer_added_in_the_middle_and_one_removed() -> None:
    added = [("same", "conv1", "conv1"), ("added", None, "bn1"), ("same", "relu1", "relu1")]
    assert changes(CONV + RELU, CONV + "  - batchnorm\n" + RELU) == added
    removed = [("same", "conv1", "conv1"), ("removed", "bn1", None), ("same", "relu1", "relu1")]
    assert changes(CONV + "  - batchnorm\n" + RELU, CONV + RELU) == removed


def test_changed_arguments_and_later_layers_that_they_change() -> None:
    assert changes(CONV + RELU, WIDE + RELU) == [("changed", "conv1", "conv1"), ("changed", "relu1", "relu1")]
    biasless = CONV.replace("padding: 1", "padding: 1, bias: false")
    assert changes(CONV + RELU, biasless + RELU) == [("changed", "conv1", "conv1"), ("same", "relu1", "relu1")]


def test_in_a_network_of_twice_the_width_every_layer_has_changed() -> None:
    """By chance, the narrow network's second norm and relu are as wide as the wide one's first."""
    text = "".join(
        f"  - conv: {{out_channels: {width}, kernel_size: 1}}\n  - batchnorm\n  - relu\n" for width in (8, 16)
    )
    wide = text.replace("16", "32").replace("s: 8", "s: 16")
    names = ["conv1", "bn1", "relu1", "conv2", "bn2", "relu2"]
    assert changes(text, wide) == [("changed", name, name) for name in names]


def test_layers_after_an_added_one_are_the_same_under_the_next_number() -> None:
    text = "".join(f"  - conv: {{out_channels: {width}, kernel_size: 1}}\n" for width in (5, 6, 7))
    assert changes(text, CONV + text) == [
        ("added", None, "conv1"),
        *[("same", f"conv{number}", f"conv{number + 1}") for number in (1, 2, 3)],
    ]


def test_blocks_are_compared_by_the_layers_inside_them() -> None:
    """Tanh for relu leaves a block's params and shapes as they are."""
    text = "".join(
        f"  - sequence: [{{conv: {{out_channels: {width}, kernel_size: 1}}}}, relu]\n    name: b{width}\n"
        for width in (5, 6)
    )
    found = layer_changes(summary(text), summary(text.replace("relu]\n    name: b6", "tanh]\n    name: b6")), 1)
    assert [(one.change, one.b and one.b.name, one.b and one.b.layers) for one in found] == [
        ("same", "b5", 2), ("changed", "b6", 2),
    ]  # fmt: skip


def test_branches_in_another_order_are_paired_by_what_they_read() -> None:
    """The shortcut of a residual comes last in one network and first in the other, which lacks the norms."""
    main = "  - conv: {out_channels: 6, kernel_size: 1}\n  - relu\n  - conv: {out_channels: 8, kernel_size: 3, padding: 1}\n"
    end = "  - add:\n    from: [main, short]\n"
    short = "  - conv: {out_channels: 8, kernel_size: 1}\n    from: input\n    name: short\n"
    norm = "  - batchnorm:\n    name: %s\n"
    one = main + norm % "main" + short.replace("short", "s") + norm % "short" + end
    other = short + main.replace("1}\n", "1}\n    from: input\n", 1)
    other += "    name: main\n" + end
    assert changes(one, other) == [
        ("same", "conv1", "conv1"),
        ("same", "relu1", "relu1"),
        ("same", "conv2", "main"),
        ("removed", "main", None),
        ("same", "s", "short"),
        ("removed", "short", None),
        ("same", "add1", "add1"),
    ]


def test_another_type_in_its_place_is_one_removed_and_one_added() -> None:
    assert changes(CONV + RELU, CONV + "  - tanh\n") == [
        ("same", "conv1", "conv1"),
        ("removed", "relu1", None),
        ("added", None, "tanh1"),
    ]


def test_other_names_are_no_change() -> None:
    assert changes(CONV, CONV + "    name: stem\n") == [("same", "conv1", "stem")]


def test_a_layer_that_reads_from_elsewhere_has_changed() -> None:
    residual = CONV + RELU + "  - add:\n    from: [relu1, input]\n"
    found = changes(residual, residual.replace("input", "conv1"))
    assert [change for change, _, _ in found] == ["same", "same", "changed"]


def test_figures_and_ratios() -> None:
    """The conv has 4·4·9 + 4 params and 256·36 MACs; with 8 channels it has twice as many."""
    found = {(one.group, one.name): one for one in figures([summary(CONV), summary(WIDE), summary(RELU)])}
    assert found["total", "params"] == Compared("total", "params", (148, 296, 0))
    assert found["total", "params"].ratios == (1, 2, 0)
    assert found["conv", "macs"].values == (9216, 18432, 0)
    assert found["memory", "weight_bytes"].values == (592, 1184, 0)
    assert found["activation", "layers"].values == (0, 0, 1)
    assert found["activation", "layers"].ratios == (1, 1, None)
    assert ("fc", "layers") not in found
