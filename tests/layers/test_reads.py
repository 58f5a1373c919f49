"""Which positions of the input an output position reads, by hand."""

from __future__ import annotations

import pytest

from cnncalc.layers.base import Use
from cnncalc.layers.reads import Along, Reach
from cnncalc.layers.shapes import Shape
from tests.layers.building import use


def spans(done: Use, axis: int, count: int) -> list[Reach]:
    """Return what the first positions on an axis of the output read."""
    reads = done.layer.reads(done.inputs, done.output)
    assert reads is not None
    ((move,),) = reads
    assert isinstance(move, Along)
    assert all(one.axis in (number, None) for number, one in enumerate(move.reads))  # channels stay channels
    read = move.reads[axis]
    assert (read.axis, read.ranges is None) == (axis, False)
    assert read.ranges is not None
    found = []
    for position in range(count):
        turns, place = divmod(position, read.ranges.period)
        ends, more = read.ranges.of(place), turns * (read.ranges.growth or 0)
        found.append(None if ends is None else (ends[0] + more, ends[1] + more))
    return found


@pytest.mark.parametrize(
    ("item", "shape", "expected"),
    [
        ("conv: {out_channels: 2, kernel_size: 7, stride: 2, padding: 3}", (2, 16), [(-3, 3), (-1, 5), (1, 7)]),
        ("conv: {out_channels: 2, kernel_size: 3, dilation: 4, padding: same}", (2, 16), [(-4, 4), (-3, 5)]),
        ("locally_connected: {out_channels: 2, kernel_size: 3}", (2, 16), [(0, 2), (1, 3)]),
        ("maxpool: {kernel_size: 3, stride: 2, padding: 1}", (2, 14), [(-1, 1), (1, 3)]),
        ("maxpool: {kernel_size: 3, dilation: 2}", (2, 14), [(0, 4), (3, 7)]),
        ("avgpool: 2", (2, 14), [(0, 1), (2, 3)]),
        # Dumoulin and Visin 2016: an element spreads over kernel_size positions, a stride apart
        ("conv_transpose: {out_channels: 2, kernel_size: 2, stride: 2}", (2, 16), [(0, 0), (0, 0), (1, 1), (1, 1)]),
        ("conv_transpose: {out_channels: 2, kernel_size: 4, stride: 2, padding: 1}", (2, 9), [(-1, 0), (0, 1), (0, 1)]),
        ("conv_transpose: {out_channels: 2, kernel_size: 3, padding: 1}", (2, 16), [(-1, 1), (0, 2)]),
        ("conv_transpose: {out_channels: 2, kernel_size: 1, stride: 2}", (2, 16), [(0, 0), None, (1, 1), None]),
        # 2·i + 3·t: 0 of i=0; 2 of 1; 3 of i=0, t=1; 4 of 2; 5 of i=1, t=1; 1 of none but i=-1, t=1
        (
            "conv_transpose: {out_channels: 2, kernel_size: 2, stride: 2, dilation: 3}",
            (2, 9),
            [(0, 0), (-1, -1), (1, 1)],
        ),
        # PyTorch's bins of 14 into 4: floor(i·14/4) to ceil((i + 1)·14/4) - 1
        ("adaptive_maxpool: 4", (2, 14), [(0, 3), (3, 6), (7, 10), (10, 13)]),
        ("pad: 3", (2, 16), [(-3, -3), (-2, -2)]),
        ("center_crop: 13", (2, 16), [(1, 1), (2, 2)]),  # of a margin of 3, 1 in front
        ("slice: {axis: 1, start: 3, step: 2}", (2, 16), [(3, 3), (5, 5)]),
        ("upsample: 2", (2, 16), [(0, 0), (0, 0), (1, 1)]),
        ("upsample: 1.5", (2, 16), [(0, 0), (0, 0), (1, 1), (2, 2)]),  # 0, 0.67, 1.33, 2
        ("upsample: 0.5", (2, 16), [(0, 0), (2, 2), (4, 4)]),
        # half-pixel centres: -0.25, 0.25, 0.75, 1.25
        ("upsample: {scale_factor: 2, mode: linear}", (2, 16), [(-1, 0), (0, 1), (0, 1), (1, 2)]),
        # -1/3, 0, 1/3, 2/3, 1: an element right at the place has all the weight
        ("upsample: {scale_factor: 3, mode: linear}", (2, 16), [(-1, 0), (0, 0), (0, 1), (0, 1), (1, 1)]),
        # 0, 4/9, 8/9, 12/9
        ("upsample: {size: 10, mode: linear, align_corners: true}", (2, 5), [(0, 0), (0, 1), (0, 1), (1, 2)]),
        ("upsample: {size: 8, mode: linear}", (2, 16), [(0, 1), (2, 3)]),  # 0.5, 2.5
        ("upsample: {size: 4, mode: linear}", (2, 1), [(0, 0), (0, 0)]),
        # an axis that keeps its length is copied
        ("upsample: {scale_factor: 1.05, mode: linear}", (2, 4), [(0, 0), (1, 1), (2, 2)]),
        ("upsample: {scale_factor: 2, mode: linear, coordinates: asymmetric}", (2, 16), [(0, 0), (0, 1), (1, 1)]),
        # two neighbours on each side
        ("upsample: {scale_factor: 2, mode: cubic}", (2, 16), [(-2, 1), (-1, 2), (-1, 2)]),
        # (i + 1/2) · 6 / 7: 3/7, 9/7, 15/7, 3, 27/7
        ("upsample: {size: 7, mode: nearest-exact}", (2, 6), [(0, 0), (1, 1), (2, 2), (3, 3), (3, 3)]),
    ],
)
def test_positions_that_each_position_reads(item: str, shape: Shape, expected: list[Reach]) -> None:
    assert spans(use(item, shape), 1, len(expected)) == expected


@pytest.mark.parametrize(
    ("item", "shape", "expected"),
    [
        ("conv: {out_channels: 6, kernel_size: 1, groups: 2}", (8, 5), [(0, 3), (0, 3), (0, 3), (4, 7)]),
        ("groupnorm: 2", (6, 5), [(0, 2), (0, 2), (0, 2), (3, 5)]),
        ("lrn: 5", (6, 5), [(-2, 2), (-1, 3)]),
        ("pad: {padding: 0, channels: [1, 2]}", (6, 5), [(-1, -1), (0, 0)]),
        ("slice: {start: 2}", (6, 5), [(2, 2), (3, 3)]),
        ("tile: [2, 1]", (3, 5), [(0, 0), (1, 1), (2, 2), (0, 0)]),
        ("gather: {indices: [2, 0, -1]}", (3, 5), [(2, 2), (0, 0), (2, 2)]),
        ("cumsum: 0", (3, 5), [(0, 0), (0, 1), (0, 2)]),
        ("cumsum: {axis: 0, reverse: true}", (3, 5), [(0, 2), (1, 2), (2, 2)]),
        ("cumsum: {axis: 0, exclusive: true}", (3, 5), [None, (0, 0), (0, 1)]),
        ("gru: 4", (3, 5), [(0, 0), (0, 1), (0, 2)]),  # a step sees itself and all steps before it
        ("gru: {hidden_size: 4, reverse: true}", (3, 5), [(0, 2), (1, 2), (2, 2)]),
    ],
)
def test_channels_that_each_channel_reads(item: str, shape: Shape, expected: list[Reach]) -> None:
    assert spans(use(item, shape), 0, len(expected)) == expected


@pytest.mark.parametrize(
    ("item", "shape", "axes"),
    [
        ("conv: {out_channels: 2, kernel_size: 1}", (4, 5, 5), [0]),
        ("linear: 3", (4,), [0]),
        ("linear: {out_features: 3, axis: 2}", (4, 5, 5), [2]),
        ("global_avgpool", (4, 5, 5), [1, 2]),
        ("adaptive_avgpool: [1, 3]", (4, 5, 5), [1]),
        ("softmax: 2", (4, 5, 5), [2]),
        ("log_softmax: 1", (4, 5, 5), [1]),
        ("layernorm", (4, 5, 5), [0, 1, 2]),
        ("layernorm: channels", (4, 5, 5), [0]),
        ("instancenorm", (4, 5, 5), [1, 2]),
        ("groupnorm: 2", (4, 5, 5), [1, 2]),
        ("mean: {axis: [1, 2]}", (4, 5, 5), [1, 2]),
        ("argmax: 1", (4, 5, 5), [1]),
        ("topk: {k: 2, axis: 2}", (4, 5, 5), [2]),
        ("rmsnorm: channels", (4, 5, 5), [0]),
        ("expand: [4, 5, 7]", (4, 5, 1), [2]),
        ("einsum: 'chw->w'", (4, 5, 5), [0, 1]),
        ("lstm: {hidden_size: 4, bidirectional: true}", (4, 5), [0, 1]),
        ("batchnorm: {track_running_stats: false}", (4, 5, 5), [1, 2]),
    ],
)
def test_axes_that_are_read_whole(item: str, shape: Shape, axes: list[int]) -> None:
    done = use(item, shape)
    reads = done.layer.reads(done.inputs, done.output)
    assert reads is not None
    ((move,),) = reads
    assert isinstance(move, Along)
    assert [axis for axis, read in enumerate(move.reads) if read.axis is None] == axes


def test_reads_of_several_inputs() -> None:
    for item, shapes, places in (
        ("matmul", ((2, 5, 4), (2, 4, 3)), [(0, 1, None), (0, None, 2)]),
        ("matmul: {transpose_b: true}", ((2, 5, 4), (1, 3, 4)), [(0, 1, None), (None, 2, None)]),
        ("matmul", ((5, 4), (4, 3)), [(0, None), (None, 1)]),
        ("matmul", ((4,), (4, 3)), [(None,), (None, 0)]),
        ("einsum: 'hld,hsd->hls'", ((2, 5, 4), (2, 3, 4)), [(0, 1, None), (0, 2, None)]),
        # softmax(q·kᵀ + bias)·v: one query, all keys, one feature of the values, one line of the biases
        ("attention", ((2, 5, 4), (2, 7, 4), (2, 7, 6)), [(0, 1, None), (0, None, None), (0, None, 2)]),
        (
            "attention",
            ((2, 5, 4), (2, 7, 4), (2, 7, 6), (5, 7)),
            [(0, 1, None), (0, None, None), (0, None, 2), (1, None)],
        ),
        # y = x, y[index[i, j], j] = update[i, j]: any update along the axis may be written to an element
        ("scatter: 0", ((4, 6), (2, 6), (2, 6)), [(0, 1), (None, 1), (None, 1)]),
        ("scatter: 1", ((4, 6), (1, 2), (4, 2)), [(0, 1), (None, None), (0, None)]),
        # y[i, j] = x[index[i, j], j]
        ("gather_elements: 0", ((4, 6), (3, 6)), [(None, 1), (0, 1)]),
        # y[i, j, k] = x[i, index[j, k]]
        ("gather: {axis: 1}", ((4, 6), (2, 3)), [(0, None), (1, 2)]),
        ("gather", ((4, 6), (2, 3)), [(None, 2), (0, 1)]),
        ("grid_sample", ((4, 6, 6), (3, 5, 2)), [(0, None, None), (1, 2, None)]),
    ):
        done = use(item, *shapes)
        reads = done.layer.reads(done.inputs, done.output)
        assert reads is not None
        found = [tuple([read.axis for read in move.reads]) for (move,) in reads if isinstance(move, Along)]
        assert found == places, item
