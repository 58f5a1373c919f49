"""Layers that move elements: shapes, windows and refusals."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from cnncalc.layers.shapes import Shape
from tests.execution.networks import single
from tests.layers.building import refusal, use

HALF = Fraction(1, 2)


@pytest.mark.parametrize(
    ("item", "shape", "output"),
    [
        ("flatten", (256, 6, 6), (9216,)),  # AlexNet
        ("flatten", (7,), (7,)),
        ("reshape: [100, 7, 7]", (4900,), (100, 7, 7)),
        ("reshape: [-1, 49]", (100, 7, 7), (100, 49)),
        ("reshape: -1", (4, 3), (12,)),
        ("reshape: [0, 3, -1, 64]", (197, 576), (197, 3, 3, 64)),  # queries, keys and values of ViT-Ti/16
        ("reshape: {shape: [0, 2], fold: 3}", (4, 6), (4, 2)),
        ("permute: [1, 2, 0]", (3, 32, 40), (32, 40, 3)),  # channels last
        ("permute: [-1, 0]", (3, 32), (32, 3)),
        ("pad: 3", (3, 224, 224), (3, 230, 230)),
        ("pad: {padding: [[0, 1], [2, 3]]}", (3, 10, 10), (3, 11, 15)),
        ("pad: {padding: [0, 1], mode: reflect}", (3, 10, 2), (3, 10, 4)),
        ("pad: {padding: 10, mode: circular}", (3, 10), (3, 30)),
        ("pad: {padding: 99, mode: replicate}", (3, 1), (3, 199)),
        ("pad: {padding: [[-1, 2], [1, -2]]}", (2, 6, 7), (2, 7, 6)),  # as torch.nn.functional.pad(x, (1, -2, -1, 2))
        ("pad: {padding: [[-3, 4]], mode: circular}", (2, 7), (2, 8)),
        ("pad: {channels: [8, 8]}", (16, 32, 32), (32, 32, 32)),  # CIFAR ResNet's shortcut A
        ("pad: {padding: 1, channels: [0, 5]}", (16, 32), (21, 34)),
        ("center_crop: {size: [56, 56]}", (512, 64, 64), (512, 56, 56)),  # U-Net's deepest skip
        ("center_crop: 5", (1, 5, 8, 7), (1, 5, 5, 5)),
        ("slice: {stop: 58}", (116, 28, 28), (58, 28, 28)),  # ShuffleNet V2's split
        ("slice: {start: 58}", (116, 28, 28), (58, 28, 28)),
        ("slice: {axis: -1, start: 1, stop: -1}", (4, 9), (4, 7)),
        ("slice: {axis: 1, start: -4, step: 3}", (4, 9), (4, 2)),  # 5, 8
        ("slice: {axis: 1, step: 2}", (4, 9), (4, 5)),
        ("slice: {axis: 1, start: -100, stop: 100}", (4, 9), (4, 9)),  # like Python's slices
        ("upsample: 2", (256, 13, 13), (256, 26, 26)),  # YOLOv3
        ("upsample: {scale_factor: [2, 1.5]}", (8, 5, 5), (8, 10, 7)),  # ⌊7.5⌋
        ("upsample: {scale_factor: 0.5}", (8, 7), (8, 3)),
        ("upsample: {size: 224, mode: linear}", (21, 28, 28), (21, 224, 224)),
        ("pixel_shuffle: 3", (9, 4, 4), (1, 12, 12)),  # torch.nn.PixelShuffle's example
        ("pixel_shuffle: 2", (8, 4, 5, 6), (1, 8, 10, 12)),
        ("pixel_shuffle: 2", (8, 4), (4, 8)),
        ("pixel_unshuffle: 3", (1, 12, 12), (9, 4, 4)),  # torch.nn.PixelUnshuffle's example
        ("pixel_unshuffle: 2", (1, 4, 6, 8), (8, 2, 3, 4)),
        ("im2col: [2, 3]", (5, 3, 4), (30, 4)),  # torch.nn.Unfold's example
        ("im2col: {kernel_size: 3, stride: 2, padding: 1, dilation: 2}", (4, 7, 9), (36, 12)),  # 3·4 windows
        ("im2col: {kernel_size: 3, padding: same}", (2, 5), (6, 5)),
        ("channel_shuffle: 3", (240, 28, 28), (240, 28, 28)),
        ("channel_shuffle: 2", (4,), (4,)),
    ],
)
def test_shapes(item: str, shape: Shape, output: Shape) -> None:
    done = use(item, shape)
    assert done.output == output
    assert (done.params, done.macs, done.layer.kind) == (0, 0, "shape")
    if "linear" not in item:
        assert done.flops == 0


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_linear_upsampling_weighs_its_neighbours(rank: int) -> None:
    """2 neighbours per axis give 2ᵈ products and 2ᵈ − 1 adds."""
    done = use("upsample: {scale_factor: 2, mode: linear}", (3, *(5,) * rank))
    assert done.flops == 3 * 10**rank * {1: 3, 2: 7, 3: 15}[rank]


@pytest.mark.parametrize(
    ("item", "label"),
    [
        ("reshape: [2, -1]", "2×-1"),
        ("reshape: [0, 2, -1]", "·×2×-1"),
        ("permute: [1, 2, 0]", "1, 2, 0"),
        ("pad: 3", "3"),
        ("pad: {padding: [[1, 2], [0, 0]], mode: reflect}", "1+2, 0, reflect"),
        ("pad: {channels: [1, 0]}", "0, C 1+0"),
        ("center_crop: 4", "4×4"),
        ("slice: {start: 1, stop: 3}", "1:3"),
        ("slice: {axis: 1, step: 2}", "0::2, axis 1"),
        ("upsample: 2", "×2"),
        ("upsample: {scale_factor: [2, 1.5], mode: linear}", "×2×1.5, linear"),
        ("upsample: {size: [7, 9]}", "7×9"),
        ("pixel_shuffle: 2", "×2"),
        ("pixel_unshuffle: 2", "/2"),
        ("channel_shuffle: 4", "4 groups"),
    ],
)
def test_labels(item: str, label: str) -> None:
    assert use(item, (4, 8, 8)).layer.label() == label


@pytest.mark.parametrize(
    ("item", "shape", "argument", "message", "hint"),
    [
        (
            "reshape: [64, 7]",
            (3136,),
            "shape",
            "3136 elements [3136] don't fit shape = [64, 7]",
            "it holds 448 elements",
        ),
        (
            "reshape: [-1, 7]",
            (4, 3),
            "shape",
            "12 elements [4, 3] don't fit shape = [-1, 7]",
            "it holds a multiple of 7 elements",
        ),
        (
            "reshape: [-1, 7, -1]",
            (4, 3),
            "shape",
            "shape = [-1, 7, -1] must have positive sizes, 0 or, at most once, -1",
            "-1 stands for the one size that follows from the others, 0 for the input's size on that axis",
        ),
        (
            "reshape: [-1, 2, 0]",
            (4, 3),
            "shape",
            "shape = [-1, 2, 0] keeps the size of an axis that the input [4, 3] does not have",
            "0 stands for the input's size on the same axis",
        ),
        (
            "permute: [0, 1, 1]",
            (4, 3, 2),
            "dims",
            "dims = [0, 1, 1] does not name each of the input's 3 axes once",
            "axes are counted without the batch: an order of [0, 1, 2]",
        ),
        (
            "pad: {padding: 4, mode: reflect}",
            (4, 8, 4),
            "padding",
            "padding = 4 with mode = reflect, but an axis of 4 provides only 3 elements",
            "3 at most, or 'mode: replicate'",
        ),
        (
            "pad: {padding: [[-6, 3], [0, -2]]}",
            (1, 6, 7),
            "padding",
            "padding = [-6, 3] crops all of an axis of 6",
            "to keep a part of a map, 'slice' can be used, too",
        ),
        (
            "pad: {padding: 5, mode: circular}",
            (4, 4),
            "padding",
            "padding = 5 with mode = circular, but an axis of 4 provides only 4 elements",
            "4 at most, or 'mode: replicate'",
        ),
        (
            "pad: {padding: 1, channels: 2, mode: reflect}",
            (4, 4),
            "channels",
            "channels = 2 + 2 can't be combined with mode = reflect",
            "only a constant border can have channels",
        ),
        ("pad", (4, 4), None, "'padding' is missing: elements around the map", "write it as padding: …"),
        (
            "pad: 1",
            (4,),
            None,
            "needs a map [C, …], but its input is a vector [4]",
            "'pad' belongs before flatten, where its input is [C, …]",
        ),
        (
            "center_crop: {size: [56, 70]}",
            (512, 64, 64),
            "size",
            "size = [56, 70] is larger than the input map [512, 64, 64]",
            "to enlarge a map, use 'pad' or 'upsample'",
        ),
        (
            "slice: {start: 64}",
            (64, 8),
            "start",
            "start = 64, stop = 64 leave nothing of channels 64",
            "0 <= start < stop <= 64",
        ),
        (
            "slice: {axis: 1, start: 5, stop: -4}",
            (64, 8),
            "start",
            "start = 5, stop = 4 leave nothing of L 8",
            "0 <= start < stop <= 8",
        ),
        (
            "upsample",
            (4, 4),
            None,
            "takes either scale_factor or size, but neither is given",
            "scale_factor: 2 doubles each spatial axis",
        ),
        (
            "upsample: {scale_factor: 2, size: 8}",
            (4, 4),
            "size",
            "takes either scale_factor or size, but both are given",
            "scale_factor: 2 doubles each spatial axis",
        ),
        (
            "upsample: {scale_factor: 2, align_corners: true}",
            (4, 4),
            "align_corners",
            "align_corners = true has no effect with mode = nearest",
            "leave it out, or write 'mode: linear'",
        ),
        (
            "upsample: 0.2",
            (4, 8, 4),
            "scale_factor",
            "scale_factor = 0.2 leaves nothing of an axis of 4",
            "floor(in · scale_factor) must be 1 or more",
        ),
        ("upsample: -2", (4, 4), "scale_factor", "scale_factor must be a number above 0, not -2", None),
        (
            "upsample: {scale_factor: 2, mode: bilinear}",
            (4, 4, 4),
            "mode",
            "mode must be one of nearest, nearest-exact, linear, cubic, not 'bilinear'",
            None,
        ),
        (
            "pixel_shuffle: 3",
            (64, 8, 8),
            "upscale_factor",
            "upscale_factor = 3 takes blocks of 9 channels, which do not divide in_channels = 64",
            "the layer before must have a multiple of 9 channels",
        ),
        (
            "pixel_unshuffle: 2",
            (64, 8, 7),
            "downscale_factor",
            "downscale_factor = 2 does not divide an axis of 7",
            "pad or crop the map to a multiple of it",
        ),
        (
            "col2im: {output_size: [4, 5], kernel_size: [2, 2]}",
            (12, 13),
            "output_size",
            "a map of 4×5 has 3×4 windows, but 13 come in",
            None,
        ),
        (
            "col2im: {output_size: [4, 5], kernel_size: [2, 2]}",
            (10, 12),
            "kernel_size",
            "a window has 4 taps, which do not divide 10 rows",
            None,
        ),
        (
            "channel_shuffle: 3",
            (64, 8, 8),
            "groups",
            "groups = 3 does not divide in_channels = 64",
            "divisors of 64 are 1, 2, 4, 8, 16, 32, 64",
        ),
    ],
)
def test_refusals(item: str, shape: Shape, argument: str | None, message: str, hint: str | None) -> None:
    error = refusal(item, shape)
    assert (error.argument, error.message, error.hint) == (argument, message, hint)


def test_a_grid_of_indices_is_that_of_swins_relative_positions() -> None:
    """arXiv:2103.14030: (Δrow + M − 1) · (2M − 1) + Δcolumn + M − 1 for each pair of positions in an M×M window."""
    places = [(row, column) for row in range(3) for column in range(3)]
    expected = [(a - c + 2) * 5 + b - d + 2 for a, b in places for c, d in places]
    x = np.arange(25.0)
    run = single("gather: {start: 12, sizes: [3, 3, 3, 3], steps: [5, 1, -5, -1]}", (25,)).run(x[None])
    assert run.output[0].tolist() == expected


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ("sizes: [2, 2]", "sizes and as many steps"),
        ("sizes: [2], steps: [1, 1]", "sizes and as many steps"),
        ("sizes: [2], steps: [1], indices: [0]", "and no list"),
        ("sizes: [0], steps: [1]", "at least 1"),
        ("sizes: [200, 200], steps: [0, 0]", "at most 10,000"),
        ("sizes: [3], steps: [2]", "reach from 0 to 4"),
    ],
)
def test_a_wrong_grid_of_indices_is_refused(arguments: str, fault: str) -> None:
    assert fault in refusal(f"gather: {{{arguments}}}", (4,)).message


@pytest.mark.parametrize(
    ("item", "shape", "output", "flops"),
    [
        ("col2im: {output_size: [4, 5], kernel_size: [2, 2]}", (12, 12), (3, 4, 5), 144),  # torch.nn.Fold's example
        ("col2im: {output_size: [7], kernel_size: 3, stride: 2}", (6, 3), (2, 7), 18),
    ],
)
def test_the_sum_of_patches_adds_each_element_once(item: str, shape: Shape, output: Shape, flops: int) -> None:
    done = use(item, shape)
    assert (done.output, done.params, done.macs, done.flops) == (output, 0, 0, flops)
