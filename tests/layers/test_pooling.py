"""Pooling over sliding windows, to a given size, and of the whole map."""

from __future__ import annotations

from math import gcd

import pytest

from cnncalc.layers.shapes import Shape
from tests.layers.building import refusal, use


@pytest.mark.parametrize(
    ("item", "shape", "output"),
    [
        ("maxpool: 2", (64, 224, 224), (64, 112, 112)),  # VGG: stride = kernel_size; keeps a quarter
        ("maxpool: {kernel_size: 3, stride: 2}", (96, 55, 55), (96, 27, 27)),  # AlexNet, overlapping
        ("maxpool: {kernel_size: 3, stride: 2, padding: 1}", (64, 112, 112), (64, 56, 56)),  # ResNet
        ("maxpool: {kernel_size: 3, stride: 1}", (1, 5, 5), (1, 3, 3)),  # Dumoulin and Visin, figure 1.6
        # GoogLeNet, table 1: 112 → 56, which takes ceil; floor gives 55
        ("maxpool: {kernel_size: 3, stride: 2, rounding: caffe}", (64, 112, 112), (64, 56, 56)),
        ("maxpool: {kernel_size: 3, stride: 2, ceil_mode: true}", (64, 112, 112), (64, 56, 56)),
        ("maxpool: {kernel_size: 3, stride: 2}", (64, 112, 112), (64, 55, 55)),
        # Caffe's clip (pooling_layer.cpp): ⌈(3 + 2 − 2) / 2⌉ + 1 = 3, whose last window starts at 4 ≥ 3 + 1
        ("maxpool: {kernel_size: 2, padding: 1, rounding: caffe}", (1, 3, 3), (1, 2, 2)),
        ("avgpool: {kernel_size: 2, padding: 1, rounding: ceil}", (1, 3, 3), (1, 2, 2)),
        # one window more than floor, none beyond: 4 → ⌈(4 − 3) / 2⌉ + 1
        ("avgpool: {kernel_size: 3, stride: 2, rounding: ceil}", (1, 4), (1, 2)),
        ("avgpool: {kernel_size: 3, stride: 1, dilation: 2}", (1, 9), (1, 5)),  # 9 − 2·2
        ("avgpool: {kernel_size: 3, stride: 1, padding: same}", (192, 35, 35), (192, 35, 35)),  # Inception's branch
        ("avgpool: {kernel_size: 2, padding: same}", (8, 7, 5, 4), (8, 4, 3, 2)),  # TensorFlow: ⌈in / stride⌉
        ("maxpool: {kernel_size: [1, 2, 2], stride: [1, 2, 2]}", (64, 16, 112, 112), (64, 16, 56, 56)),  # C3D pool1
        ("maxpool: {kernel_size: 3, dilation: 2, stride: 1}", (1, 9), (1, 5)),  # 9 − 2·2
        ("lppool: {kernel_size: 3, stride: 2}", (16, 50, 32), (16, 24, 15)),  # torch.nn.LPPool2d's example
        ("adaptive_avgpool: 7", (64, 10, 9), (64, 7, 7)),  # torch.nn.AdaptiveAvgPool2d's examples
        ("adaptive_avgpool: {output_size: [5, 7]}", (64, 8, 9), (64, 5, 7)),
        ("adaptive_maxpool: {output_size: [null, 7]}", (64, 10, 9), (64, 10, 7)),
        ("adaptive_maxpool: 5", (64, 8), (64, 5)),
        ("global_avgpool", (2048, 7, 7), (2048, 1, 1)),
        ("global_maxpool", (64, 100), (64, 1)),
        ("global_avgpool", (64, 2, 7, 7), (64, 1, 1, 1)),
    ],
)
def test_shapes(item: str, shape: Shape, output: Shape) -> None:
    assert use(item, shape).output == output


@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("stride", [1, 2, 3, 5])
@pytest.mark.parametrize("padding", [0, 1])
def test_rounding_up_adds_the_windows_that_start_inside(kernel: int, stride: int, padding: int) -> None:
    """The rule agrees with counting windows: all inside ones, and an overhanging one if it starts before the end."""
    if padding >= kernel:
        return
    for size in range(kernel, 14):
        whole = len(range(0, size + 2 * padding - kernel + 1, stride))
        covers_the_end = (whole - 1) * stride + kernel >= size + 2 * padding
        ceil = whole if covers_the_end or whole * stride >= size + padding else whole + 1
        # pooling_layer.cpp of Caffe: ⌈(size + 2·pad − kernel) / stride⌉ + 1, one less only "if (pad_h_ || pad_w_)"
        caffe = ceil if padding else -((kernel - size) // stride) + 1
        for rounding, windows in (("floor", whole), ("ceil", ceil), ("caffe", caffe)):
            item = f"{{kernel_size: {kernel}, stride: {stride}, padding: {padding}, rounding: {rounding}}}"
            assert use(f"maxpool: {item}", (1, size)).output == (1, windows)


@pytest.mark.parametrize(
    ("item", "shape", "flops"),
    [
        ("maxpool: {kernel_size: 3, stride: 2, padding: 1}", (64, 112, 112), 64 * 56 * 56 * 8),
        ("avgpool: {kernel_size: [2, 3], stride: 1}", (4, 5, 5), 4 * 4 * 3 * (5 + 1)),
        ("avgpool: 1", (4, 5, 5), 4 * 5 * 5),  # one division and no adds
        ("lppool: {kernel_size: 2, norm_type: 3}", (4, 8), 4 * 4 * (2 + 1 + 1)),  # powers, add, root
        ("global_avgpool", (2048, 7, 7), 2048 * 49),
        ("global_maxpool", (512, 7, 7), 512 * 48),
        ("adaptive_avgpool: 7", (512, 7, 7), 512 * 49),  # bins of one element have one division each
        ("adaptive_avgpool: 2", (3, 8), 3 * 8),
        ("adaptive_maxpool: 2", (3, 7), 3 * (4 - 1 + 4 - 1)),  # bins 0…4 and 3…7
    ],
)
def test_flops(item: str, shape: Shape, flops: int) -> None:
    done = use(item, shape)
    assert (done.macs, done.params, done.flops) == (0, 0, flops)


def test_bins_of_adaptive_pooling() -> None:
    """The closed forms agree with PyTorch's bins, floor(i·in/out) … ceil((i+1)·in/out), counted one by one."""
    for size in range(1, 25):
        for out in range(1, 25):
            bins = [-(-(i + 1) * size // out) - i * size // out for i in range(out)]
            assert sum(bins) == size + out - gcd(size, out)
            assert use(f"adaptive_avgpool: {out}", (1, size)).flops == sum(bins)


@pytest.mark.parametrize(
    ("item", "label"),
    [
        ("maxpool: 2", "2×2/2"),
        ("maxpool: {kernel_size: 3, stride: 1, dilation: 2}", "3×3 d2"),
        ("avgpool: {kernel_size: [1, 8]}", "1×8/1×8"),
        ("lppool: {kernel_size: 3, stride: 2, norm_type: 1.5}", "3×3/2, L1.5"),
        ("adaptive_avgpool: 7", "7×7"),
        ("adaptive_maxpool: {output_size: [null, 7]}", "·×7"),
        ("global_avgpool", ""),
    ],
)
def test_labels(item: str, label: str) -> None:
    assert use(item, (4, 32, 32)).layer.label() == label


def test_described_arguments_are_spelled_out() -> None:
    done = use("maxpool: {kernel_size: 2, ceil_mode: true}", (4, 32, 32))
    assert done.layer.described(*done.inputs) == {
        "kernel_size": (2, 2),
        "stride": (2, 2),
        "padding": ((0, 0), (0, 0)),
        "ceil_mode": True,
        "rounding": "ceil",
        "dilation": (1, 1),
    }


VECTOR = "needs a map [C, …], but its input is a vector [512]"


@pytest.mark.parametrize(
    ("item", "shape", "argument", "message", "hint"),
    [
        ("maxpool: 2", (512,), None, VECTOR, "'maxpool' belongs before flatten, where its input is [C, …]"),
        ("global_avgpool", (512,), None, VECTOR, "'global_avgpool' belongs before flatten, where its input is [C, …]"),
        (
            "adaptive_avgpool: 7",
            (512,),
            None,
            VECTOR,
            "'adaptive_avgpool' belongs before flatten, where its input is [C, …]",
        ),
        (
            "maxpool: {kernel_size: 3, padding: 3}",
            (8, 9, 9),
            "padding",
            "padding = 3 is not smaller than the kernel's extent of 3: a window would lie completely in the padding",
            "pad by 1 at most",
        ),
        (
            "avgpool: {kernel_size: 1, padding: [[0, 1]]}",
            (8, 9),
            "padding",
            "padding = 1 is not smaller than the kernel's extent of 1: a window would lie completely in the padding",
            "a kernel of 1 needs no padding",
        ),
        (
            "avgpool: 8",
            (8, 7, 7),
            "kernel_size",
            "a kernel of 8 does not fit axis H of 7 in the map [8, 7, 7]",
            "pad, use a smaller kernel, or a larger input",
        ),
        (
            "maxpool: {kernel_size: [2, 2, 2]}",
            (8, 7, 7),
            "kernel_size",
            "kernel_size has 3 numbers, but the input has 2 spatial axes",
            None,
        ),
        (
            "maxpool: {kernel_size: 2, rounding: round}",
            (8, 7, 7),
            "rounding",
            "rounding must be one of floor, ceil, caffe, not 'round'",
            None,
        ),
        (
            "lppool: {kernel_size: 2, norm_type: 0}",
            (8, 7, 7),
            "norm_type",
            "norm_type = 0 is not above 0",
            "1 is the sum, 2 the Euclidean norm",
        ),
        (
            "adaptive_avgpool: 0",
            (8, 7, 7),
            "output_size",
            "output_size must be a positive integer, not 0",
            None,
        ),
        (
            "maxpool",
            (8, 7, 7),
            None,
            "'kernel_size' is missing: extent of the window along each spatial axis",
            "write it as kernel_size: …",
        ),
    ],
)
def test_refusals(item: str, shape: Shape, argument: str | None, message: str, hint: str | None) -> None:
    error = refusal(item, shape)
    assert (error.argument, error.message, error.hint) == (argument, message, hint)
