"""Convolution, transposed convolution and local connection: shapes, counts, windows and refusals."""

from __future__ import annotations

from fractions import Fraction

import pytest

from cnncalc.layers.base import Weight
from cnncalc.layers.shapes import Shape
from cnncalc.layers.window import same_pad, window_count
from tests.layers.building import make, refusal, use

HALF = Fraction(1, 2)


@pytest.mark.parametrize(
    ("size", "arguments", "expected"),
    [  # Dumoulin and Visin 2016, arXiv:1603.07285: (section or figure), i, k, p, s, d, o
        (4, "kernel_size: 3", 2),  # figure 2.1: no padding, unit stride
        (5, "kernel_size: 4, padding: 2", 6),  # figure 2.2: arbitrary padding
        (5, "kernel_size: 3, padding: 1", 5),  # figure 2.3: half padding
        (5, "kernel_size: 3, padding: 2", 7),  # figure 2.4: full padding
        (5, "kernel_size: 3, stride: 2", 2),  # figure 2.5: stride, no padding
        (5, "kernel_size: 3, stride: 2, padding: 1", 3),  # figure 2.6
        (6, "kernel_size: 3, stride: 2, padding: 1", 3),  # figure 2.7: the same size of another input
        (7, "kernel_size: 3, dilation: 2", 3),  # figure 5.1: dilated
    ],
)
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_convolution_arithmetic(size: int, arguments: str, expected: int, rank: int) -> None:
    done = use(f"conv: {{out_channels: 2, {arguments}}}", (1, *(size,) * rank))
    assert done.output == (2, *(expected,) * rank)


@pytest.mark.parametrize(
    ("size", "arguments", "expected"),
    [  # the transposes of these, from chapter 4 of the same guide
        (2, "kernel_size: 3", 4),  # figure 4.1
        (6, "kernel_size: 4, padding: 2", 5),  # figure 4.2
        (5, "kernel_size: 3, padding: 1", 5),  # figure 4.3
        (7, "kernel_size: 3, padding: 2", 5),  # figure 4.4
        (2, "kernel_size: 3, stride: 2", 5),  # figure 4.5
        (3, "kernel_size: 3, stride: 2, padding: 1", 5),  # figure 4.6
        (3, "kernel_size: 3, stride: 2, padding: 1, output_padding: 1", 6),  # figure 4.7
        # torch.nn.ConvTranspose2d's formula, by hand
        (6, "kernel_size: 3, stride: 2, padding: 1, output_padding: 1", 12),  # 5·2 − 2 + 2 + 1 + 1
        (7, "kernel_size: 3, stride: 1, dilation: 3, output_padding: 2", 15),  # 6 + 6 + 2 + 1
        (7, "kernel_size: 4, stride: 2, padding: [[1, 2], [1, 2], [1, 2]]", 13),  # 12 − 3 + 3 + 1
        (7, "kernel_size: 5, stride: 3, padding: same", 21),  # TensorFlow: in · stride
        (7, "kernel_size: 2, stride: 3, padding: same", 21),  # also if the kernel is smaller than the stride
        (7, "kernel_size: 2, stride: 3, padding: valid", 20),  # 18 + 1 + 1
    ],
)
def test_transposed_convolution_arithmetic(size: int, arguments: str, expected: int) -> None:
    done = use(f"conv_transpose: {{out_channels: 2, {arguments}}}", (1, size, size, size))
    assert done.output == (2, expected, expected, expected)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("dilation", [1, 2])
def test_transposed_convolution_restores_the_shape(kernel: int, stride: int, padding: int, dilation: int) -> None:
    """With output_padding = (in + 2p − d(k − 1) − 1) mod s it gives the convolution's input size back."""
    arguments = f"out_channels: 2, kernel_size: {kernel}, stride: {stride}, padding: {padding}, dilation: {dilation}"
    for size in range(9, 14):
        rest = (size + 2 * padding - dilation * (kernel - 1) - 1) % stride
        (_, down) = use(f"conv: {{{arguments}}}", (2, size)).output
        up = use(f"conv_transpose: {{{arguments}, output_padding: {rest}}}", (2, down))
        assert up.output == (2, size)


def test_windows_are_those_that_fit() -> None:
    """The formula agrees with counting the starts of windows one by one."""
    for size in range(1, 12):
        for extent in range(1, 6):
            for stride in range(1, 4):
                for pad in ((0, 0), (1, 1), (0, 2)):
                    starts = len(range(0, size + sum(pad) - extent + 1, stride))
                    if starts:
                        assert window_count(size, extent, stride, pad) == starts


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation", "pads"),
    [
        (13, 6, 5, 1, (1, 2)),  # TensorFlow, "Notes on padding": 13 columns, filter 6, stride 5
        (32, 3, 1, 1, (1, 1)),  # the textbook's (F − 1) / 2: 1, 2, 3 for 3, 5, 7
        (32, 5, 1, 1, (2, 2)),
        (32, 7, 1, 1, (3, 3)),
        (32, 2, 1, 1, (0, 1)),  # even kernels: the odd element comes after the map
        (32, 4, 1, 1, (1, 2)),
        (224, 7, 2, 1, (2, 3)),  # Keras ResNet50 under same: 111·2 + 7 − 224 = 5
        (32, 1, 2, 1, (0, 0)),  # never negative
        (32, 3, 1, 2, (2, 2)),  # dilated: extent 5
    ],
)
def test_same_padding(size: int, kernel: int, stride: int, dilation: int, pads: tuple[int, int]) -> None:
    assert same_pad(size, kernel, stride, dilation) == pads
    item = f"out_channels: 4, kernel_size: {kernel}, stride: {stride}, dilation: {dilation}, padding: same"
    done = use(f"conv: {{{item}}}", (3, size))
    assert done.output == (4, -(-size // stride))
    assert done.layer.described((3, size))["padding"] == (pads,)
    assert done.macs == 4 * -(-size // stride) * 3 * kernel  # padded taps count; some tools take 'same' for 0


@pytest.mark.parametrize(
    ("item", "shape", "macs", "params"),
    [
        # the transposed convolution of U-Net's first upward step: 512·28·28 inputs · 256·2·2
        ("conv_transpose: {out_channels: 256, kernel_size: 2, stride: 2}", (512, 28, 28), 411_041_792, 524_544),
        # depthwise transposed: 16·7·7 inputs · 1 filter of 4·4
        (
            "conv_transpose: {out_channels: 16, kernel_size: 4, stride: 2, padding: 1, groups: 16}",
            (16, 7, 7),
            12_544,
            272,
        ),
        # grouped (ResNeXt-50 32x4d, stage 1): 128·56·56 outputs · 4 channels · 9 taps
        (
            "conv: {out_channels: 128, kernel_size: 3, padding: 1, groups: 32, bias: false}",
            (128, 56, 56),
            14_450_688,
            4_608,
        ),
        # depthwise (MobileNetV1, second layer): 32·112·112 · 9
        (
            "conv: {out_channels: 32, kernel_size: 3, padding: 1, groups: 32, bias: false}",
            (32, 112, 112),
            3_612_672,
            288,
        ),
        # VGG-16's first layer, padded taps counted: 64·224·224 · 27
        ("conv: {out_channels: 64, kernel_size: 3, padding: same}", (3, 224, 224), 86_704_128, 1_792),
        # the textbook's ten maps: shared 75·10 + 10
        ("conv: {out_channels: 10, kernel_size: 5, padding: 2}", (3, 32, 32), 768_000, 760),
        # C3D conv1a: 3×3×3 over 16 frames
        ("conv: {out_channels: 64, kernel_size: 3, padding: 1}", (3, 16, 112, 112), 64 * 16 * 112 * 112 * 81, 5_248),
    ],
)
def test_counts(item: str, shape: Shape, macs: int, params: int) -> None:
    done = use(item, shape)
    assert (done.macs, done.params) == (macs, params)


def test_weights_have_pytorchs_names_and_shapes() -> None:
    grouped = "{out_channels: 12, kernel_size: [3, 5], groups: 4}"
    assert use(f"conv: {grouped}", (8, 9, 9)).weights == {"weight": Weight((12, 2, 3, 5)), "bias": Weight((12,))}
    assert use(f"conv_transpose: {grouped}", (8, 9, 9)).weights == {
        "weight": Weight((8, 3, 3, 5)),
        "bias": Weight((12,)),
    }
    local = use("locally_connected: {out_channels: 12, kernel_size: [3, 5]}", (8, 9, 9))
    assert local.weights == {"weight": Weight((12, 8, 7, 5, 3, 5)), "bias": Weight((12, 7, 5))}
    assert local.macs == local.weights["weight"].shape[0] * 8 * 7 * 5 * 15


@pytest.mark.parametrize(
    ("item", "label"),
    [
        ("conv: {out_channels: 64, kernel_size: 7, stride: 2}", "7×7/2, 64"),
        ("conv: {out_channels: 64, kernel_size: [1, 7]}", "1×7, 64"),
        ("conv: {out_channels: 64, kernel_size: 3, dilation: 2, groups: 4}", "3×3 d2, 64, 4 groups"),
        ("conv_transpose: {out_channels: 4, kernel_size: 2, stride: [2, 1]}", "2×2/2×1, 4"),
        ("locally_connected: {out_channels: 16, kernel_size: 9}", "9×9, 16"),
    ],
)
def test_labels(item: str, label: str) -> None:
    assert use(item, (4, 32, 32)).layer.label() == label


@pytest.mark.parametrize("name", ["conv", "conv_transpose", "locally_connected"])
def test_described_arguments_are_spelled_out(name: str) -> None:
    done = use(f"{name}: {{out_channels: 4, kernel_size: 4, stride: 2, padding: same}}", (3, 8, 9))
    described = done.layer.described(*done.inputs)
    assert described["kernel_size"] == (4, 4)
    assert described["padding"] == ((1, 1), (1, 2) if name != "conv_transpose" else (1, 1))
    assert "in_channels" not in described
    assert ("groups" in described) == (name != "locally_connected")


@pytest.mark.parametrize(
    ("item", "shape", "argument", "message", "hint"),
    [
        (
            "conv: {out_channels: 64, kernel_size: 3, groups: 3}",
            (64, 8, 8),
            "groups",
            "groups = 3 does not divide in_channels = 64",
            "divisors of 64 are 1, 2, 4, 8, 16, 32, 64",
        ),
        (
            "conv_transpose: {out_channels: 9, kernel_size: 3, groups: 2}",
            (8, 8, 8),
            "groups",
            "groups = 2 does not divide out_channels = 9",
            "divisors of 9 are 1, 3, 9",
        ),
        (
            "locally_connected: {out_channels: 9, kernel_size: 3, in_channels: 4}",
            (3, 8, 8),
            "in_channels",
            "in_channels = 4, but the input has 3 channels: a filter must be as deep as its input",
            "leave in_channels out (it is inferred), or write 3",
        ),
        (
            "conv: {out_channels: 8, kernel_size: 3, in_channels: 3}",
            (224, 224, 3),
            "in_channels",
            "in_channels = 3, but the input has 224 channels: a filter must be as deep as its input",
            "channels come first: [3, 224, 224]",
        ),
        (
            "conv: {out_channels: 8, kernel_size: 2}",
            (9, 2, 1),
            "kernel_size",
            "a kernel of 2 does not fit axis W of 1 in the map [9, 2, 1]",
            "pad, use a smaller kernel, or a larger input",
        ),
        (
            "conv: {out_channels: 8, kernel_size: 5}",
            (3, 4, 4),
            "kernel_size",
            "a kernel of 5 does not fit axis H of 4 in the map [3, 4, 4]",
            "pad, use a smaller kernel, or a larger input",
        ),
        (
            "locally_connected: {out_channels: 8, kernel_size: 3, dilation: 3, padding: 1}",
            (3, 4),
            "kernel_size",
            "a dilated kernel of 7 does not fit axis L of 4, padded by 1 + 1, in the map [3, 4]",
            "pad, use a smaller kernel, or a larger input",
        ),
        (
            "conv_transpose: {out_channels: 8, kernel_size: 3}",
            (4096,),
            None,
            "needs a map [C, …], but its input is a vector [4096]",
            "'conv_transpose' belongs before flatten, where its input is [C, …]",
        ),
        (
            "conv_transpose: {out_channels: 8, kernel_size: 3, stride: 2, output_padding: 2}",
            (3, 4, 4),
            "output_padding",
            "output_padding = 2 is not smaller than stride = 2 or dilation = 1",
            "1 at most: it selects one of the sizes that the stride maps to the same input size",
        ),
        (
            "conv_transpose: {out_channels: 8, kernel_size: 3, stride: 2, padding: same, output_padding: 1}",
            (3, 4, 4),
            "output_padding",
            "output_padding = 1 contradicts padding = same, which already gives in · stride",
            "leave one of them out",
        ),
        (
            "conv_transpose: {out_channels: 8, kernel_size: 3, padding: 3}",
            (3, 4, 4),
            "padding",
            "padding = 3 + 3 leaves 0 positions of an axis of 4",
            "in a transposed convolution, padding is cut off the output",
        ),
    ],
)
def test_refusals(item: str, shape: Shape, argument: str | None, message: str, hint: str) -> None:
    error = refusal(item, shape)
    assert (error.argument, error.message, error.hint) == (argument, message, hint)


def test_local_filters_have_no_groups() -> None:
    error = refusal("locally_connected: {out_channels: 8, kernel_size: 3, groups: 2}")
    assert (error.argument, error.message) == ("groups", "unknown argument 'groups'")
    assert "groups" not in error.near
    assert make("locally_connected: {out_channels: 8, kernel_size: 3}").kind == "conv"
